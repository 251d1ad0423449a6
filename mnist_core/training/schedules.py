"""Changes of a run's learning rate and number of epochs, each with the step from which it applies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mnist_core.config import TrainConfig


@dataclass(frozen=True)
class ScheduledChange:
    """From `step` completed steps on: this base learning rate, with its schedule over `epochs` epochs."""

    step: int
    learning_rate: float
    epochs: int


ChangeSchedule = tuple[ScheduledChange, ...]


def initial_changes(config: TrainConfig) -> ChangeSchedule:
    """Return the changes of a new run: its config's learning rate and epochs, from step 0."""
    return (ScheduledChange(0, config.learning_rate, config.epochs),)


def change_at(changes: Sequence[ScheduledChange], step: int) -> ScheduledChange:
    """Return the change that applies to the next step after `step` completed ones."""
    return next(change for change in reversed(changes) if change.step <= step)


def add_change(
    changes: ChangeSchedule, step: int, learning_rate: float | None = None, epochs: int | None = None
) -> ChangeSchedule:
    """Return the changes with a new one after `step` steps; later changes are dropped.

    `learning_rate` and `epochs` keep their present values where None. Without a difference nothing is added.
    """
    now = change_at(changes, step)
    changed = replace(
        now, step=step, learning_rate=learning_rate or now.learning_rate, epochs=epochs or now.epochs
    )
    same = (changed.learning_rate, changed.epochs) == (now.learning_rate, now.epochs)
    kept = tuple(change for change in changes if change.step < step or (same and change.step == step))
    return kept if same else (*kept, changed)
