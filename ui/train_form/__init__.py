"""The Train form: its controls, its state, its words."""
