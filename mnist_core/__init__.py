"""Digit Lab without its web pages: a library for notebooks, and a command line."""

__version__ = "0.2.0"
