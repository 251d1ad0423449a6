"""A worker of the training queue: a thread that trains the runs of the line, one turn after the other."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

from mnist_core.messages import N_, InputError, Message
from mnist_core.runs.queued_run import QueuedRun
from mnist_core.runs.run import failure_message, failure_status
from mnist_core.runs.store import RunStore
from mnist_core.runs.training_line import TrainingLine
from mnist_core.runs.training_place import TrainingPlace
from mnist_core.runtime.event_log import log_error, short_id
from mnist_core.training.events import ASIDE, Continued, Event, Started

SECONDS_BETWEEN_LOOKS = 1.0  # seconds between looks for waiting runs that were cancelled
_log = logging.getLogger(__name__)


class TrainingWorker:
    """Trains the runs of a line at a place, in a daemon thread, until the line is closed or it is gone."""

    def __init__(self, line: TrainingLine, store: RunStore, place: TrainingPlace) -> None:
        self._line, self._store, self._place = line, store, place
        self._looked = 0.0  # time of the last look for cancelled runs
        threading.Thread(target=self._work, name="training", daemon=True).start()

    def _work(self) -> None:
        while True:
            with self._line.changed:
                self._line.changed.wait_for(
                    lambda: self._line.waiting or self._line.closed or self._place.gone
                )
                if self._line.closed or self._place.gone:
                    return
                self._line.remove_cancelled()
                entries = self._line.take_next() if self._line.waiting else []
            self._train_in_turns(entries)

    def _train_in_turns(self, entries: list[QueuedRun]) -> None:
        """Train runs in turns, always the least advanced to its next event; others outlive a failed one."""
        turns = self._place.events(entries)
        while turns:
            entry = min(turns, key=lambda each: each.share)
            going_on = False
            try:
                going_on = self._go_on(entry, turns[entry])
            except Exception as error:  # no failure of a run may end the worker
                if not isinstance(error, InputError):
                    log_error(_log, "run_broke_off", error, run=short_id(entry.writer.id))
                with suppress(OSError):  # its folder may have been deleted
                    entry.writer.update(failure_status(error), failure_message(error))
                entry.writer.close()
            finally:
                if not going_on:
                    del turns[entry]
                    self._line.leave_training(entry)
            if going_on:
                self._end_turn_if_over(list(turns))
            else:
                self._clean_up(entry)

    def _clean_up(self, entry: QueuedRun) -> None:
        """Delete runs beyond the limit of space once a run has ended; a failure doesn't end the worker."""
        try:
            self._store.keep_within(None, entry.writer.id, entry.limits.protected_percent)
        except Exception:
            _log.exception("the clean-up after run %s broke off", entry.writer.id)

    def _end_turn_if_over(self, entries: list[QueuedRun]) -> None:
        """Have runs step aside whose turn is over while other visitors' runs wait."""
        with self._line.changed:
            trained = sum(entry.snapshot.train_seconds - entry.turn_began for entry in entries)
            if self._line.turns.is_over(trained, entries, self._line.waiting):
                for entry in entries:
                    entry.control.ending = entry.control.ending or ASIDE

    def _go_on(self, entry: QueuedRun, events: Iterator[Event]) -> bool:
        """Train a run until its next event and publish it; return False once the run has ended."""
        event = next(events, None)
        if event is None:
            return False
        with self._line.changed:
            entry.snapshot = entry.snapshot.after(event)
            self._end_if_too_long(entry)
            if entry.slow.on:
                step = None if isinstance(event, Started | Continued) else event.step
                entry.slow.hold(step, entry.control, self._line.changed, self._line.others_wait, entry.writer)
        if time.monotonic() - self._looked > SECONDS_BETWEEN_LOOKS:
            self._looked = time.monotonic()
            self._line.remove_cancelled()
        return True

    def _end_if_too_long(self, entry: QueuedRun) -> None:
        """Stop a run that has reached its limit of time, which was unknown or estimated too short."""
        most = entry.limits.seconds
        if most is not None and entry.snapshot.train_seconds > most and not entry.control.ending:
            words = N_("It was stopped after {minutes:,.0f} minutes of training, the limit of this server.")
            with suppress(OSError):
                entry.writer.update("running", Message(words, {"minutes": most / 60}))
            entry.control.ending = "stopped"
