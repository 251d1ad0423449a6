"""One drawing at several sizes and places of a canvas: the prediction after each preprocessing step."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mnist_core.recognition.preprocessing_steps import PreprocessingStep, stroke_steps
from mnist_core.recognition.recognizer import Prediction, predict_all
from mnist_core.recognition.strokes import Strokes, checked_strokes

if TYPE_CHECKING:
    from mnist_core.models.modules import DigitClassifier
    from mnist_core.recognition.calibration import Calibration

SIZES = {"small": 0.25, "medium": 0.5, "large": 0.8}
"""The longer side of the drawing as a share of the canvas's side, by name."""
PLACES = {"middle": (0.5, 0.5), "top_left": (0.0, 0.0), "top_right": (1.0, 0.0), "bottom_right": (1.0, 1.0)}
"""Where on the canvas it stands, x and y: 0 at the left or top edge, 1 at the right or bottom edge."""
EXAMPLE: Strokes = [
    [
        *((95, 100), (103, 82), (118, 68), (140, 62), (163, 67), (179, 81), (184, 100), (179, 122)),
        *((164, 145), (142, 168), (117, 191), (92, 214), (118, 211), (150, 213), (196, 210)),
    ]
]
"""A 2 on a canvas of 280 pixels, for visitors who have drawn nothing."""
EXAMPLE_DIGIT = 2


class PlacedDrawing(NamedTuple):
    """A drawing at one size and place: its steps, and what is read if preprocessing ended at each of them."""

    steps: list[PreprocessingStep]
    predictions: list[Prediction]


def placed(strokes: Strokes, size: str, place: str, side: int, pen: float) -> list[list[list[float]]]:
    """Return strokes scaled and moved on a canvas of `side` pixels; the pen of `pen` pixels stays inside."""
    arrays = checked_strokes(strokes)
    points = np.concatenate(arrays)
    low, extent = points.min(axis=0), np.ptp(points, axis=0)
    scale = SIZES[size] * (side - pen) / max(float(extent.max()), 1.0)
    free = side - pen - extent * scale  # pixels to each axis that the drawing leaves
    corner = pen / 2 + free * np.array(PLACES[place])
    return [((array - low) * scale + corner).tolist() for array in arrays]


def read_all_places(
    model: DigitClassifier, strokes: Strokes, side: int, pen: float, calibration: Calibration | None = None
) -> dict[tuple[str, str], PlacedDrawing]:
    """Return the drawing at all SIZES and PLACES, (size, place): what `model` reads after each step."""
    steps = {
        (size, place): stroke_steps(placed(strokes, size, place, side, pen), side, pen)
        for size, place in product(SIZES, PLACES)
    }
    images = [step.image for group in steps.values() for step in group]
    read = iter(predict_all(model, images, calibration))
    return {key: PlacedDrawing(group, [next(read) for _ in group]) for key, group in steps.items()}


def agreeing(drawings: dict[tuple[str, str], PlacedDrawing], digit: int) -> list[int]:
    """Return for each step at how many of the sizes and places `digit` is read after it."""
    by_step = zip(*(drawing.predictions for drawing in drawings.values()), strict=True)
    return [sum(read.is_digit and read.label == digit for read in step) for step in by_step]
