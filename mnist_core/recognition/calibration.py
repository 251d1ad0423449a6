"""Calibration of a model: temperature scaling, and a classifier that rejects images of non-digits.

Temperature scaling: Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks", ICML 2017.
Rejection: a logistic regression on the last layer's inputs (a linear probe: Alain and Bengio 2016), trained
on digits and on generated letters, shapes and scribbles.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from mnist_core.data.mnist import Split
    from mnist_core.models.modules import DigitClassifier

CALIBRATION_FILE = "calibration.json"
REFUSED = 0.015  # share of the validation images (real digits) that the threshold rejects
DIGITS_SEEN, WRITTEN_SEEN, OTHERS_SEEN = (
    16_000,
    3_000,
    12_000,
)  # training images: MNIST, generated, non-digits
STRENGTH = 0.003  # of the regression: sklearn's C, small because the features are many

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Calibration:
    """A model's calibration: temperature and linear classifier of digits against non-digits.

    Logits are divided by `temperature` before the softmax. An image's score is its features [F] times
    `weights` [F] plus `bias`; a score of 0 or more means a digit.
    """

    temperature: float
    weights: Floats
    bias: float

    def score(self, features: Floats) -> Floats:
        """Return the scores [N] of features [N, F]; 0 or more means a digit."""
        score: Floats = (features @ self.weights + self.bias).astype(np.float32)
        return score

    def save(self, folder: Path) -> None:
        """Write it beside a run's checkpoints."""
        weights = [float(f"{weight:.5g}") for weight in self.weights]
        content = {"temperature": self.temperature, "bias": self.bias, "weights": weights}
        (folder / CALIBRATION_FILE).write_text(json.dumps(content) + "\n")


def load_calibration(folder: Path) -> Calibration | None:
    """Read a run's calibration; None if the file is missing or damaged."""
    try:
        content = json.loads((folder / CALIBRATION_FILE).read_text())
        weights = np.array(content["weights"], np.float32)
        return Calibration(float(content["temperature"]), weights, float(content["bias"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def calibrate(model: DigitClassifier, train: Split, validation: Split, seed: int = 0) -> Calibration:
    """Fit temperature and threshold on `validation`, the regression on `train` and generated images.

    Neither split may have test images; the model should not have been trained on `validation`.
    """
    from sklearn.linear_model import LogisticRegression

    from mnist_core.synthetic.generator import generate_digits, generate_non_digits

    written = generate_digits(WRITTEN_SEEN, seed).images
    others = generate_non_digits(OTHERS_SEEN, seed)
    seen = [_features(model, images) for images in (train.images[:DIGITS_SEEN], written, others)]
    features = np.concatenate(seen)
    spread = features.std(axis=0) + 1e-6
    is_digit = np.arange(len(features)) < len(features) - len(others)
    regression = LogisticRegression(C=STRENGTH, max_iter=200).fit(features / spread, is_digit)
    weights = (regression.coef_[0] / spread).astype(np.float32)
    return _fitted(model, weights, validation)


def recalibrate(model: DigitClassifier, calibration: Calibration, validation: Split) -> Calibration:
    """Refit temperature and threshold for a fine-tuned copy of the calibrated model.

    The regression's weights are kept: fine-tuning changes the features too little to refit them.
    """
    return _fitted(model, calibration.weights, validation)


def _fitted(model: DigitClassifier, weights: Floats, validation: Split) -> Calibration:
    from mnist_core.models.inference import fit_temperature

    logits, features = _read(model, validation.images)
    threshold = float(np.quantile(features @ weights, REFUSED))
    return Calibration(fit_temperature(logits, validation.labels), weights, -threshold)


def _features(model: DigitClassifier, images: NDArray[np.uint8]) -> Floats:
    return _read(model, images)[1]


def _read(model: DigitClassifier, images: NDArray[np.uint8]) -> tuple[Floats, Floats]:
    import torch

    from mnist_core.models.inference import predict_with_features

    logits, features = predict_with_features(model, torch.from_numpy(np.array(images)))
    return logits.numpy(), features.numpy()
