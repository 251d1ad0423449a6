"""Reading one drawn or pictured digit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from mnist_core.model import DigitClassifier


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a model reads: `label` 0 to 9 and `confidence` 0 to 1, or None and 0 for a blank.

    `probabilities` [10] sum to 1 (all 0 for a blank); `image` uint8 [28, 28] is what the model saw.
    """

    label: int | None
    confidence: float
    probabilities: NDArray[np.float32]
    image: NDArray[np.uint8] | None

    @property
    def blank(self) -> bool:
        """Whether there was nothing to read."""
        return self.image is None


def predict(model: DigitClassifier, image: NDArray[np.uint8] | None) -> Prediction:
    """Read `image`, uint8 [28, 28] as mnist_core.drawing makes it, or None for a blank.

    The model scales the pixels itself, as it did in training.
    """
    import torch

    from mnist_core.inference import predict_logits

    if image is None:
        return Prediction(None, 0.0, np.zeros(10, np.float32), None)
    logits = predict_logits(model, torch.from_numpy(image[None]))
    probabilities = logits.softmax(1)[0].numpy()
    label = int(probabilities.argmax())
    return Prediction(label, float(probabilities[label]), probabilities, image)
