"""Runs whose settings are equal but for the seed: their mean and spread, and two such groups compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean, stdev

from mnist_core.analysis.comparison_words import means_words, one_seed_words, seeds_words
from mnist_core.analysis.significance import Interval, MeanDifference, mean_interval, welch
from mnist_core.config import TrainConfig
from mnist_core.messages import Message
from mnist_core.runs.run import Run


@dataclass(frozen=True)
class SeedSummary:
    """Accuracies, 0 to 1, of `count` seeds: mean, standard deviation (n - 1), range, t-interval of the mean.

    `deviation` and `interval` are None for a single seed. `statement` says it in words.
    """

    count: int
    mean: float
    deviation: float | None
    lowest: float
    highest: float
    interval: Interval | None
    statement: Message


@dataclass(frozen=True)
class GroupTest:
    """Two groups of seeds by Welch's t-test; `statements` say what it tells, and what it doesn't."""

    first: SeedSummary
    second: SeedSummary
    test: MeanDifference
    statements: tuple[Message, ...]


def group_by_seed(runs: Sequence[Run]) -> list[list[Run]]:
    """Put runs that are equal but for the seed together, in the order of the first of each.

    A seed counts once: the same seed again gives the same network, not another sample.
    """
    groups: dict[object, dict[int, Run]] = {}
    for run in runs:
        groups.setdefault(_all_but_seed(run), {}).setdefault(run.config.seed, run)
    return [list(group.values()) for group in groups.values()]


def differ_in_seed_only(first: Run, second: Run) -> bool:
    """Whether two runs have different seeds and all else in common."""
    return first.config.seed != second.config.seed and _all_but_seed(first) == _all_but_seed(second)


def _all_but_seed(run: Run) -> object:
    """Return what makes a run: settings (not what they're called), changes on the way, data, epochs done."""
    config = replace(run.config, seed=0, recipe=TrainConfig.recipe)
    return config, tuple(run.phases), run.results.get("source"), run.results.get("epochs")


def seed_summary(accuracies: Sequence[float]) -> SeedSummary:
    """Summarise the accuracies, 0 to 1, of runs that differ in their seed only; at least one."""
    count, mean, ends = len(accuracies), fmean(accuracies), (min(accuracies), max(accuracies))
    interval = mean_interval(accuracies)
    if interval is None:
        return SeedSummary(count, mean, None, *ends, None, one_seed_words(mean))
    deviation = stdev(accuracies)
    statement = seeds_words(accuracies, mean, deviation, interval)
    return SeedSummary(count, mean, deviation, *ends, interval, statement)


def compare_groups(first: Sequence[float], second: Sequence[float], names: tuple[str, str]) -> GroupTest:
    """Compare two settings by the accuracies, 0 to 1, of several seeds each; `names` stand in the statements.

    Raises InputError for a group of one.
    """
    test = welch(first, second)
    return GroupTest(seed_summary(first), seed_summary(second), test, tuple(means_words(names, test)))
