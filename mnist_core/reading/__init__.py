"""From what a person drew to the digits it shows."""
