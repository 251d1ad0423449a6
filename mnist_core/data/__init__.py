"""MNIST: found, downloaded, checked, opened and described."""
