"""Search over settings with Optuna: a study whose trials are ordinary runs."""
