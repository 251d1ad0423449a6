"""The sections of the Draw page."""
