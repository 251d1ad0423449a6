"""Reading one drawn or pictured digit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from mnist_core.model import DigitClassifier
    from mnist_core.reading.calibration import Calibration


DOT = 5  # pixels; ink that extends no further is a dot


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a model reads: `label` 0 to 9 and `confidence` 0 to 1, or None and 0 for a blank.

    `probabilities` [10] sum to 1 (all 0 for a blank); `image` uint8 [28, 28] is what the model saw.
    `is_digit` is false for a blank and, from a calibrated model, for what looks like no digit: letters,
    scribbles.
    """

    label: int | None
    confidence: float
    probabilities: NDArray[np.float32]
    image: NDArray[np.uint8] | None
    is_digit: bool = True

    @property
    def blank(self) -> bool:
        """Whether there was nothing to read."""
        return self.image is None


def predict(
    model: DigitClassifier, image: NDArray[np.uint8] | None, calibration: Calibration | None = None
) -> Prediction:
    """Read `image`, uint8 [28, 28] as mnist_core.reading.drawing makes it, or None for a blank.

    The model scales the pixels itself, as it did in training; `calibration` is its own, if it has one.
    """
    return predict_all(model, [image], calibration)[0]


def predict_all(
    model: DigitClassifier,
    images: Sequence[NDArray[np.uint8] | None],
    calibration: Calibration | None = None,
) -> list[Prediction]:
    """Read many images at once, as `predict` reads each."""
    import torch

    from mnist_core.inference import predict_with_features

    blank = Prediction(None, 0.0, np.zeros(10, np.float32), None, is_digit=False)
    there = [image for image in images if image is not None]
    if not there:
        return [blank for _ in images]
    logits, features = predict_with_features(model, torch.from_numpy(np.stack(there)))
    probabilities = (logits / (calibration.temperature if calibration else 1)).softmax(1).numpy()
    are_digits = calibration.score(features.numpy()) >= 0 if calibration else np.ones(len(there), bool)
    read = iter(zip(there, probabilities, are_digits.tolist(), strict=True))
    return [blank if image is None else _prediction(*next(read)) for image in images]


def _prediction(image: NDArray[np.uint8], probabilities: NDArray[np.float32], is_digit: bool) -> Prediction:
    label = int(probabilities.argmax())
    return Prediction(
        label, float(probabilities[label]), probabilities, image, is_digit and not _is_dot(image)
    )


def _is_dot(image: NDArray[np.uint8]) -> bool:
    """Whether all ink is within a few pixels; whatever else is drawn is scaled to 20."""
    return bool(image.any()) and max(int(np.ptp(axis)) for axis in image.nonzero()) < DOT
