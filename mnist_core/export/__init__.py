"""What can be taken away of a run, and brought back."""
