"""Writes a run's files while it is queued or trained."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from mnist_core.config import TrainConfig
from mnist_core.messages import Message
from mnist_core.models.checkpoint import save_checkpoint
from mnist_core.monitoring.probes import PROBES_FILE, Probe, read_probes
from mnist_core.runs.retention import size_in_bytes
from mnist_core.runs.run import (
    CANCEL_FILE,
    METRICS,
    METRICS_FILE,
    STATE_FILE,
    json_bytes,
    read_changes,
    read_own_digit,
)
from mnist_core.runtime.files import write_whole
from mnist_core.training.schedules import ChangeSchedule, add_change
from mnist_core.training.training_state import load_state, save_state

if TYPE_CHECKING:
    from mnist_core.models.modules import DigitClassifier
    from mnist_core.training.training_state import TrainingState

Row = dict[str, Any]
CHECKPOINTS = "checkpoints"
RECORDS_LEFT = 0.95  # of a run's bytes, for checkpoints and state: metrics and probes follow the last one


class RunWriter:
    """The only writer of a run; holds its lock until closed.

    `rows` are those of METRICS and `probes` the probes so far; while it trains, both are only appended to.
    `folder` is the run's, possibly under a temporary name. `own_digit` is that of Run. `most_bytes` is the
    most that its files may take, None for no limit.
    """

    most_bytes: int | None = None
    _passing: Path | None = None

    def __init__(self, folder: Path, config: TrainConfig, run_id: str = "") -> None:
        self.id, self.config, self.folder = run_id or folder.name, config, folder
        self._lock = FileLock(folder / "lock", thread_local=False)
        self._lock.acquire(timeout=10)
        (folder / CANCEL_FILE).unlink(missing_ok=True)  # a request to an earlier training of the run
        self._state: dict[str, Any] = json.loads((folder / "run.json").read_text())
        self.rows: list[Row] = _read_rows(folder / METRICS_FILE)
        self._rows_written: int | None = None  # None: the file must be rewritten as a whole
        self.probes = read_probes(folder)
        self.own_digit = read_own_digit(folder)

    @property
    def cancelled(self) -> bool:
        """Whether the operator has cancelled the run, in this process or another."""
        return (self.folder / CANCEL_FILE).exists()

    @property
    def status(self) -> str:
        """The status that was last written."""
        return str(self._state["status"])

    @property
    def results(self) -> Mapping[str, Any]:
        """The results so far; see Run."""
        results: Mapping[str, Any] = self._state["results"]
        return results

    @property
    def changes(self) -> ChangeSchedule:
        """The changes of settings and epochs so far, as last written."""
        return read_changes(self._state, self.config)

    def update(self, status: str, message: Message | None = None, **results: Any) -> None:
        """Write the status, and add results to those already known."""
        self._state["status"] = status
        self._state["results"].update(results)
        if message:
            self._state["message"] = {"template": message.template, "values": _plain(message.values)}
        write_whole(self.folder / "run.json", json_bytes(self._state))

    def set_changes(self, changes: ChangeSchedule) -> None:
        """Write the changes of settings and epochs."""
        self._state["phases"] = [change.to_json() for change in changes]
        self.update(self._state["status"])

    def add_change(self, **settings: Any) -> None:
        """Write a change of some of `schedules.STEERED` from the saved state on; not while the run trains."""
        state = self.load_state()
        self.set_changes(add_change(self.changes, state.step if state else 0, **settings))

    def rewind(self, step: int, epochs: int) -> None:
        """Delete the test results, and metrics after `step` steps and `epochs` epochs, to continue there."""
        write_whole(self.folder / "config.json", json_bytes(self.config.to_json()))
        for name in ("test_accuracy", "test_loss"):
            self._state["results"].pop(name, None)
        self._state.pop("message", None)
        self.rows = [row for row in self.rows if _is_before(row, step, epochs)]
        self._rows_written = None
        self.probes = [probe for probe in self.probes if probe.step <= step]
        lines = "".join(probe.to_json() + "\n" for probe in self.probes)
        write_whole(self.folder / PROBES_FILE, lines.encode())

    def add_probe(self, probe: Probe) -> None:
        """Append a probe to its file."""
        self.probes.append(probe)
        with (self.folder / PROBES_FILE).open("a") as file:
            file.write(probe.to_json() + "\n")

    def add_metrics(self, **row: float) -> None:
        """Add a row of METRICS in memory; `write_metrics` writes it."""
        self.rows.append(row)

    def write_metrics(self) -> None:
        """Append the new rows to the file; writing all rows each time would get slower with every epoch."""
        path = self.folder / METRICS_FILE
        if self._rows_written is None:
            write_whole(path, (",".join(METRICS) + "\n").encode())
            self._rows_written = 0
        with path.open("a", newline="") as file:
            csv.DictWriter(file, METRICS, lineterminator="\n").writerows(self.rows[self._rows_written :])
        self._rows_written = len(self.rows)

    def save(self, model: DigitClassifier, epoch: float, passing: bool = False) -> None:
        """Write a checkpoint of `model` after `epoch` epochs (a fraction if stopped within one).

        A `passing` checkpoint is deleted when the next one has been written.
        """
        path = self._checkpoint(CHECKPOINTS, epoch)
        known = path.exists()
        save_checkpoint(path, model, epoch)
        self._replace_passing(path, passing and not known)

    def receive(self, name: str, content: bytes, passing: bool = False) -> None:
        """Write a file that `save`, `save_snapshot` or `save_state` wrote on another machine.

        `name` is its path within the run's folder.
        """
        path = self.folder / name
        known = path.exists()
        path.parent.mkdir(exist_ok=True)
        write_whole(path, content)
        if path.parent.name == CHECKPOINTS:
            self._replace_passing(path, passing and not known)

    def _replace_passing(self, path: Path, passing: bool) -> None:
        """Delete the last passing checkpoint, now that there is a new one at `path`."""
        if self._passing is not None and self._passing != path:
            self._passing.unlink(missing_ok=True)
        self._passing = path if passing else None

    def has_room(self) -> bool:
        """Return whether one more checkpoint leaves room for the last one and the state."""
        if self.most_bytes is None or not (files := sorted(self.folder.glob("*/*.safetensors"))):
            return True
        weights = files[-1].stat().st_size
        state = 0 if (self.folder / STATE_FILE).exists() else 4 * weights
        return size_in_bytes(self.folder) + 2 * weights + state <= RECORDS_LEFT * self.most_bytes

    def save_snapshot(self, model: DigitClassifier, epoch: float) -> None:
        """Write a weight snapshot within the first epoch."""
        save_checkpoint(self._checkpoint("moments", epoch), model, epoch)

    def _checkpoint(self, folder: str, epoch: float) -> Path:
        (self.folder / folder).mkdir(exist_ok=True)
        return self.folder / folder / f"epoch-{epoch:08.3f}.safetensors"

    def save_state(self, state: TrainingState) -> None:
        """Write the state that training continues from."""
        save_state(self.folder / STATE_FILE, state)

    def load_state(self) -> TrainingState | None:
        """Return the state written last, None if there is none; InputError if it is damaged."""
        path = self.folder / STATE_FILE
        return load_state(path) if path.exists() else None

    @property
    def is_open(self) -> bool:
        """Whether it holds the run's lock."""
        return self._lock.is_locked

    def close(self) -> None:
        """Release the lock."""
        self._lock.release()


def _read_rows(path: Path) -> list[Row]:
    """Read the rows of a table, without a last one that is incomplete because its writer was killed."""
    if not path.exists():
        return []
    text = path.read_text()
    whole = text[: text.rfind("\n") + 1]
    return [
        {name: _number(value) for name, value in row.items() if value}
        for row in csv.DictReader(whole.splitlines())
    ]


def _number(text: str) -> float:
    return int(text) if text.isdigit() else float(text)


def _is_before(row: Row, step: int, epochs: int) -> bool:
    return bool(row["step"] <= step and ("monitor_loss" not in row or row["epoch"] <= epochs))


def _plain(values: Mapping[str, object]) -> dict[str, object]:
    return {name: value if isinstance(value, int | float) else str(value) for name, value in values.items()}
