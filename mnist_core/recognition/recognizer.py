"""Recognition of one drawn or photographed digit.

A calibrated model averages its probabilities over five views of the image: unchanged, rotated in both
directions, smaller and larger (test-time augmentation: Krizhevsky, Sutskever and Hinton 2012, section 5.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mnist_core.dataset_choices import DATASETS, MNIST

if TYPE_CHECKING:
    from torch import Tensor

    from mnist_core.models.modules import DigitClassifier
    from mnist_core.recognition.calibration import Calibration


DOT = 5  # pixels; ink with a smaller extent is a dot
# Of MNIST's 2,000 validation images 12 are below it, 4 of them wrong; of the surer ones 2 are wrong, one in a
# thousand (`python -m benchmarks.drawing`).
SURE = 0.9
OTHER_VIEWS = ((-8.0, 1.0), (8.0, 1.0), (0.0, 0.9), (0.0, 1.1))  # rotation in degrees, scale


@dataclass(frozen=True, eq=False)
class Prediction:
    """A model's prediction: `label` from 0 and `confidence` 0 to 1, or None and 0 for a blank.

    `probabilities` [C] sum to 1 (all 0 for a blank); `image` uint8 [28, 28] is the model's input. `is_digit`
    is false for a blank and a dot and, from a calibrated model, for non-digits such as letters and scribbles.

    `dataset` is the model's: its classes are what the labels stand for.

    There are three kinds of answer to ink: it is no digit (not `is_digit`), it is one of two digits
    (`is_unsure`), or it is `label`.
    """

    label: int | None
    confidence: float
    probabilities: NDArray[np.float32]
    image: NDArray[np.uint8] | None
    is_digit: bool = True
    dataset: str = MNIST

    @property
    def name(self) -> str:
        """What `label` stands for in the model's data set: "7", "A", "trousers"."""
        return self._name_of(self.label or 0)

    @property
    def second_name(self) -> str:
        """What `second` stands for."""
        return self._name_of(self.second)

    def _name_of(self, label: int) -> str:
        return DATASETS[self.dataset].classes[label]

    @property
    def blank(self) -> bool:
        """Whether there was no ink."""
        return self.image is None

    @property
    def is_unsure(self) -> bool:
        """Whether it is a digit whose `label` is less probable than SURE, so that `second` is shown too."""
        return self.is_digit and self.confidence < SURE

    @property
    def second(self) -> int:
        """The second most likely digit; of two equally likely ones it is the smaller."""
        return int(np.argsort(self.probabilities)[-2])

    @property
    def second_confidence(self) -> float:
        """The probability of `second`."""
        return float(self.probabilities[self.second])

    @property
    def text(self) -> str:
        """The answer as text: "4"; "4/9" if unsure; "?" for a non-digit."""
        if not self.is_digit:
            return "?"
        return f"{self.name}/{self.second_name}" if self.is_unsure else self.name


def predict(
    model: DigitClassifier, image: NDArray[np.uint8] | None, calibration: Calibration | None = None
) -> Prediction:
    """Predict the digit in `image`, uint8 [28, 28] as in MNIST, or None for a blank.

    `calibration` is the model's, if it has one; without it the probabilities are the softmax of the logits.
    """
    return predict_all(model, [image], calibration)[0]


def predict_all(
    model: DigitClassifier,
    images: Sequence[NDArray[np.uint8] | None],
    calibration: Calibration | None = None,
    several_views: bool = True,
) -> list[Prediction]:
    """Return the results of `predict` for many images, computed in batches.

    Without `several_views` a calibrated model sees each image once, which is five times as fast.
    """
    import torch

    from mnist_core.models.inference import predict_logits, predict_with_features

    none = np.zeros(model.outputs, np.float32)
    blank = Prediction(None, 0.0, none, None, is_digit=False, dataset=model.dataset)
    there = [image for image in images if image is not None]
    if not there:
        return [blank for _ in images]
    images_there = torch.from_numpy(np.stack(there))
    logits, features = predict_with_features(model, images_there)
    probabilities, are_digits = logits.softmax(1).numpy(), np.ones(len(there), bool)
    if calibration:
        others = OTHER_VIEWS if several_views else ()
        views = [logits, *(predict_logits(model, _seen(images_there, *view)) for view in others)]
        probabilities = (torch.stack(views) / calibration.temperature).softmax(2).mean(0).numpy()
        are_digits = calibration.score(np.stack(there), features.numpy(), logits.argmax(1).numpy()) >= 0
    read = iter(zip(there, probabilities, are_digits.tolist(), strict=True))
    return [blank if image is None else _prediction(*next(read), model.dataset) for image in images]


def _seen(images: Tensor, degrees: float, size: float) -> Tensor:
    """Rotate [N, 28, 28] about the centre and scale by `size`; float32, pixels 0..255."""
    import torch
    import torch.nn.functional as F

    cosine, sine = np.cos(np.deg2rad(degrees)) / size, np.sin(np.deg2rad(degrees)) / size
    matrix = torch.tensor([[cosine, -sine, 0], [sine, cosine, 0]], dtype=torch.float32)
    pixels = images.unsqueeze(1).float()
    grid = F.affine_grid(matrix.expand(len(images), 2, 3), list(pixels.shape), align_corners=False)
    return F.grid_sample(pixels, grid, align_corners=False).squeeze(1)


def _prediction(
    image: NDArray[np.uint8], probabilities: NDArray[np.float32], is_digit: bool, dataset: str
) -> Prediction:
    label = int(probabilities.argmax())
    is_digit = is_digit and not _is_dot(image)
    return Prediction(label, float(probabilities[label]), probabilities, image, is_digit, dataset)


def _is_dot(image: NDArray[np.uint8]) -> bool:
    """Whether the ink's extent is below DOT; other drawings are scaled to 20 pixels."""
    return bool(image.any()) and max(int(np.ptp(axis)) for axis in image.nonzero()) < DOT
