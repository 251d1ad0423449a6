"""Digits that our own code draws."""
