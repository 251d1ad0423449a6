"""Measurements of a network during its training, and diagnostics from them."""
