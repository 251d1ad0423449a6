"""What a run was told to do, and when: a new learning rate on its way, more epochs after its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mnist_core.config import TrainConfig


@dataclass(frozen=True)
class ScheduledChange:
    """From `step` finished steps on: this base learning rate, scheduled over `epochs` epochs in all."""

    step: int
    learning_rate: float
    epochs: int


ChangeSchedule = tuple[ScheduledChange, ...]


def initial_changes(config: TrainConfig) -> ChangeSchedule:
    """Return the changes of a run that nobody has changed anything about."""
    return (ScheduledChange(0, config.learning_rate, config.epochs),)


def change_at(changes: Sequence[ScheduledChange], step: int) -> ScheduledChange:
    """Return the change that the step after `step` finished ones belongs to."""
    return next(change for change in reversed(changes) if change.step <= step)


def add_change(
    changes: ChangeSchedule, step: int, learning_rate: float | None = None, epochs: int | None = None
) -> ChangeSchedule:
    """Return the changes with something changed after `step` steps; what was to come later is dropped."""
    now = change_at(changes, step)
    changed = replace(
        now, step=step, learning_rate=learning_rate or now.learning_rate, epochs=epochs or now.epochs
    )
    same = (changed.learning_rate, changed.epochs) == (now.learning_rate, now.epochs)
    kept = tuple(change for change in changes if change.step < step or (same and change.step == step))
    return kept if same else (*kept, changed)
