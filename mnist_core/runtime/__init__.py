"""Process and machine: devices, threads, memory, random streams, files."""
