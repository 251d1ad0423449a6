"""From what a person drew or photographed to digits."""
