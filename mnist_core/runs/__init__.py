"""Runs on disk: creating, training, listing, naming and deleting them, and comparing them."""
