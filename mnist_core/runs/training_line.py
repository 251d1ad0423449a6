"""The training line: the runs of the queue that wait and train, shared by the queue and its workers."""

from __future__ import annotations

import logging
import threading
from collections import deque
from contextlib import suppress
from dataclasses import replace

from mnist_core.runs.queued_run import QueuedRun, Snapshot
from mnist_core.runs.run import CANCELLED
from mnist_core.runs.turns import Turns
from mnist_core.runtime.event_log import log_event, short_id
from mnist_core.runtime.limits import TURN_SECONDS
from mnist_core.runtime.process import resident_bytes
from mnist_core.training.events import ASIDE

_log = logging.getLogger(__name__)


class TrainingLine:
    """The runs that wait and those that train; hold `changed` to read or change them.

    `closed` is whether no more runs begin.
    """

    def __init__(self) -> None:
        self.waiting: deque[QueuedRun] = deque()
        self.training: list[QueuedRun] = []
        self.changed = threading.Condition()
        self.turns = Turns(TURN_SECONDS.value(True))
        self.closed = False

    def find(self, run_id: str) -> QueuedRun | None:
        """Return a run that trains or waits in this process; None for any other."""
        return next((entry for entry in (*self.training, *self.waiting) if entry.writer.id == run_id), None)

    def at_once(self, owner: str) -> int:
        """Return how many runs of a visitor train or wait; 0 for "", which is nobody."""
        return sum(bool(owner) and entry.owner == owner for entry in (*self.training, *self.waiting))

    def others_wait(self) -> bool:
        """Return whether a run waits."""
        return bool(self.waiting)

    def snapshot(self, entry: QueuedRun, workers: int) -> Snapshot:
        """Return how a run of the line stands while up to `workers` train: its place, wait and share."""
        everyones = [*self.training, *self.waiting]
        share = self.turns.share(everyones, workers)
        snapshot = replace(entry.snapshot, time_share=share, slow=entry.slow.on, batch=entry.slow.batch)
        if entry in self.training:
            return snapshot
        line = self.turns.in_order(self.waiting)
        place = line.index(entry)
        seconds = self.turns.wait_seconds(entry, [*self.training, *line[:place]])
        wait = None if seconds is None else seconds / workers
        return replace(snapshot, place_in_line=place + 1, wait_seconds=wait)

    def take_next(self) -> list[QueuedRun]:
        """Take the next run out of the queue, and its partner if it is one of a pair."""
        first = self.turns.in_order(self.waiting)[0]
        self.waiting.remove(first)
        self.turns.serve(first.owner)
        partners = [entry for entry in self.waiting if first.pair and entry.pair is first.pair]
        for entry in partners:
            self.waiting.remove(entry)
        for entry in (first, *partners):
            self.training.append(entry)
            entry.snapshot = replace(entry.snapshot, status="running")
            entry.turn_began = entry.snapshot.train_seconds
            log_run("run_started", entry, waiting=len(self.waiting))
        return [first, *partners]

    def remove_cancelled(self) -> None:
        """Take the runs out of the line that were cancelled by RunStore.cancel."""
        with self.changed, suppress(OSError):
            for entry in [entry for entry in self.waiting if entry.writer.cancelled]:
                self.waiting.remove(entry)
                with suppress(OSError):  # its folder may be gone
                    entry.writer.update("stopped", CANCELLED)
                entry.writer.close()

    def leave_training(self, entry: QueuedRun) -> None:
        """Take a run out of training; one that has stepped aside goes back into the line."""
        with self.changed:
            self.training.remove(entry)
            if entry.writer.is_open:
                ending, entry.control.ending = entry.control.ending, None
                if ending == ASIDE and not self.closed:
                    entry.snapshot = replace(entry.snapshot, status="queued")
                    self.waiting.append(entry)
                else:  # it was told so while it stepped aside
                    with suppress(OSError):
                        entry.writer.update("interrupted" if ending in (None, ASIDE) else ending)
                    entry.writer.close()
            self.changed.notify_all()
        log_run(f"run_{entry.writer.status}", entry)


def log_run(event: str, entry: QueuedRun, **fields: object) -> None:
    """Log what happened to a run: its settings, how far it is, and the process's memory; not whose it is."""
    results, memory = entry.writer.results, resident_bytes()
    log_event(
        _log,
        event,
        run=short_id(entry.writer.id),
        recipe=entry.writer.config.recipe,
        epochs=results.get("epochs"),
        of_epochs=entry.writer.config.epochs,
        train_seconds=results.get("train_seconds"),
        test_accuracy=results.get("test_accuracy"),
        memory_mb=memory and memory // 1_000_000,
        **fields,
    )
