"""Calibration of a model: temperature scaling, and classifiers that reject images of non-digits.

Temperature scaling: Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks", ICML 2017.
Rejection: for each digit that the model may predict, a logistic regression on the last layer's inputs (a
linear probe: Alain and Bengio 2016) tells that digit from all else that the model takes for it. It is trained
on digits, and on generated letters, signs, shapes, scribbles and parts of digits, in the quality of drawings
and of scans.
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
REFUSED = 0.01  # share of the validation images that the threshold rejects at most
REFUSED_WRITTEN = 0.02  # the same for generated digits, of which one in a hundred is illegible
SEEN = 16_000  # training images: as many of MNIST as generated digits, and twice as many non-digits
WRITTEN_FOR_THRESHOLD = 1_000  # generated digits that help to set the threshold
STRENGTH = 0.01  # of the regressions: sklearn's C, small because the features are many

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Calibration:
    """A model's calibration: temperature, and linear classifiers of digits against non-digits.

    Logits are divided by `temperature` before the softmax. An image's score is its features [F] times the row
    of `weights` [10, F] for the digit that the model predicts, plus that digit's `bias` [10]; a score of 0 or
    more means a digit. A single row and bias, as version 0.2 saved, hold for all digits.
    """

    temperature: float
    weights: Floats
    bias: Floats

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", np.atleast_2d(np.asarray(self.weights, np.float32)))
        object.__setattr__(self, "bias", np.atleast_1d(np.asarray(self.bias, np.float32)))
        if len(self.weights) != len(self.bias):
            raise ValueError("weights and bias have different numbers of rows")

    def score(self, features: Floats, labels: NDArray[np.integer]) -> Floats:
        """Return the scores [N] of features [N, F] of images that are predicted as `labels` [N]."""
        rows = labels % len(self.weights)
        scores: Floats = np.einsum("nf,nf->n", features, self.weights[rows]) + self.bias[rows]
        return scores

    def save(self, folder: Path) -> None:
        """Write the calibration beside a run's checkpoints."""
        weights = [[float(f"{weight:.4g}") for weight in row] for row in self.weights]
        content = {"temperature": self.temperature, "bias": self.bias.tolist(), "weights": weights}
        (folder / CALIBRATION_FILE).write_text(json.dumps(content) + "\n")


def load_calibration(folder: Path) -> Calibration | None:
    """Read a run's calibration; None if the file is missing or damaged."""
    try:
        content = json.loads((folder / CALIBRATION_FILE).read_text())
        return Calibration(float(content["temperature"]), content["weights"], content["bias"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def calibrate(
    model: DigitClassifier, train: Split, validation: Split, seed: int = 0, seen: int = SEEN
) -> Calibration:
    """Fit temperature and threshold on `validation`, the regressions on `train` and generated images.

    The regressions see `seen` images of `train`, as many generated digits, and twice as many non-digits.
    Neither split may have test images; the model should not have been trained on `validation`.
    """
    from mnist_core.synthetic.generator import generate_digits
    from mnist_core.synthetic.non_digits import generate_non_digits

    digits = np.concatenate([train.images[:seen], generate_digits(seen, seed + 1).images])
    read = [_read(model, images) for images in (digits, generate_non_digits(2 * seen, seed))]
    logits, features = (np.concatenate(parts) for parts in zip(*read, strict=True))
    weights, bias = _regressions(features, logits.argmax(axis=1), np.arange(len(features)) < len(digits))
    return _fitted(model, weights, bias, validation)


def recalibrate(model: DigitClassifier, calibration: Calibration, validation: Split) -> Calibration:
    """Refit temperature and threshold for a fine-tuned copy of the calibrated model.

    The regressions' weights are kept: fine-tuning changes the features too little to refit them.
    """
    return _fitted(model, calibration.weights, calibration.bias, validation)


def _regressions(
    features: Floats, labels: NDArray[np.integer], is_digit: NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """Fit one regression for each predicted digit: weights [10, F] and biases [10]."""
    from sklearn.linear_model import LogisticRegression

    spread = features.std(axis=0) + 1e-6
    weights, bias = np.zeros((10, features.shape[1]), np.float32), np.ones(10, np.float32)
    for digit in range(10):
        read = labels == digit
        if len(np.unique(is_digit[read])) < 2:
            continue  # only digits, or only non-digits: all are accepted
        regression = LogisticRegression(C=STRENGTH, max_iter=200).fit(features[read] / spread, is_digit[read])
        weights[digit], bias[digit] = regression.coef_[0] / spread, regression.intercept_[0]
    return weights, bias


def _fitted(model: DigitClassifier, weights: Floats, bias: Floats, validation: Split) -> Calibration:
    """Set the threshold that rejects REFUSED of `validation` or REFUSED_WRITTEN of digits: the lower one."""
    from mnist_core.models.inference import fit_temperature
    from mnist_core.synthetic.generator import generate_digits

    logits, features = _read(model, validation.images)
    temperature = fit_temperature(logits, validation.labels)
    unmoved = Calibration(temperature, weights, bias)
    written = _read(model, generate_digits(WRITTEN_FOR_THRESHOLD, seed=2).images)
    scores, written_scores = (
        unmoved.score(seen, out.argmax(axis=1)) for out, seen in ((logits, features), written)
    )
    threshold = min(np.quantile(scores, REFUSED), np.quantile(written_scores, REFUSED_WRITTEN))
    return Calibration(temperature, weights, (bias - threshold).astype(np.float32))


def _read(model: DigitClassifier, images: NDArray[np.uint8]) -> tuple[Floats, Floats]:
    import torch

    from mnist_core.models.inference import predict_with_features

    logits, features = predict_with_features(model, torch.from_numpy(np.array(images)))
    return logits.numpy(), features.numpy()
