"""What a visitor can send, at random: structures and files; `python -m tests.fuzz`."""
