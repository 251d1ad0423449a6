"""HTML that several pages show."""
