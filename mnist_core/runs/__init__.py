"""Runs on disk: made, trained, listed, labelled, removed."""
