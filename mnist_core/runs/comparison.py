"""Comparison of trained networks: scores, differing settings, and significance of the differences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_core.config import TrainConfig
from mnist_core.dataset_choices import DATASETS
from mnist_core.evaluation.metrics import Evaluation
from mnist_core.evaluation.significance import Interval, holm, mcnemar, wilson_interval
from mnist_core.messages import N_, InputError, Message
from mnist_core.runs.comparison_text import holm_text, notes, pair_text, pair_verdict, same_settings
from mnist_core.runs.names import run_names
from mnist_core.runs.run import Run
from mnist_core.runs.seed_variance import differ_in_seed_only

FEWEST, MOST = 2, 8  # runs that a table and a chart can show at once
SAMPLE = N_("the offline sample")
Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Score:
    """One run: accuracy 0 to 1 with its 95% Wilson interval, mean loss (nats), and the costs of the training.

    `images_per_second` is the training's speed; it, `parameters` and `train_seconds` are None if the run did
    not record them. `size` is that of the weights file in bytes. `right_alone` are the indices of the test
    images that only this run classifies correctly.
    """

    run: Run
    name: str
    correct: int
    accuracy: float
    interval: Interval
    loss: float
    parameters: int | None
    train_seconds: float | None
    images_per_second: float | None
    size: int
    right_alone: Indices

    def row(self) -> dict[str, Any]:
        """Return the score as a table row: column name -> value."""
        low, high = self.interval
        return {
            "run": self.run.id,
            "name": self.name,
            "recipe": self.run.config.recipe,
            "seed": self.run.config.seed,
            "accuracy": self.accuracy,
            "accuracy_low": low,
            "accuracy_high": high,
            "loss": self.loss,
            "parameters": self.parameters,
            "epochs": self.run.results.get("epochs"),
            "train_seconds": self.train_seconds,
            "images_per_second": self.images_per_second,
            "bytes": self.size,
            "device": self.run.results.get("device"),
            "threads": self.run.results.get("threads"),
        }


@dataclass(frozen=True, eq=False)
class Pair:
    """Two runs on the same images: `p` of McNemar's exact test, `p_holm` corrected by Holm for all pairs.

    `first` and `second` are indices in Comparison.scores. `only_first` and `only_second` are the indices of
    the test images that only one of the two classifies correctly. `statements` say the result in words.
    """

    first: int
    second: int
    only_first: Indices
    only_second: Indices
    p: float
    p_holm: float
    statements: tuple[Message, ...]


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two to eight runs on the same `images` test images; `notes` state the limits of the tests."""

    scores: tuple[Score, ...]
    pairs: tuple[Pair, ...]
    settings: Mapping[str, tuple[Any, ...]]
    images: int
    notes: tuple[Message, ...]


def differing_settings(configs: Sequence[TrainConfig]) -> dict[str, tuple[Any, ...]]:
    """Return the settings that differ between `configs`: name -> values in the order of `configs`.

    A recipe is only the name of a set of settings, so it is left out.
    """
    columns = {
        name: tuple(getattr(config, name) for config in configs) for name in TrainConfig.__dataclass_fields__
    }
    return {name: row for name, row in columns.items() if name != "recipe" and len(set(row)) > 1}


def check_comparable(runs: Sequence[Run], source: str) -> None:
    """Raise InputError unless these are two to eight different runs that were trained on `source`'s images.

    Call it before evaluating the runs, which takes seconds for each.
    """
    if not FEWEST <= len(runs) <= MOST:
        raise InputError(
            N_("From {fewest} to {most} runs can be compared, not {count}."),
            fewest=FEWEST,
            most=MOST,
            count=len(runs),
        )
    for run_id, often in Counter(run.id for run in runs).items():
        if often > 1:
            raise InputError(N_("Run {run} is named twice; compare it with another."), run=run_id)
    for run in runs:
        if (theirs := run.results.get("source", source)) != source:
            raise InputError(
                N_(
                    "Run {run} was trained on {theirs} and the test images are from {ours}; compare runs "
                    "of the same data set."
                ),
                run=run.id,
                theirs=_source_name(theirs),
                ours=_source_name(source),
            )


def _source_name(source: str) -> Message | str:
    """Return what the images are called that a run was trained on."""
    return DATASETS[source].name if source in DATASETS else Message(SAMPLE)


def compare_runs(
    runs: Sequence[Run], evaluations: Sequence[Evaluation], names: Sequence[str] | None = None
) -> Comparison:
    """Compare runs by their `evaluations` on the same images; `names` stand for them in the statements.

    The default is those of `run_names`. Raises InputError when the evaluations are not of the same images.
    """
    labels = evaluations[0].labels
    if not all(np.array_equal(labels, evaluation.labels) for evaluation in evaluations):
        raise InputError(N_("These runs classified different test images; compare them on the same ones."))
    right = np.array([evaluation.predictions == evaluation.labels for evaluation in evaluations])
    called = list(names or _names(runs))
    scores = [_score(*each, right) for each in zip(range(len(runs)), runs, called, evaluations, strict=True)]
    pairs = _pairs(runs, called, right)
    settings = differing_settings([run.config for run in runs])
    watchers = [name for run, name in zip(runs, called, strict=True) if run.config.monitor == "test"]
    return Comparison(tuple(scores), tuple(pairs), settings, len(labels), tuple(notes(watchers)))


def _names(runs: Sequence[Run]) -> list[str]:
    names = run_names(runs)
    return [str(names[run.id]) for run in runs]


def _score(place: int, run: Run, name: str, result: Evaluation, right: NDArray[np.bool_]) -> Score:
    correct = int(right[place].sum())
    seconds = run.results.get("train_seconds")
    seen = run.results.get("epochs", 0) * run.results.get("train_images", 0)
    return Score(
        run,
        name,
        correct,
        result.accuracy,
        wilson_interval(correct, right.shape[1]),
        result.loss,
        run.results.get("parameters"),
        seconds,
        seen / seconds if seconds and seen else None,
        run.checkpoints[-1].stat().st_size,
        np.flatnonzero(right[place] & (right.sum(0) == 1)),
    )


def _pairs(runs: Sequence[Run], names: Sequence[str], right: NDArray[np.bool_]) -> list[Pair]:
    places = list(combinations(range(len(runs)), 2))
    apart = [(np.flatnonzero(right[a] & ~right[b]), np.flatnonzero(right[b] & ~right[a])) for a, b in places]
    p_values = [mcnemar(len(only_first), len(only_second)) for only_first, only_second in apart]
    pairs = [
        Pair(*place, *only, p, p_holm, ())
        for place, only, p, p_holm in zip(places, apart, p_values, holm(p_values), strict=True)
    ]
    return [
        replace(pair, statements=tuple(_statements(pair, runs, names, right.shape[1], len(pairs))))
        for pair in pairs
    ]


def _statements(
    pair: Pair, runs: Sequence[Run], names: Sequence[str], images: int, pairs: int
) -> Iterator[Message]:
    called = names[pair.first], names[pair.second]
    alone = len(pair.only_first), len(pair.only_second)
    yield from pair_text(called, alone, images, pair.p)
    if alone == (0, 0):
        return
    if pairs > 1:
        yield holm_text(pair.p_holm, pairs)
    yield pair_verdict(*(called if alone[0] >= alone[1] else called[::-1]), pair.p_holm)
    if differ_in_seed_only(runs[pair.first], runs[pair.second]):
        yield same_settings()
