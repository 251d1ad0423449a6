"""Synthetic handwriting: glyphs, and generators of digits, letters, shapes and scribbles."""
