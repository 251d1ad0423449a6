"""Calibration metrics: reliability diagram, calibration error, Brier score, risk-coverage curve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnist_core.messages import N_, InputError
from mnist_core.models.inference import fit_temperature

BINS = 15  # as in Guo et al. 2017
Shares = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Reliability:
    """A reliability diagram: images grouped by confidence into equal bins of 0 to 1, without empty bins.

    `counts` [B] are the bins' images, `confidences` [B] and `accuracies` [B] their means, 0 to 1.
    """

    counts: NDArray[np.int64]
    confidences: Shares
    accuracies: Shares

    @property
    def confidence(self) -> float:
        """Mean confidence, 0 to 1; above the accuracy if the model is overconfident."""
        return float(np.average(self.confidences, weights=self.counts))

    @property
    def expected_error(self) -> float:
        """Expected calibration error, 0 to 1.

        Guo et al. 2017, "On Calibration of Modern Neural Networks".
        """
        return float(np.average(np.abs(self.accuracies - self.confidences), weights=self.counts))


def reliability(
    probabilities: NDArray[np.floating], labels: NDArray[np.integer], bins: int = BINS
) -> Reliability:
    """Group images by the probability of the predicted digit into `bins` equal bins of 0 to 1.

    `probabilities` are [N, classes], `labels` [N]. Raises InputError for less than one bin.
    """
    if bins < 1:
        raise InputError(N_("There must be at least 1 bin, not {bins}."), bins=bins)
    sure = probabilities.max(1).astype(np.float64)
    right = probabilities.argmax(1) == labels
    places = np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], sure)
    counts = np.bincount(places, minlength=bins)
    filled = counts > 0
    sums = [np.bincount(places, weights=values, minlength=bins)[filled] for values in (sure, right)]
    return Reliability(counts[filled], *(total / counts[filled] for total in sums))


@dataclass(frozen=True, eq=False)
class RiskCoverage:
    """Risk-coverage curve of N images: the errors if a model answers only at high confidence.

    `confidences` [N], 0 to 1, are in descending order; `errors` [N] is the number of errors up to each. R.
    El-Yaniv and Y. Wiener, "On the Foundations of Noise-free Selective Classification" (JMLR 2010).
    """

    confidences: Shares
    errors: NDArray[np.int64]

    def answered(self, threshold: float) -> tuple[int, int]:
        """Return the number of images with confidence `threshold` or more, and of errors among them."""
        count = int(np.searchsorted(-self.confidences, -threshold, side="right"))
        return count, int(self.errors[count - 1]) if count else 0

    @property
    def coverages(self) -> Shares:
        """Share of images answered, [N]: 1 / N, 2 / N and so on up to 1."""
        shares: Shares = np.arange(1, len(self.errors) + 1) / len(self.errors)
        return shares

    @property
    def risks(self) -> Shares:
        """Share of errors among the images answered, [N]."""
        shares: Shares = self.errors / np.arange(1, len(self.errors) + 1)
        return shares


def risk_coverage(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> RiskCoverage:
    """Return the risk-coverage curve for `probabilities` [N, classes] and `labels` [N]."""
    sure = probabilities.max(1).astype(np.float64)
    order = np.argsort(-sure, kind="stable")
    wrong = (probabilities.argmax(1) != labels)[order]
    return RiskCoverage(sure[order], np.cumsum(wrong))


def scale_by_temperature(
    probabilities: NDArray[np.float32], labels: NDArray[np.integer]
) -> tuple[NDArray[np.float32], float]:
    """Return probabilities [N, classes] calibrated by temperature scaling, and the temperature.

    Each half of the images (even and odd numbers) is scaled by the temperature fitted on the other half, so
    no image is scaled by a temperature fitted on it; the temperature returned is fitted on all images. Raises
    InputError for fewer than two images.
    """
    if len(labels) < 2:
        raise InputError(N_("A temperature can't be fitted to fewer than 2 images."))
    logits = np.log(np.maximum(probabilities, np.finfo(np.float32).tiny))
    scaled = np.empty_like(logits)
    for half, rest in ((0, 1), (1, 0)):
        temperature = fit_temperature(logits[rest::2], labels[rest::2])
        scaled[half::2] = _softmax(logits[half::2] / np.float32(temperature))
    return scaled, fit_temperature(logits, labels)


def _softmax(logits: NDArray[np.floating]) -> NDArray[np.floating]:
    powers = np.exp(logits - logits.max(1, keepdims=True))
    shares: NDArray[np.floating] = powers / powers.sum(1, keepdims=True)
    return shares


def brier_score(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """Mean squared distance of `probabilities` [N, classes] to the one-hot labels, 0 to 2 (Brier 1950)."""
    return float(((probabilities - np.eye(probabilities.shape[1])[labels]) ** 2).sum(1).mean())
