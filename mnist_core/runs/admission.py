"""Admission control: which trainings a server accepts from a visitor, by the limits in runtime.limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mnist_core.messages import N_, InputError
from mnist_core.models.summary import describe_layers
from mnist_core.runs.retention import size_in_bytes
from mnist_core.runtime import limits
from mnist_core.training.memory import NUMBER, memory_text

if TYPE_CHECKING:
    from mnist_core.config import TrainConfig
    from mnist_core.runs.store import RunStore

COPIES_KEPT = 8  # of the weights, at least: 3 snapshots, a checkpoint, a state with up to 4 (its optimizer's)


@dataclass(frozen=True)
class TrainingLimits:
    """The limits of a visitor's trainings; None: no limit. The command line has none."""

    parameters: int | None = None
    epochs: int | None = None
    seconds: int | None = None
    runs_at_once: int | None = None
    runs: int | None = None
    bytes: int | None = None
    bytes_per_run: int | None = None
    protected_percent: int | None = None

    @classmethod
    def of_server(cls, public: bool) -> TrainingLimits:
        """Return the limits of a server; InputError for a setting that can't be understood."""
        return cls(
            limits.PARAMETERS.value(public),
            limits.EPOCHS.value(public),
            limits.TRAINING_SECONDS.value(public),
            limits.RUNS_AT_ONCE.value(public),
            limits.VISITOR_RUNS.value(public),
            limits.VISITOR_BYTES.value(public),
            limits.RUN_BYTES.value(public),
            limits.PROTECTED_PERCENT.value(public),
        )

    def check_network(self, config: TrainConfig) -> None:
        """Raise InputError if a network has too many parameters, or its run's files would be too large."""
        if self.parameters is None and self.bytes_per_run is None:
            return
        count = sum(layer.parameters for layer in describe_layers(config))
        if self.parameters is not None and count > self.parameters:
            raise InputError(
                N_(
                    "This network has {count:,} parameters, and this server allows {most:,}. Choose fewer or "
                    "smaller layers."
                ),
                count=count,
                most=self.parameters,
            )
        needed = COPIES_KEPT * NUMBER * count
        if self.bytes_per_run is not None and needed > self.bytes_per_run:
            raise InputError(
                N_(
                    "The files of this training would take {needed}, and this server allows {most} for each "
                    "run. Choose fewer or smaller layers."
                ),
                needed=memory_text(needed),
                most=memory_text(self.bytes_per_run),
            )

    def check_training(self, config: TrainConfig, seconds: float | None = None) -> None:
        """Raise InputError if a training is too large or long; `seconds`: its estimated time, if known."""
        if self.epochs is not None and config.epochs > self.epochs:
            raise InputError(
                N_("This training has {count:,} epochs, and this server allows {most:,}. Choose fewer."),
                count=config.epochs,
                most=self.epochs,
            )
        if self.seconds is not None and seconds is not None and seconds > self.seconds:
            raise InputError(
                N_(
                    "This training would take about {minutes:,.0f} minutes, and this server allows "
                    "{most:,.0f}. Choose fewer epochs, fewer images or a smaller network."
                ),
                minutes=seconds / 60,
                most=self.seconds / 60,
            )
        self.check_network(config)

    def check_line(self, at_once: int, more: int = 1) -> None:
        """Raise InputError if a visitor has `at_once` runs that train or wait and may not have `more`."""
        if self.runs_at_once is not None and at_once + more > self.runs_at_once:
            raise InputError(
                N_(
                    "Runs of yours that train or wait: {count}; this server allows {most} at a time. Wait "
                    "until one has ended, or stop one."
                ),
                count=at_once,
                most=self.runs_at_once,
            )

    def check_disk(self, store: RunStore, owner: str, more: int = 1) -> None:
        """Raise InputError if a visitor keeps as many runs or as much on disk as they may.

        Their pinned and paused runs count too; those in the trash don't: it is emptied when space is short.
        """
        if not owner or (self.runs is None and self.bytes is None):
            return
        runs = [run for run in store.list() if run.metadata.owner == owner]
        if self.runs is not None and len(runs) + more > self.runs:
            raise InputError(
                N_(
                    "Runs of yours: {count}; this server keeps {most} of each visitor. Delete some on the "
                    "page Runs."
                ),
                count=len(runs),
                most=self.runs,
            )
        if self.bytes is None:
            return
        used = sum(size_in_bytes(run.folder) for run in runs)
        if used >= self.bytes:
            raise InputError(
                N_(
                    "Your runs take {used}, and this server keeps {most} of each visitor. Delete some on the "
                    "page Runs."
                ),
                used=memory_text(used),
                most=memory_text(self.bytes),
            )


UNLIMITED = TrainingLimits()
