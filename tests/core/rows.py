"""Digits as strokes, to be set in a row."""

ONE = [[[20, 0], [20, 100]]]
SEVEN = [[[0, 0], [50, 0], [20, 100]], [[12, 52], [50, 50]]]  # crossed


def moved(strokes, right):
    return [[[x + right, y] for x, y in stroke] for stroke in strokes]
