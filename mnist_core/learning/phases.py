"""What a run was told to do, and when: a new learning rate on its way, more epochs after its end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mnist_core.config import TrainConfig


@dataclass(frozen=True)
class Phase:
    """From `step` finished steps on: this base learning rate, scheduled over `epochs` epochs in all."""

    step: int
    learning_rate: float
    epochs: int


Phases = tuple[Phase, ...]


def first_phases(config: TrainConfig) -> Phases:
    """Return the phases of a run that nobody has changed anything about."""
    return (Phase(0, config.learning_rate, config.epochs),)


def phase_at(phases: Sequence[Phase], step: int) -> Phase:
    """Return the phase that the step after `step` finished ones belongs to."""
    return next(phase for phase in reversed(phases) if phase.step <= step)


def change(
    phases: Phases, step: int, learning_rate: float | None = None, epochs: int | None = None
) -> Phases:
    """Return the phases with something changed after `step` steps; what was to come later is dropped."""
    now = phase_at(phases, step)
    changed = replace(
        now, step=step, learning_rate=learning_rate or now.learning_rate, epochs=epochs or now.epochs
    )
    same = (changed.learning_rate, changed.epochs) == (now.learning_rate, now.epochs)
    kept = tuple(phase for phase in phases if phase.step < step or (same and phase.step == step))
    return kept if same else (*kept, changed)
