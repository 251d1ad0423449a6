"""Random input of visitors, structures and files: `python -m tests.fuzz`."""
