"""How sure a figure is: intervals for an accuracy or a mean, and how often chance makes a difference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, stdev, variance

from mnist_core.messages import N_, InputError

LEVEL = 0.05  # of significance, by convention

Interval = tuple[float, float]


@dataclass(frozen=True)
class MeanDifference:
    """The mean of one group less that of another, its 95% interval and p; None where no spread was seen."""

    difference: float
    interval: Interval | None
    p: float | None


def wilson_interval(correct: int, total: int, confidence: float = 0.95) -> Interval:
    """Return the interval for a share, 0 to 1, of which `correct` of `total` were seen.

    Wilson 1927, "Probable inference, the law of succession, and statistical inference". Unlike the share
    give or take its standard error it keeps within 0 and 1 and says something at 100%. Raises InputError when
    `total` is 0, `correct` isn't from 0 to `total`, or `confidence` isn't between 0 and 1.
    """
    if not 0 <= correct <= total or total == 0:
        raise InputError(
            N_(
                "{correct} of {total} is no share; give at least one image, and no more right than there are."
            ),
            correct=correct,
            total=total,
        )
    z = _two_sided(confidence)
    share, shrink = correct / total, 1 + z**2 / total
    centre = (share + z**2 / (2 * total)) / shrink
    half = z * math.sqrt(share * (1 - share) / total + z**2 / (4 * total**2)) / shrink
    return (0.0 if correct == 0 else centre - half, 1.0 if correct == total else centre + half)


def mcnemar(only_first: int, only_second: int) -> float:
    """Return the exact two-sided p of McNemar's test; images that only the one, only the other got right.

    McNemar 1947, "Note on the sampling error of the difference between correlated proportions": if both were
    equally accurate, each of these images would be as likely to be the one's as the other's.
    """
    from scipy.stats import binomtest

    differing = only_first + only_second
    return float(binomtest(only_first, differing).pvalue) if differing else 1.0


def difference_interval(only_first: int, only_second: int, images: int) -> Interval:
    """Return the 95% interval of one accuracy less another, -1 to 1, on the same `images` images.

    `only_first` and `only_second` are how many of these only the one got right. Agresti and Min 2005, "Simple
    improved confidence intervals for comparing matched proportions": Wald's, with half an image more of each
    kind (right by both, the one, the other, neither), which keeps it honest where few images differ.
    """
    first, second, total = only_first + 0.5, only_second + 0.5, images + 2
    difference = (first - second) / total
    half = _two_sided(0.95) * math.sqrt(first + second - (first - second) ** 2 / total) / total
    return max(-1.0, difference - half), min(1.0, difference + half)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return each p corrected for how many there are, so that one below 0.05 among all is rarely chance.

    Holm 1979, "A simple sequentially rejective multiple test procedure".
    """
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda n: p_values[n])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted


def mean_interval(values: Sequence[float], confidence: float = 0.95) -> Interval | None:
    """Return Student's t-interval for the mean that `values` were drawn from; None for a single value."""
    from scipy.stats import t

    _two_sided(confidence)
    if len(values) < 2:
        return None
    quantile = float(t.ppf((1 + confidence) / 2, len(values) - 1))
    half = quantile * stdev(values) / math.sqrt(len(values))
    return fmean(values) - half, fmean(values) + half


def welch(first: Sequence[float], second: Sequence[float]) -> MeanDifference:
    """Compare two groups' means by Welch's t-test, two-sided, which lets their spreads differ.

    Welch 1947, "The generalization of 'Student's' problem". Raises InputError for a group of one.
    """
    from scipy.stats import t

    if min(len(first), len(second)) < 2:
        raise InputError(N_("The spread over seeds needs two runs of each; train the settings again."))
    difference = fmean(first) - fmean(second)
    squares = [variance(group) / len(group) for group in (first, second)]
    if not any(squares):
        return MeanDifference(difference, None, None)
    freedom = sum(squares) ** 2 / (squares[0] ** 2 / (len(first) - 1) + squares[1] ** 2 / (len(second) - 1))
    error = math.sqrt(sum(squares))
    half = float(t.ppf(0.975, freedom)) * error
    p = 2 * float(t.sf(abs(difference) / error, freedom))
    return MeanDifference(difference, (difference - half, difference + half), p)


def _two_sided(confidence: float) -> float:
    """Return how many standard deviations of a normal distribution hold the share `confidence`."""
    if not 0 < confidence < 1:
        raise InputError(
            N_("Confidence must be between 0 and 1, such as 0.95, not {confidence}."), confidence=confidence
        )
    return NormalDist().inv_cdf((1 + confidence) / 2)
