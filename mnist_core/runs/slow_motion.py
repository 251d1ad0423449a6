"""Slow motion: a run that trains one batch at a time, each on request."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Condition
from typing import TYPE_CHECKING

from mnist_core.training.events import ASIDE, TrainingControl

if TYPE_CHECKING:
    from mnist_core.monitoring.batch_view import BatchView
    from mnist_core.runs.writer import RunWriter

IDLE_SECONDS = 300.0  # without a click, after which the run is paused
CROWDED_SECONDS = 60.0  # that other runs wait, after which it steps aside
SECONDS_BETWEEN_LOOKS = 1.0  # seconds between checks whether others wait or the run was cancelled


@dataclass
class SlowMotion:
    """Whether a run is in slow motion, and its last batch; used while holding the queue's lock.

    `batch` is None until the first one. `asked` is whether one more batch is to be trained.
    """

    on: bool = False
    asked: bool = False
    batch: BatchView | None = None
    _held_at: int | None = None  # the step after which it waited last
    _patience: float = 0.0  # seconds that it still waits for a click
    _crowded_since: float | None = None

    def begin(self) -> None:
        """Hold the run at its next event."""
        self.on, self.asked, self.batch, self._held_at = True, False, None, None
        self._patience = IDLE_SECONDS

    def ask(self) -> None:
        """Let the run train one batch."""
        self.asked, self._patience = True, IDLE_SECONDS

    def end(self) -> None:
        """Let the run go on at full speed."""
        self.on = False

    def hold(
        self,
        step: int | None,
        control: TrainingControl,
        changed: Condition,
        others_wait: Callable[[], bool],
        writer: RunWriter,
    ) -> None:
        """Wait after `step` steps, holding `changed`'s lock, until a batch is asked for or slow motion ends.

        `step` is None when the training begins or goes on. After IDLE_SECONDS without a click the run is
        paused. Once others have waited for CROWDED_SECONDS it steps aside, and waits again at its next turn.
        """
        if step is not None and step == self._held_at:
            return  # a second event after the same step
        self._held_at = step
        changed.notify_all()  # the caller of `one_batch` waits for the batch
        now = time.monotonic()
        while self.on and not self.asked and not control.ending and not writer.cancelled:
            before, crowded = now, self._crowded_until(others_wait())
            changed.wait(max(0.0, min(self._patience, crowded - now, SECONDS_BETWEEN_LOOKS)))
            now = time.monotonic()
            self._patience -= now - before
            if self._patience <= 0:
                control.ending = control.ending or "paused"
            elif now >= crowded:
                control.ending, self._crowded_since = control.ending or ASIDE, None
        self.asked = False

    def _crowded_until(self, others_wait: bool) -> float:
        """Return the time until which it may go on, infinity while no other run waits."""
        if not others_wait:
            self._crowded_since = None
            return float("inf")
        self._crowded_since = self._crowded_since or time.monotonic()
        return self._crowded_since + CROWDED_SECONDS
