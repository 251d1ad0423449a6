"""How good a model is, where it breaks, and whether a difference is real."""
