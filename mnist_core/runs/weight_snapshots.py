"""Weight snapshots: the weights that a run kept while it trained, and those before it began."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_core.models.checkpoint import load_checkpoint
from mnist_core.runs.run import Run

if TYPE_CHECKING:
    from mnist_core.models.modules import DigitClassifier

_EPOCH = re.compile(r"epoch-(\d+(?:\.\d+)?)")


@dataclass(frozen=True)
class WeightSnapshot:
    """The weights after `epoch` epochs (a fraction within one); no file for those before training."""

    epoch: float
    file: Path | None = None


def snapshots_of(run: Run) -> list[WeightSnapshot]:
    """Return the snapshots of a run, earliest first.

    The weights before training need no file, as the seed gives them again. Imported, fine-tuned and operated
    runs have none.
    """
    kept = {snapshot.epoch: snapshot for file in run.weight_files if (snapshot := _snapshot(file))}
    if not any(run.results.get(kind) for kind in ("imported", "fine_tuned", "operated")):
        kept.setdefault(0.0, WeightSnapshot(0.0))
    return sorted(kept.values(), key=lambda snapshot: snapshot.epoch)


def load_snapshot(run: Run, snapshot: WeightSnapshot) -> DigitClassifier:
    """Load a run's model at a snapshot, in evaluation mode on the CPU; InputError for a damaged file."""
    from mnist_core.models.architectures import build_model

    if snapshot.file is None:
        return build_model(run.config).eval()
    return load_checkpoint(snapshot.file, run.config).model


def _snapshot(file: Path) -> WeightSnapshot | None:
    found = _EPOCH.fullmatch(file.stem)
    return WeightSnapshot(float(found[1]), file) if found else None
