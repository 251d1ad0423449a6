"""HTML that several pages show; its styles are in `elements.css`."""
