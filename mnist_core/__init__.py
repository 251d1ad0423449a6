"""Everything of Digit Lab that is not its web pages: usable from a notebook and a command line."""

__version__ = "0.2.0"
