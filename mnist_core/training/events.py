"""What a training tells whoever watches it, and what it can be told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from mnist_core.messages import InputError


@dataclass(frozen=True)
class Started:
    """Before the first step: how the untrained network does on the monitored images."""

    accuracy: float
    loss: float
    steps_per_epoch: int
    train_images: int


@dataclass(frozen=True)
class Continued:
    """Before the next step of a run that had been left after `step` steps."""

    step: int
    steps_per_epoch: int


@dataclass(frozen=True)
class StepDone:
    """After some steps: `step` counts over the whole run from 1; `loss` is the mean since the last report."""

    epoch: int
    step: int
    loss: float
    learning_rate: float
    images_per_second: float
    train_seconds: float


@dataclass(frozen=True)
class EpochDone:
    """After an epoch: training loss and accuracy as seen on its way, and those on the monitored images."""

    epoch: int
    step: int
    train_loss: float
    train_accuracy: float
    monitor_loss: float
    monitor_accuracy: float
    train_seconds: float


@dataclass(frozen=True)
class Tick:
    """Nothing to tell yet, after TICK_SECONDS without a report: a moment to stop at."""

    step: int


Event = Started | Continued | StepDone | EpochDone | Tick


class StepWatcher(Protocol):
    """Is told of each step before and after it moves the weights, which it must leave as they are."""

    def before_step(self, step: int) -> None:
        """Step number `step`, counted from 1, has its gradients and is about to move the weights."""

    def after_step(self) -> None:
        """It has moved them."""


class Diverged(InputError):
    """The loss became infinite or no number; the message names the likely cause."""


@dataclass
class Control:
    """What somebody in another thread asks of a training, which obeys at its next event.

    `ending` is "paused" or "stopped" once it should end; `learning_rate` the rate to go on with.
    """

    ending: str | None = None
    learning_rate: float | None = None
