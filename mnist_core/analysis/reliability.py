"""Whether a model is as often right as it is sure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mnist_core.messages import N_, InputError

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


def brier_score(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """Mean squared distance of `probabilities` [N, 10] from the truth, 0 to 2 (Brier 1950)."""
    return float(((probabilities - np.eye(10)[labels]) ** 2).sum(1).mean())
