"""A run in the training queue, and snapshots of its state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from mnist_core.config import TrainConfig
from mnist_core.monitoring.activation_feed import ActivationFeed
from mnist_core.runs.admission import TrainingLimits
from mnist_core.runs.slow_motion import SlowMotion
from mnist_core.runs.writer import RunWriter
from mnist_core.training.events import Continued, EpochDone, Event, Started, StepDone, TrainingControl

if TYPE_CHECKING:
    from mnist_core.monitoring.batch_view import BatchView


@dataclass(frozen=True)
class Snapshot:
    """The state of a run that waits or trains, at one moment.

    `place_in_line` is 0 for the run that trains, 1 for the next; `ahead` is how many runs it waits for, 0 if
    only for a worker; `wait_seconds` estimates when its turn comes, None if unknown. `step` and `steps`
    cover the whole run. `current` are the present settings: `config` with the changes made since the start.
    `time_share` is the share of the time, 0 to 1, in which the runs of its owner train: visitors take turns.
    A run that has stepped aside has status "queued" and a `step`. `slow` is whether it is in slow motion (a
    run of a pair can't be), and `batch` its last batch in slow motion. `here` is whether it trains on the
    server though there are other places.
    """

    run_id: str
    config: TrainConfig
    current: TrainConfig
    status: str = "queued"
    place_in_line: int = 0
    ahead: int = 0
    wait_seconds: float | None = None
    step: int = 0
    steps: int = 0
    train_seconds: float = 0.0
    images_per_second: float = 0.0
    time_share: float = 1.0
    slow: bool = False
    batch: BatchView | None = None
    may_slow_down: bool = True
    here: bool = False

    @property
    def seconds_left(self) -> float | None:
        """Estimate of the training time left, from the speed so far; None before the first report."""
        if not self.step or not self.steps:
            return None
        return self.train_seconds / self.step * (self.steps - self.step)

    def after(self, event: Event) -> Snapshot:
        """Return the state of the run after an event of its training."""
        if isinstance(event, Started | Continued):
            return replace(self, steps=event.steps_per_epoch * self.config.epochs)
        if isinstance(event, StepDone):
            return replace(
                self,
                step=event.step,
                train_seconds=event.train_seconds,
                images_per_second=event.images_per_second,
            )
        return self


@dataclass(eq=False)
class QueuedRun:
    """A run in the queue or in training; `snapshot` is replaced, never changed.

    Runs with the same `pair` train in turns. `owner` is the visitor it belongs to, "" for nobody. `losses`
    counts how often it was lost with the place that trained it. With `here` it trains on the server itself,
    whatever other places there are. A place that trains it may set `on_told`, see `told`.
    """

    writer: RunWriter
    snapshot: Snapshot
    expected_seconds: float | None
    limits: TrainingLimits
    owner: str = ""
    pair: object | None = None
    losses: int = 0
    here: bool = False
    busy_seconds: float = 0.0  # that a worker was busy with it, with evaluation, without loading the images
    turn_began: float | None = None  # its busy_seconds after the first event of its turn; None before
    moved: bool = False  # whether a step or an evaluation has ended in its turn
    control: TrainingControl = field(default_factory=TrainingControl)
    slow: SlowMotion = field(default_factory=SlowMotion)
    feed: ActivationFeed = field(default_factory=ActivationFeed)
    on_told: Callable[[], object] | None = None

    @property
    def seconds_left(self) -> float | None:
        """Estimated seconds of training left; None if unknown."""
        left = self.snapshot.seconds_left
        return self.expected_seconds if left is None else left

    def begin_turn(self) -> None:
        """Note that a worker has taken it."""
        self.turn_began, self.moved = None, False

    def advance(self, event: Event, seconds: float) -> None:
        """Note an event of its training, and the seconds for which a worker was busy with it before.

        Those before a turn's first event don't count: the images are loaded and torch's threads chosen.
        """
        self.snapshot = self.snapshot.after(event)
        self.moved |= isinstance(event, StepDone | EpochDone)
        if self.turn_began is None:
            self.turn_began = self.busy_seconds
        else:
            self.busy_seconds += seconds

    @property
    def turn_seconds(self) -> float:
        """Seconds of its turn so far."""
        return 0.0 if self.turn_began is None else self.busy_seconds - self.turn_began

    def told(self) -> None:
        """Have the place that trains it look at once at what its control says now."""
        if self.on_told:
            self.on_told()

    @property
    def share(self) -> float:
        """The fraction of the run that is done, 0 to 1."""
        return self.snapshot.step / (self.snapshot.steps or 1)


def seconds_left_of(writer: RunWriter) -> float | None:
    """Estimate the seconds that a continued run will take, from those it took so far; None if unknown."""
    total = total_seconds(writer.results, writer.config)
    return None if total is None else total - writer.results["train_seconds"]


def total_seconds(results: Mapping[str, Any], config: TrainConfig) -> float | None:
    """Estimate the seconds of a run's whole training, from those it took so far; None if unknown."""
    done = results.get("epochs")
    return results["train_seconds"] / done * config.epochs if done else None
