"""What was measured of a run's robustness, in its folder, so that it is measured but once; as CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from mnist_core.analysis.robustness import TRIALS, Robustness
from mnist_core.checkpoint import write_whole

ROBUSTNESS_FILE = "robustness.json"
MOST_KEPT = 20  # measurements of a run, each about 3 KB
COLUMNS = ("weights", "data", "split", "trial", "unit", "strength", "accuracy", "images", "seed")


class Measured(NamedTuple):
    """What is measured: `weights`, the name of a checkpoint's file without its ending, on so many `images`.

    They are of a `split` ("train", "validation", "test") of `source` ("mnist", "sample"); `seed` is that of
    the draws.
    """

    weights: str
    source: str
    split: str
    images: int
    seed: int


def keep_robustness(folder: Path, measured: Measured, result: Robustness) -> None:
    """Add a complete result to a run's file; raises OSError where nothing can be written."""
    key = _key(measured)
    others = {name: entry for name, entry in _entries(folder).items() if name != key}
    entries = {**others, key: {**asdict(result), "strengths": _strengths()}}
    latest = dict(list(entries.items())[-MOST_KEPT:])
    write_whole(folder / ROBUSTNESS_FILE, (json.dumps(latest) + "\n").encode())


def kept_robustness(folder: Path) -> dict[Measured, Robustness]:
    """Return all that is kept, oldest first, but what is damaged or of other strengths than today's."""
    found = {}
    for key, entry in _entries(folder).items():
        try:
            found[_measured(key)] = _result(entry)
        except (ValueError, KeyError, TypeError):
            continue
    return found


def strengths_csv(results: Mapping[Measured, Robustness]) -> str:
    """Return a row for each trial and strength that is measured, with what repeats it."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    for measured, result in results.items():
        for name, accuracies in result.accuracies.items():
            trial = TRIALS[name]
            for strength, accuracy in zip(trial.strengths, accuracies, strict=False):
                row = name, trial.unit, strength, accuracy, result.images, result.seed
                writer.writerow([*measured[:3], *row])
    return file.getvalue()


def _key(measured: Measured) -> str:
    return " ".join(map(str, measured))


def _measured(key: str) -> Measured:
    weights, source, split, images, seed = key.split(" ")
    return Measured(weights, source, split, int(images), int(seed))


def _result(entry: dict[str, Any]) -> Robustness:
    """Return a result as it was kept; ValueError, KeyError or TypeError when it is none of today's."""
    accuracies = {name: tuple(map(float, entry["accuracies"][name])) for name in TRIALS}
    result = Robustness(int(entry["images"]), int(entry["seed"]), float(entry["clean"]), accuracies)
    if entry["strengths"] != _strengths() or not result.complete:
        raise ValueError
    return result


def _entries(folder: Path) -> dict[str, Any]:
    try:
        entries = json.loads((folder / ROBUSTNESS_FILE).read_text())
    except (OSError, ValueError):
        return {}
    return entries if isinstance(entries, dict) else {}


def _strengths() -> dict[str, list[float]]:
    return {name: list(trial.strengths) for name, trial in TRIALS.items()}
