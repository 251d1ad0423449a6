"""This machine: its devices, threads and memory, and how fast settings train on it."""
