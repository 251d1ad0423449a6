"""What was measured of a run's robustness, in its folder, so that it is measured but once."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mnist_core.analysis.robustness import TRIALS, Robustness
from mnist_core.checkpoint import write_whole

ROBUSTNESS_FILE = "robustness.json"
MOST_KEPT = 20  # measurements of a run, each about 3 KB


def keep_robustness(folder: Path, measured: str, result: Robustness) -> None:
    """Add a complete result to a run's file; `measured` says what of: weights, images, how many, seed.

    Raises OSError where nothing can be written.
    """
    others = {name: entry for name, entry in _entries(folder).items() if name != measured}
    entries = {**others, measured: {**asdict(result), "strengths": _strengths()}}
    latest = dict(list(entries.items())[-MOST_KEPT:])
    write_whole(folder / ROBUSTNESS_FILE, (json.dumps(latest) + "\n").encode())


def kept_robustness(folder: Path, measured: str) -> Robustness | None:
    """Return what was kept under `measured`; None for nothing, or for other strengths than today's."""
    try:
        entry = _entries(folder)[measured]
        if entry["strengths"] != _strengths():
            return None
        accuracies = {name: tuple(map(float, entry["accuracies"][name])) for name in TRIALS}
        result = Robustness(int(entry["images"]), int(entry["seed"]), float(entry["clean"]), accuracies)
        return result if result.complete else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _entries(folder: Path) -> dict[str, Any]:
    try:
        entries = json.loads((folder / ROBUSTNESS_FILE).read_text())
    except (OSError, ValueError):
        return {}
    return entries if isinstance(entries, dict) else {}


def _strengths() -> dict[str, list[float]]:
    return {name: list(trial.strengths) for name, trial in TRIALS.items()}
