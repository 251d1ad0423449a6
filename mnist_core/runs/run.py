"""One run: a folder that can be read at any moment, even if its writer was killed.

A run's folder holds `config.json`, `run.json` (status and results), `label.json` (its metadata),
`metrics.csv`, `probes.jsonl` (measurements of the network during training), `own_digit.png` (if its owner
drew one), `checkpoints/`, `moments/` (weights within the first epoch, for the Inside page), and
`state.safetensors` (the state from which training continues). While a process trains the run it holds the
lock on the file `lock`; a run whose status is "running" and that is not locked was interrupted.
"""

from __future__ import annotations

import errno
import json
import os
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

try:
    import fcntl
except ImportError:  # on Windows
    fcntl = None  # type: ignore[assignment]

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray
from PIL import Image

from mnist_core.config import TrainConfig
from mnist_core.messages import N_, InputError, Message
from mnist_core.models.checkpoint import load_checkpoint
from mnist_core.monitoring.probes import Probe, read_probes
from mnist_core.recognition.calibration import Calibration, load_calibration
from mnist_core.runs.metadata import METADATA_FILE, RunMetadata, read_metadata
from mnist_core.runtime.event_log import is_end_of_process
from mnist_core.runtime.files import NO_ROOM
from mnist_core.training.schedules import ChangeSchedule, change_from_json, initial_changes

if TYPE_CHECKING:
    import pandas as pd

    from mnist_core.models.modules import DigitClassifier

UNFINISHED = ("queued", "running")
LEFT = ("paused", "stopped", "finished", "interrupted")  # not failed: may be continued
PRETRAINED_ID = "pretrained"
OUT_OF_MEMORY = ("out of memory", "can't allocate memory")  # in torch's errors on CUDA and the CPU
METRICS_FILE = "metrics.csv"
STATE_FILE = "state.safetensors"
OWN_DIGIT_FILE = "own_digit.png"
CANCEL_FILE = "cancel"  # the process that trains the run stops it when this exists; see RunStore.cancel
_LOOKING = threading.Lock()  # two threads that test a run's lock would take each other for its writer
_EPOCH = re.compile(r"epoch-(\d+(?:\.\d+)?)")
METRICS = (
    "epoch",
    "step",
    "train_loss",
    "train_accuracy",
    "monitor_loss",
    "monitor_accuracy",
    "learning_rate",
    "train_seconds",
)


@dataclass(frozen=True)
class Run:
    """A run as read from disk.

    `created` is a UTC time in ISO form. `results` holds what is known so far of `parameters`, `device`,
    `threads`, `precision`, `source` (of the data), `train_images`, `epochs`, `train_seconds`, `trained_on`
    (the host of a cluster's worker), `initial_accuracy`, `initial_loss` (runs of 0.1 and 0.2 lack it),
    `test_accuracy`, `test_loss`;
    `imported` is true for weights from a file, `fine_tuned` for a copy trained further on a person's
    drawings, `operated` for a copy whose weights were changed in Learn. `changes` are the settings changed
    during the training, with their steps. `message` is the cause of a failure.
    """

    id: str
    folder: Path
    config: TrainConfig
    status: str
    created: str
    results: Mapping[str, Any]
    message: Message | None = None
    metadata: RunMetadata = field(default_factory=RunMetadata)
    changes: ChangeSchedule = ()

    @property
    def is_pretrained(self) -> bool:
        """Whether it is the pretrained model of the project, which cannot be changed."""
        return self.id == PRETRAINED_ID

    @property
    def can_continue(self) -> bool:
        """Whether training can continue: from its saved state, or from the start if it has none yet.

        A run may have been killed after its first checkpoint and before its state was saved.
        """
        if self.status not in LEFT:
            return False
        return (self.folder / STATE_FILE).exists() or self.status == "interrupted" or not self.checkpoints

    @property
    def lacks_test(self) -> bool:
        """Whether a run ended before its weights were tested; continuing it at least tests them."""
        return self.status in ("paused", "interrupted") and "test_accuracy" not in self.results

    @property
    def checkpoints(self) -> list[Path]:
        """Checkpoint files, oldest first."""
        return sorted((self.folder / "checkpoints").glob("*.safetensors"))

    @property
    def weight_files(self) -> list[Path]:
        """Weight files, oldest first: the snapshots within the first epoch, then the checkpoints."""
        return [*sorted((self.folder / "moments").glob("*.safetensors")), *self.checkpoints]

    @property
    def own_digit(self) -> NDArray[np.uint8] | None:
        """The digit that its owner drew before it began, uint8 [28, 28]; None if there is none."""
        return read_own_digit(self.folder)

    def load_model(self) -> DigitClassifier:
        """Load the last checkpoint's model, in evaluation mode; InputError when there is none yet."""
        if not self.checkpoints:
            raise InputError(N_("Run {run} has no checkpoint yet; let it finish an epoch."), run=self.id)
        return load_checkpoint(self.checkpoints[-1], self.config).model

    def load_calibration(self) -> Calibration | None:
        """Load the calibration of its model; None if it was never calibrated."""
        return load_calibration(self.folder)

    def metrics(self) -> pd.DataFrame:
        """Load `metrics.csv` with the columns METRICS; the row of a step has no accuracies."""
        import pandas as pd

        file = self.folder / METRICS_FILE
        return pd.read_csv(file) if file.exists() else pd.DataFrame(columns=list(METRICS))

    def probes(self) -> list[Probe]:
        """Load the probes, oldest first; none for runs written before there were probes."""
        return read_probes(self.folder)


