"""Accuracy of segmentation and recognition on rows composed of MNIST's test digits."""

import numpy as np
from numpy.typing import NDArray

from mnist_core.data.mnist import Split
from mnist_core.models.modules import DigitClassifier
from mnist_core.recognition.calibration import Calibration
from mnist_core.recognition.segmentation import predict_pixels_row

ROWS = 300
DIGITS = (2, 6)
GAPS = (2, 8)  # pixels between the ink of neighbours
MARGIN = 6  # pixels around the row
PAIRS = 100
INK = 60  # of 255; a column with less begins no digit that touches

CONDITIONS = """\
{rows} rows of 2 to 6 digits of MNIST's test images, cut to their ink's columns and set side by side with gaps
of 2 to 8 px; seed 0. A digit counts as correct if its row's count and its own prediction are correct.
{pairs} pairs of digits that touch: of each the columns with ink, side by side; correct if both are."""


def rows_table(model: DigitClassifier, calibration: Calibration | None, test: Split) -> str:
    """Return a table of the accuracy of the rows' counts and of their digits."""
    random = np.random.default_rng(0)
    counted, right, digits = 0, 0, 0
    for _ in range(ROWS):
        chosen = random.integers(len(test), size=random.integers(DIGITS[0], DIGITS[1] + 1))
        row = compose_row(test.images[chosen], random)
        read = [digit.prediction.label for digit in predict_pixels_row(model, row, calibration)]
        labels = test.labels[chosen].tolist()
        digits += len(labels)
        counted += len(read) == len(labels)
        right += sum(a == b for a, b in zip(read, labels, strict=True)) if len(read) == len(labels) else 0
    lines = [
        "| rows of digits | |",
        "|---|---:|",
        f"| counted right | {counted / ROWS:.1%} of {ROWS} rows |",
        f"| read right | {right / digits:.1%} of {digits:,} digits |",
        f"| pairs that touch, read right | {_touching_right(model, calibration, test):.1%} of {PAIRS} |",
    ]
    return "\n".join([*lines, "", CONDITIONS.format(rows=ROWS, pairs=PAIRS)])


def _touching_right(model: DigitClassifier, calibration: Calibration | None, test: Split) -> float:
    """Return the share of pairs of touching digits that are read right."""
    random, right = np.random.default_rng(0), 0
    for _ in range(PAIRS):
        chosen = random.integers(len(test), size=2)
        read = predict_pixels_row(model, compose_touching(test.images[chosen]), calibration)
        right += [digit.prediction.label for digit in read] == test.labels[chosen].tolist()
    return right / PAIRS


def compose_touching(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Compose images [N, 28, 28] to a row without gaps: uint8 [H, W], 255 is ink."""
    parts = []
    for image in images:
        columns = np.flatnonzero(image.max(axis=0) > INK)
        parts.append(image[:, columns[0] : columns[-1] + 1])
    return np.pad(np.concatenate(parts, axis=1), MARGIN)


def compose_row(images: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    """Compose images [N, 28, 28] to a row with random gaps in GAPS: uint8 [H, W], 255 is ink."""
    parts = [np.zeros((28, MARGIN), np.uint8)]
    for image in images:
        columns = np.flatnonzero(image.any(axis=0))
        gap = np.zeros((28, random.integers(GAPS[0], GAPS[1] + 1)), np.uint8)
        parts += [image[:, columns[0] : columns[-1] + 1], gap]
    return np.pad(np.concatenate([*parts[:-1], parts[0]], axis=1), ((MARGIN, MARGIN), (0, 0)))
