"""What the chapters of the Learn page compute."""
