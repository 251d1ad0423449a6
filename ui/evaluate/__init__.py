"""The sections of the Evaluate page, one module each, and what they share."""
