"""The sections of the Inside page, one module each, all at the moment that the slider says."""
