"""Pen digits written by people, drawn on a canvas as on the Draw page."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mnist_core.messages import InputError
from mnist_core.recognition.labelled_drawings import read_labelled_drawing
from mnist_core.recognition.preprocessing_steps import ink_on_canvas
from mnist_core.recognition.strokes import Strokes

SIDE = 280  # pixels of the canvas
SIZES = (0.3, 0.9)  # of the canvas, the longer side of the ink
PEN_WIDTHS = (8.0, 30.0)  # pixels


@dataclass(frozen=True, eq=False)
class Drawing:
    """A digit on the canvas: its strokes in canvas pixels, the canvas uint8 [280, 280], and its label."""

    strokes: Strokes
    pixels: NDArray[np.uint8]
    label: int


def draw_all(file: Path, seed: int = 0) -> Iterator[Drawing]:
    """Draw each line of `file` (`read_labelled_drawing`) with random size, position and pen width.

    Size and pen width are uniform in SIZES and PEN_WIDTHS, the position is uniform where all ink fits. Raises
    InputError for a missing file or a line without a label.
    """
    if not file.is_file():
        raise InputError("There is no {file}; name a file of labelled strokes with --pen-digits.", file=file)
    random = np.random.default_rng(seed)
    for number, text in enumerate(file.read_text().splitlines(), 1):
        entry = read_labelled_drawing(text, number)
        if entry.label is None or not entry.strokes:
            raise InputError("Line {line} of {file} has no label or no strokes.", line=number, file=file)
        pen = random.uniform(*PEN_WIDTHS)
        placed = _placed(entry.strokes, random.uniform(*SIZES) * SIDE, pen, random)
        yield Drawing(placed, ink_on_canvas(placed, pen, SIDE), entry.label)


def _placed(strokes: Strokes, size: float, pen: float, random: np.random.Generator) -> Strokes:
    """Scale strokes so that the ink's longer side is `size` pixels; place them at random on the canvas."""
    points = np.concatenate([np.asarray(stroke, float) for stroke in strokes])
    low, extent = points.min(axis=0), np.ptp(points, axis=0)
    scale = max(size - pen, 1.0) / extent.max()
    corner = random.uniform(pen / 2, SIDE - pen / 2 - extent * scale)
    return [((np.asarray(stroke) - low) * scale + corner).tolist() for stroke in strokes]
