"""How good a model is, where it fails, and whether a difference is real."""
