"""Runs on the pages: names, list, table, progress, files."""
