"""Synthetic handwriting: glyphs and the generator of digits, letters, shapes and scribbles."""
