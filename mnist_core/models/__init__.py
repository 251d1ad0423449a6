"""Networks: their layers, what they answer, and their files."""
