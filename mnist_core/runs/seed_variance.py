"""Seed variance: mean and deviation over runs that differ only in seed, and tests between such groups."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from statistics import fmean, stdev

from mnist_core.config import FIELD_RANGES, TrainConfig
from mnist_core.evaluation.significance import Interval, MeanDifference, holm, mean_interval, welch
from mnist_core.messages import Message
from mnist_core.runs.comparison_text import means_text, one_seed_text, seeds_text
from mnist_core.runs.run import UNFINISHED, Run


@dataclass(frozen=True)
class SeedSummary:
    """Accuracies, 0 to 1, of `count` seeds: mean, standard deviation (n - 1), range, t-interval of the mean.

    `deviation` and `interval` are None for a single seed. `statement` is the summary as text.
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
    """Welch's t-test between two groups of seeds; `statements` are its interpretation as text.

    `p_holm` is its p-value with Holm's correction for all pairs of groups compared; None without a p-value.
    """

    first: SeedSummary
    second: SeedSummary
    test: MeanDifference
    p_holm: float | None
    statements: tuple[Message, ...]


def group_by_seed(runs: Sequence[Run]) -> list[list[Run]]:
    """Group runs that differ only in seed, in the order of each group's first run.

    Each seed counts once: the same seed gives the same network, not another sample.
    """
    groups: dict[object, dict[int, Run]] = {}
    for run in runs:
        groups.setdefault(_all_but_seed(run), {}).setdefault(run.config.seed, run)
    return [list(group.values()) for group in groups.values()]


def seeds_of(run: Run, runs: Sequence[Run]) -> list[Run]:
    """Return the tested runs that differ from `run` only in seed, `run` included, one per seed, ascending."""
    everyone = [run, *(other for other in runs if other.id != run.id)]
    tested = [other for other in everyone if "test_accuracy" in other.results]
    groups = [group for group in group_by_seed(tested) if _all_but_seed(group[0]) == _all_but_seed(run)]
    return sorted(groups[0], key=lambda other: other.config.seed) if groups else []


def unfinished_seeds(run: Run, runs: Sequence[Run]) -> list[Run]:
    """Return the waiting and training runs whose settings differ from `run`'s only in seed, ascending."""
    settings = replace(run.config, seed=0, recipe=TrainConfig.recipe)
    coming = [
        other
        for other in runs
        if other.status in UNFINISHED
        and other.id != run.id
        and replace(other.config, seed=0, recipe=TrainConfig.recipe) == settings
    ]
    return sorted(coming, key=lambda other: other.config.seed)


def next_seeds(config: TrainConfig, used: Collection[int], count: int) -> list[TrainConfig]:
    """Return `count` copies of the settings, with the next seeds that aren't in `used`."""
    lowest, highest = map(int, FIELD_RANGES["seed"])
    seeds: list[int] = []
    seed = config.seed
    while len(seeds) < count:
        seed = seed + 1 if seed < highest else lowest
        if seed not in used:
            seeds.append(seed)
    return [replace(config, seed=seed) for seed in seeds]


def differ_in_seed_only(first: Run, second: Run) -> bool:
    """Whether two runs differ in their seed and in nothing else."""
    return first.config.seed != second.config.seed and _all_but_seed(first) == _all_but_seed(second)


def _all_but_seed(run: Run) -> object:
    """Return a run's settings without seed and recipe name, its changes, data source and epochs done."""
    config = replace(run.config, seed=0, recipe=TrainConfig.recipe)
    return config, tuple(run.changes), run.results.get("source"), run.results.get("epochs")


def seed_summary(accuracies: Sequence[float]) -> SeedSummary:
    """Summarise the accuracies, 0 to 1, of runs that differ in their seed only; at least one."""
    count, mean, ends = len(accuracies), fmean(accuracies), (min(accuracies), max(accuracies))
    interval = mean_interval(accuracies)
    if interval is None:
        return SeedSummary(count, mean, None, *ends, None, one_seed_text(mean))
    deviation = stdev(accuracies)
    statement = seeds_text(accuracies, mean, deviation, interval)
    return SeedSummary(count, mean, deviation, *ends, interval, statement)


def compare_groups(
    groups: Sequence[Sequence[float]], names: Sequence[str]
) -> dict[tuple[int, int], GroupTest]:
    """Test the difference of the mean accuracies, 0 to 1, between each pair of groups of seeds.

    The keys are indices in `groups`; `names` are the groups' names in the statements. Raises InputError for a
    group of one.
    """
    tests = {pair: welch(groups[pair[0]], groups[pair[1]]) for pair in combinations(range(len(groups)), 2)}
    known = {pair: test.p for pair, test in tests.items() if test.p is not None}
    corrected = dict(zip(known, holm(list(known.values())), strict=True))
    return {
        (a, b): GroupTest(
            seed_summary(groups[a]),
            seed_summary(groups[b]),
            test,
            corrected.get((a, b)),
            tuple(means_text((names[a], names[b]), test, corrected.get((a, b)), len(known))),
        )
        for (a, b), test in tests.items()
    }
