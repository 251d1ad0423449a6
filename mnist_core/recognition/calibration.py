"""Calibration of a model: temperature scaling, and classifiers that reject images of non-digits.

Temperature scaling: Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks", ICML 2017.
Rejection: for each digit that the model may predict, a logistic regression on the last layer's inputs (a
linear probe: Alain and Bengio 2016) tells that digit from all else that the model takes for it. So does a
small network that sees the image (digit_detector.py); their log odds are added. Both are trained on digits,
and on generated letters, signs, shapes, scribbles and parts of digits, in the quality of drawings and scans.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mnist_core.recognition.digit_detector import DigitDetector, detector_from_lists, train_detector

if TYPE_CHECKING:
    from mnist_core.data.mnist import Split
    from mnist_core.models.modules import DigitClassifier

CALIBRATION_FILE = "calibration.json"
REFUSED = (
    0.014  # share of the validation images and of generated digits, together, that the threshold rejects
)
SEEN = 16_000  # images of MNIST that the classifiers see
WRITTEN_FOR_THRESHOLD = 1_000  # generated digits that help to set the threshold
STRENGTH = 0.01  # of the regressions: sklearn's C, small because the features are many

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Calibration:
    """A model's calibration: temperature, and classifiers of digits against non-digits.

    Logits are divided by `temperature` before the softmax. An image's score is its features [F] times the row
    of `weights` [10, F] for the digit that the model predicts, plus that digit's `bias` [10], plus the log
    odds of the `detector`, if there is one. A score of 0 or more means a digit. A single row and bias, as
    version 0.2 saved, hold for all digits.
    """

    temperature: float
    weights: Floats
    bias: Floats
    detector: DigitDetector | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", np.atleast_2d(np.asarray(self.weights, np.float32)))
        object.__setattr__(self, "bias", np.atleast_1d(np.asarray(self.bias, np.float32)))
        if len(self.weights) != len(self.bias):
            raise ValueError("weights and bias have different numbers of rows")

    def score(self, images: NDArray[np.uint8], features: Floats, labels: NDArray[np.integer]) -> Floats:
        """Return the scores [N] of images [N, 28, 28] with features [N, F], predicted as `labels` [N]."""
        rows = labels % len(self.weights)
        scores: Floats = np.einsum("nf,nf->n", features, self.weights[rows]) + self.bias[rows]
        if self.detector:
            scores += self.detector.log_odds(images)[np.arange(len(labels)), labels]
        return scores

    def save(self, folder: Path) -> None:
        """Write the calibration beside a run's checkpoints."""
        weights = [[float(f"{weight:.4g}") for weight in row] for row in self.weights]
        content: dict[str, Any] = {
            "temperature": self.temperature,
            "bias": self.bias.tolist(),
            "weights": weights,
        }
        if self.detector:
            content["detector"] = self.detector.to_lists()
        (folder / CALIBRATION_FILE).write_text(json.dumps(content) + "\n")


def load_calibration(folder: Path) -> Calibration | None:
    """Read a run's calibration; None if the file is missing or damaged."""
    try:
        content = json.loads((folder / CALIBRATION_FILE).read_text())
        detector = detector_from_lists(content["detector"]) if "detector" in content else None
        return Calibration(float(content["temperature"]), content["weights"], content["bias"], detector)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def calibrate(
    model: DigitClassifier, train: Split, validation: Split, seed: int = 0, seen: int = SEEN
) -> Calibration:
    """Fit temperature and threshold on `validation`, the classifiers on `train` and generated images.

    The classifiers see `seen` images of `train`, one and a half times as many generated digits, of which a
    third are in all forms alike, and over three times as many others. Neither split may have test images; the
    model should not have been trained on `validation`.
    """
    from mnist_core.synthetic.generator import generate_all_forms, generate_digits
    from mnist_core.synthetic.non_digits import generate_non_digits
    from mnist_core.synthetic.random_shapes import generate_random_shapes

    digits = (
        train.images[:seen],
        generate_digits(seen, seed + 1).images,
        generate_all_forms(seen // 2, seed + 31),
    )
    others = generate_non_digits(2 * seen, seed), generate_random_shapes(7 * seen // 8, seen // 2, seed + 12)
    images = np.concatenate([*digits, *others])
    logits, features = _read(model, images)
    labels, is_digit = logits.argmax(axis=1), np.arange(len(images)) < sum(map(len, digits))
    weights, bias = _regressions(features, labels, is_digit)
    detector = train_detector(images, labels, is_digit, seed)
    return _fitted(model, Calibration(1.0, weights, bias, detector), validation)


def recalibrate(model: DigitClassifier, calibration: Calibration, validation: Split) -> Calibration:
    """Refit temperature and threshold for a fine-tuned copy of the calibrated model.

    The classifiers' weights are kept: fine-tuning changes the features too little to refit them.
    """
    return _fitted(model, calibration, validation)


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


def _fitted(model: DigitClassifier, calibration: Calibration, validation: Split) -> Calibration:
    """Set the temperature, and the threshold that rejects REFUSED of `validation` and of generated digits."""
    from mnist_core.models.inference import fit_temperature
    from mnist_core.synthetic.generator import generate_digits

    images = np.concatenate([validation.images, generate_digits(WRITTEN_FOR_THRESHOLD, seed=2).images])
    logits, features = _read(model, images)
    threshold = np.quantile(calibration.score(images, features, logits.argmax(axis=1)), REFUSED)
    bias = (calibration.bias - threshold).astype(np.float32)
    temperature = fit_temperature(logits[: len(validation)], validation.labels)
    return replace(calibration, temperature=temperature, bias=bias)


def _read(model: DigitClassifier, images: NDArray[np.uint8]) -> tuple[Floats, Floats]:
    import torch

    from mnist_core.models.inference import predict_with_features

    logits, features = predict_with_features(model, torch.from_numpy(np.array(images)))
    return logits.numpy(), features.numpy()
