"""A picture as numbers: the place of a pixel in the vector, and its value in each input scaling."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnist_core.choices import INPUT_SCALINGS

SIDE = 28  # pixels


class Pixel(NamedTuple):
    """A pixel by row and column, both from 0, and its value, 0 to 255."""

    row: int
    column: int
    value: int


def vector_index(row: int, column: int) -> int:
    """Return the place, 0 to 783, of a pixel in the flattened picture: its rows one after the other."""
    return SIDE * row + column


def brightest_pixel(image: NDArray[np.uint8]) -> Pixel:
    """Return the darkest pixel of `image` [28, 28], not of the last row, so that one lies below it."""
    row, column = np.unravel_index(int(image[:-1].argmax()), (SIDE - 1, SIDE))
    return Pixel(int(row), int(column), int(image[row, column]))


def scaled(pixels: NDArray[np.uint8], scaling: str) -> NDArray[np.float32]:
    """Return pixels, 0 to 255, of any shape, as a network with this input scaling gets them."""
    entry = INPUT_SCALINGS[scaling]
    values = (pixels.astype(np.float32) / 255 - entry.mean) / entry.std
    return values.astype(np.float32, copy=False)
