"""This process and this machine: devices, threads, memory, files."""
