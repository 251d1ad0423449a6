"""The sections of the Explore page."""