class OtherImages(InputError):
    """A run can't be continued, as the images at hand are not those that it was trained on."""


def check_source(results: Mapping[str, Any], source: str) -> None:
    """Raise OtherImages if a run with these `results` was trained on others than `source`'s images."""
    theirs = results.get("source", source)
    if theirs == source:
        return
    if theirs == "sample":
        raise OtherImages(
            N_("This run was trained on the offline sample, and MNIST is here now. Train its settings again.")
        )
    raise OtherImages(
        N_(
            "This run was trained on MNIST, and only the offline sample is here. Get MNIST, then continue "
            "this run."
        )
    )


def is_full_disk(error: Exception) -> bool:
    """Whether an error says that there is no room on the disk."""
    return isinstance(error, OSError) and error.errno in NO_ROOM


def failure_status(error: Exception) -> str:
    """Return the status that `error` gives a run: "interrupted" if the cause was outside its training."""
    outside = isinstance(error, OtherImages) or is_full_disk(error) or is_end_of_process(error)
    return "interrupted" if outside else "failed"


def failure_message(error: Exception) -> Message:
    """Return the message of a run that failed with `error`: an InputError's own, else type and text."""
    if isinstance(error, InputError):
        return error.message
    if isinstance(error, MemoryError) or any(words in str(error) for words in OUT_OF_MEMORY):
        return Message(N_("The training ran out of memory. Choose a smaller batch size or smaller layers."))
    if is_full_disk(error):
        return Message(
            N_(
                "The disk of this server is full, so the training stopped. Delete runs that nobody needs, "
                "then continue this one."
            )
        )
    if is_end_of_process(error):
        return Message(N_("The server ended during this training. Continue it."))
    cause = getattr(error, "strerror", None) or error  # without the server's paths
    return Message(N_("Training broke off: {cause}"), {"cause": f"{type(error).__name__}: {cause}"})


CANCELLED = Message(N_("Whoever runs this server stopped this training."))


def read_run(folder: Path, name: str | None = None) -> Run | None:
    """Read a run's folder; None if it is no run, or its settings are unknown to this version.

    Its id is the folder's name unless another `name` is given.
    """
    run = run_as_written(folder, name)
    return run and with_present_status(run)


def with_present_status(run: Run) -> Run:
    """Return a run, as interrupted if no process trains it although its files say so."""
    lost = run.status in UNFINISHED and not _is_locked(run.folder)
    return replace(run, status="interrupted") if lost else run


def run_as_written(folder: Path, name: str | None = None) -> Run | None:
    """Read a run as `read_run` does, with the status in its files."""
    try:
        state = json.loads((folder / "run.json").read_text())
        config = TrainConfig.from_json(json.loads((folder / "config.json").read_text()))
        message = Message(**state["message"]) if "message" in state else None
        metadata = read_metadata(folder)
        run_id, created = name or folder.name, state["created"]
        changes = read_changes(state, config)
        status, results = state["status"], state["results"]
        return Run(run_id, folder, config, status, created, results, message, metadata, changes)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def read_changes(state: Mapping[str, Any], config: TrainConfig) -> ChangeSchedule:
    """Read the changes of settings and epochs from the content of `run.json`."""
    written = state.get("phases", ())
    return tuple(change_from_json(change, config) for change in written) or initial_changes(config)


def write_own_digit(folder: Path, image: NDArray[np.uint8]) -> None:
    """Keep the digit, uint8 [28, 28], that a run's owner drew before it began."""
    Image.fromarray(image).save(folder / OWN_DIGIT_FILE)


def read_own_digit(folder: Path) -> NDArray[np.uint8] | None:
    """Read what write_own_digit wrote; None if there is no such file, or it is damaged."""
    try:
        with Image.open(folder / OWN_DIGIT_FILE) as file:
            pixels = np.asarray(file)
    except (OSError, SyntaxError):  # what Pillow raises for damaged files
        return None
    return pixels if pixels.shape == (28, 28) and pixels.dtype == np.uint8 else None


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


def stamp(folder: Path) -> tuple[object, ...]:
    """Return a cache key that changes with the files that `read_run` reads."""
    return tuple(_file_stamp(f"{folder}/{name}") for name in ("run.json", "config.json", METADATA_FILE))


def _file_stamp(path: str) -> tuple[int, ...] | None:
    try:
        state = os.stat(path)
    except OSError:
        return None
    return state.st_mtime_ns, state.st_size, state.st_ino


def _is_locked(folder: Path) -> bool:
    """Whether a process trains the run."""
    if fcntl is None:
        return _is_locked_on_windows(folder)
    try:
        with (folder / "lock").open("rb") as file:  # shared: two readers take neither for a writer
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except (FileNotFoundError, PermissionError):
        pass
    return False


def _is_locked_on_windows(folder: Path) -> bool:
    try:
        with _LOOKING, FileLock(folder / "lock", timeout=0):
            return False
    except Timeout:
        return True
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            return False  # no process can train in a folder that can't be written
        raise


def json_bytes(value: object) -> bytes:
    """Return a value as indented JSON, UTF-8."""
    return (json.dumps(value, indent=2) + "\n").encode()
