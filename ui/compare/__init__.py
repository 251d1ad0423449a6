"""The sections of the Compare page, one module each."""
