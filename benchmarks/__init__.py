"""Benchmarks of speed, memory, latency and accuracy; each module is a command."""
