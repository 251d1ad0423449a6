"""The sections of the Explore page, one module each."""
