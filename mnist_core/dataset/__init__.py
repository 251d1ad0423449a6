"""MNIST: what its files are, fetching them, the stand-in for it, and what its images show."""
