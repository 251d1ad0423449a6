"""Looks inside a network while it learns, and what they say."""
