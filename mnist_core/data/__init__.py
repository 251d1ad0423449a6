"""Data sets: finding, downloading, checking and loading them; statistics, projections and label errors."""
