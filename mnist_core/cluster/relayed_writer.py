"""A run's writer on a worker: it writes the run's files there, and tells the server what it must write."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnist_core.config import TrainConfig
from mnist_core.monitoring.probes import Probe
from mnist_core.runs.run import STATE_FILE
from mnist_core.runs.writer import CHECKPOINTS, RunWriter
from mnist_core.training.schedules import ChangeSchedule

if TYPE_CHECKING:
    from mnist_core.models.modules import DigitClassifier
    from mnist_core.training.training_state import TrainingState


class RelayedWriter(RunWriter):
    """Writes the files in `folder`; `tell` gets the name and arguments of each method that writes."""

    def __init__(self, folder: Path, tell: Callable[..., None]) -> None:
        config = TrainConfig.from_json(json.loads((folder / "config.json").read_text()))
        super().__init__(folder, config)
        self._tell = tell

    def update(self, status: str, message: Any = None, **results: Any) -> None:
        """Write and tell the status and results."""
        super().update(status, message, **results)
        self._tell("update", status, message, **results)

    def set_changes(self, changes: ChangeSchedule) -> None:
        """Write and tell the changes."""
        super().set_changes(changes)
        self._tell("set_changes", changes)

    def rewind(self, step: int, epochs: int) -> None:
        """Delete what comes later, here and there."""
        super().rewind(step, epochs)
        self._tell("rewind", step, epochs)

    def add_probe(self, probe: Probe) -> None:
        """Write and tell a probe."""
        super().add_probe(probe)
        self._tell("add_probe", probe)

    def add_metrics(self, **row: float) -> None:
        """Add a row, here and there."""
        super().add_metrics(**row)
        self._tell("add_metrics", **row)

    def write_metrics(self) -> None:
        """Write the rows, here and there."""
        super().write_metrics()
        self._tell("write_metrics")

    def save(self, model: DigitClassifier, epoch: float, passing: bool = False) -> None:
        """Write a checkpoint and send it."""
        super().save(model, epoch, passing)
        self._send(self._checkpoint(CHECKPOINTS, epoch), passing)

    def save_snapshot(self, model: DigitClassifier, epoch: float) -> None:
        """Write a weight snapshot and send it."""
        super().save_snapshot(model, epoch)
        self._send(self._checkpoint("moments", epoch))

    def save_state(self, state: TrainingState) -> None:
        """Write the state and send it."""
        super().save_state(state)
        self._send(self.folder / STATE_FILE)

    def _send(self, path: Path, passing: bool = False) -> None:
        self._tell("receive", path.relative_to(self.folder).as_posix(), path.read_bytes(), passing)
