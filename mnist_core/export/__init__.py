"""Export of runs to files, and import of settings and weights."""
