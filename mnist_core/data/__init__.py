"""MNIST: finding, downloading, checking and loading it; statistics, projections and label errors."""
