"""Whether a model is as often right as it is sure, and how often it errs if it answers only when it is."""

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
    """A reliability diagram: images by how sure the model was, in equal parts of 0 to 1 that have any.

    Of each of the B parts there are `counts` [B] images, mean `confidences` [B] and `accuracies` [B], 0 to 1.
    `expected_error` is the mean distance between the two over all images, and `confidence` the mean of all.
    """

    counts: NDArray[np.int64]
    confidences: Shares
    accuracies: Shares

    @property
    def confidence(self) -> float:
        """How sure the model was on average, 0 to 1; more than its accuracy if it is too sure."""
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
    """Sort images by the probability of the likeliest digit into `bins` equal parts of 0 to 1.

    `probabilities` are [N, 10], `labels` [N]. Raises InputError for less than one bin.
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
    """What becomes of N images if a model answers only the surest of them.

    `confidences` [N], 0 to 1, fall; `errors` [N] counts the wrong answers up to each. R. El-Yaniv and Y.
    Wiener, "On the Foundations of Noise-free Selective Classification" (JMLR 2010).
    """

    confidences: Shares
    errors: NDArray[np.int64]

    def answered(self, threshold: float) -> tuple[int, int]:
        """How many images it answers if it must be at least so sure, 0 to 1, and how many of them wrongly."""
        count = int(np.searchsorted(-self.confidences, -threshold, side="right"))
        return count, int(self.errors[count - 1]) if count else 0

    @property
    def coverages(self) -> Shares:
        """The share of the images that is answered, [N]: 1 / N, 2 / N and so on up to 1."""
        shares: Shares = np.arange(1, len(self.errors) + 1) / len(self.errors)
        return shares

    @property
    def risks(self) -> Shares:
        """The share of those answers that is wrong, [N]."""
        shares: Shares = self.errors / np.arange(1, len(self.errors) + 1)
        return shares


def risk_coverage(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> RiskCoverage:
    """Sort images by the probability of the likeliest digit; `probabilities` [N, 10], `labels` [N]."""
    sure = probabilities.max(1).astype(np.float64)
    order = np.argsort(-sure, kind="stable")
    wrong = (probabilities.argmax(1) != labels)[order]
    return RiskCoverage(sure[order], np.cumsum(wrong))


def scale_by_temperature(
    probabilities: NDArray[np.float32], labels: NDArray[np.integer]
) -> tuple[NDArray[np.float32], float]:
    """Return probabilities [N, 10] made honest by temperature scaling, and the temperature.

    Every other image is scaled by the temperature that fits the rest best, and the rest by theirs, so that
    no image judges a temperature fitted to it; the one returned fits them all. Raises InputError for fewer
    than two images.
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
    """Mean squared distance of `probabilities` [N, 10] from the truth, 0 to 2 (Brier 1950)."""
    return float(((probabilities - np.eye(10)[labels]) ** 2).sum(1).mean())
