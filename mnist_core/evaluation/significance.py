"""Confidence intervals for accuracies and means, and significance tests of differences.

The arithmetic is scipy's and statsmodels'. Both are imported by the functions that need them: at first use
they take 0.7 s of one core and 60 MB, nearly all of it scipy.stats.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist, fmean, variance

from mnist_core.messages import N_, InputError

LEVEL = 0.05  # of significance, by convention

Interval = tuple[float, float]


@dataclass(frozen=True)
class MeanDifference:
    """Difference of two groups' means, its 95% interval and p-value; None if neither group varies."""

    difference: float
    interval: Interval | None
    p: float | None


def wilson_interval(correct: int, total: int, confidence: float = 0.95) -> Interval:
    """Return the confidence interval, 0 to 1, of a proportion with `correct` successes in `total` trials.

    Wilson 1927, "Probable inference, the law of succession, and statistical inference". Unlike the share
    plus and minus its standard error it stays within 0 and 1 and has a width at 100%. Raises InputError when
    `total` is 0, `correct` isn't from 0 to `total`, or `confidence` isn't between 0 and 1.
    """
    if not 0 <= correct <= total or total == 0:
        raise InputError(
            N_(
                "{correct} of {total} is not a valid share; give at least one image, and no more "
                "correct ones than images."
            ),
            correct=correct,
            total=total,
        )
    _check_confidence(confidence)
    from scipy.stats import binomtest

    low, high = binomtest(correct, total).proportion_ci(confidence, "wilson")
    return float(low), float(high)


def mcnemar(only_first: int, only_second: int) -> float:
    """Return McNemar's exact two-sided p-value from the images that only one of two networks gets right.

    McNemar 1947, "Note on the sampling error of the difference between correlated proportions": if both were
    equally accurate, each of these images would be as likely to be the first's as the second's.
    """
    from scipy.stats import binomtest

    differing = only_first + only_second
    return float(binomtest(only_first, differing).pvalue) if differing else 1.0


def difference_interval(only_first: int, only_second: int, images: int) -> Interval:
    """Return the 95% interval of the difference of two accuracies, -1 to 1, on the same `images` images.

    `only_first` and `only_second` count the images that only the first, only the second got right. Agresti
    and Min 2005, "Simple improved confidence intervals for comparing matched proportions": Wald's interval
    with half an image added to each kind (right by both, by one, by the other, by neither), which keeps its
    coverage where few images differ. Neither scipy nor statsmodels has it.
    """
    first, second, total = only_first + 0.5, only_second + 0.5, images + 2
    difference = (first - second) / total
    half = NormalDist().inv_cdf(0.975) * math.sqrt(first + second - (first - second) ** 2 / total) / total
    return max(-1.0, difference - half), min(1.0, difference + half)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p-values corrected for multiple tests: the family-wise error rate at 0.05 is at most 5%.

    Holm 1979, "A simple sequentially rejective multiple test procedure".
    """
    return list(_holm(tuple(p_values))) if p_values else []


@lru_cache(maxsize=64)  # multipletests runs Python's garbage collector at each call: 40 ms and more
def _holm(p_values: tuple[float, ...]) -> tuple[float, ...]:
    from statsmodels.stats.multitest import multipletests

    return tuple(multipletests(p_values, method="holm")[1].tolist())


def mean_interval(values: Sequence[float], confidence: float = 0.95) -> Interval | None:
    """Return Student's t-interval of the mean of `values`; None for a single value.

    Raises InputError when `confidence` isn't between 0 and 1.
    """
    _check_confidence(confidence)
    if len(values) < 2:
        return None
    from statsmodels.stats.weightstats import DescrStatsW

    low, high = DescrStatsW(values).tconfint_mean(1 - confidence)
    return float(low), float(high)


def welch(first: Sequence[float], second: Sequence[float]) -> MeanDifference:
    """Compare two groups' means by Welch's two-sided t-test, which allows unequal variances.

    Welch 1947, "The generalization of 'Student's' problem". Raises InputError for a group of one.
    """
    if min(len(first), len(second)) < 2:
        raise InputError(
            N_("The variance over seeds needs two runs of each group; train the settings again.")
        )
    difference = fmean(first) - fmean(second)
    if not variance(first) and not variance(second):
        return MeanDifference(difference, None, None)
    from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

    means = CompareMeans(DescrStatsW(first), DescrStatsW(second))
    _, p, _ = means.ttest_ind(usevar="unequal")
    low, high = means.tconfint_diff(usevar="unequal")
    return MeanDifference(difference, (float(low), float(high)), float(p))


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise InputError(
            N_("Confidence must be between 0 and 1, such as 0.95, not {confidence}."), confidence=confidence
        )
