"""Events that a training yields, and the requests that it accepts while it runs."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from mnist_core.messages import InputError


@dataclass(frozen=True)
class Started:
    """Yielded before the first step: the untrained model's accuracy and loss on the monitored images."""

    accuracy: float
    loss: float
    steps_per_epoch: int
    train_images: int


@dataclass(frozen=True)
class Continued:
    """Yielded before the first step of a continued run, which has done `step` steps before."""

    step: int
    steps_per_epoch: int


@dataclass(frozen=True)
class StepDone:
    """Yielded after some steps; `step` counts from 1 in the run, `loss` is the mean since the last report."""

    epoch: int
    step: int
    loss: float
    learning_rate: float
    images_per_second: float
    train_seconds: float


@dataclass(frozen=True)
class EpochDone:
    """Yielded after an epoch: loss and accuracy on its training batches and on the monitored images."""

    epoch: int
    step: int
    train_loss: float
    train_accuracy: float
    monitor_loss: float
    monitor_accuracy: float
    train_seconds: float


@dataclass(frozen=True)
class Tick:
    """Yielded after TICK_SECONDS without a report, so that the caller can stop the training."""

    step: int


Event = Started | Continued | StepDone | EpochDone | Tick


class StepWatcher(Protocol):
    """Called before and after each optimizer step; it must not change the model."""

    def before_step(self, step: int) -> None:
        """Called when the gradients of step number `step`, counted from 1, are computed."""

    def after_step(self) -> None:
        """Called after the optimizer has changed the weights."""


class Diverged(InputError):
    """The loss became infinite or NaN; the message names the likely cause."""


ASIDE = "aside"  # an ending that keeps the run's writer open: it continues after others have trained


@dataclass
class TrainingControl:
    """Requests to a training from another thread, applied at its next event.

    `ending` is None, or "paused", "stopped", "interrupted" or ASIDE to end it; `changes` are settings to
    change, checked before (`schedules.check_change`), in the order they were asked for.
    """

    ending: str | None = None
    changes: deque[Mapping[str, Any]] = field(default_factory=deque)
