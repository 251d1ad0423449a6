"""The Learn page: its chapters, one module each, and what they share."""
