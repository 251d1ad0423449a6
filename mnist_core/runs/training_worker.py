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

SECONDS_BETWEEN_CLEAN_UPS = 1.0
LEAST_PAUSE = 20  # times as long as the last clean-up took
_log = logging.getLogger(__name__)


class CleanUp:
    """Deletes runs beyond the limit of space after others have ended, at most once a second.

    Many workers share one: it looks at the size of every run. Where there are many it waits longer.
    """

    def __init__(self, store: RunStore) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._allowed = 0.0  # the time from which the next may begin
        self._waits = False

    def after(self, entry: QueuedRun) -> None:
        """Clean up once this run has ended: now, or later, by the clean-up that waits already."""
        with self._lock:
            if self._waits:
                return
            seconds = self._allowed - time.monotonic()
            self._waits = seconds > 0
            self._allowed = max(self._allowed, time.monotonic()) + SECONDS_BETWEEN_CLEAN_UPS
        if seconds > 0:
            later = threading.Timer(seconds, self._clean_up_later, [entry])
            later.daemon = True
            later.start()
        else:
            self._clean_up(entry)

    def _clean_up_later(self, entry: QueuedRun) -> None:
        with self._lock:
            self._waits = False
        self._clean_up(entry)

    def _clean_up(self, entry: QueuedRun) -> None:
        """Keep the runs within the limit, and this one; a failure is logged."""
        begun = time.monotonic()
        try:
            self._store.keep_within(None, entry.writer.id, entry.limits.protected_percent)
        except Exception:
            _log.exception("the clean-up after run %s broke off", entry.writer.id)
        ended = time.monotonic()
        with self._lock:
            self._allowed = max(self._allowed, ended + LEAST_PAUSE * (ended - begun))


class TrainingWorker:
    """Trains the runs of a line at a place, in a daemon thread, until the line is closed or it is gone.

    With `here` it trains those that are to train on the server itself, else the others.
    """

    def __init__(
        self, line: TrainingLine, clean_up: CleanUp, place: TrainingPlace, here: bool = False
    ) -> None:
        self._line, self._clean_up, self._place, self._here = line, clean_up, place, here
        self._thread = threading.Thread(target=self._work, name="training", daemon=True)
        self._thread.start()

    def join(self, seconds: float) -> None:
        """Wait up to `seconds` until it has ended, what follows its last run included."""
        self._thread.join(seconds)

    def _work(self) -> None:
        while True:
            with self._line.changed:
                self._line.changed.wait_for(
                    lambda: self._line.waits(self._here) or self._line.closed or self._place.gone
                )
                if self._line.closed or self._place.gone:
                    return
                entries = self._line.take_next(self._here)
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
                self._clean_up.after(entry)

    def _end_turn_if_over(self, entries: list[QueuedRun]) -> None:
        """Have runs step aside whose turn is over while other visitors' runs wait."""
        with self._line.changed:
            if self._line.turn_is_over(entries, self._here):
                for entry in entries:
                    entry.control.ending = entry.control.ending or ASIDE

    def _go_on(self, entry: QueuedRun, events: Iterator[Event]) -> bool:
        """Train a run until its next event and publish it; return False once the run has ended."""
        begun = time.monotonic()
        event = next(events, None)
        if event is None:
            return False
        with self._line.changed:
            entry.advance(event, time.monotonic() - begun)
            self._end_if_too_long(entry)
            if entry.slow.on and entry.snapshot.steps:  # not while it is scored before the first step
                step = None if isinstance(event, Started | Continued) else event.step
                entry.slow.hold(step, entry.control, self._line.changed, self._line.others_wait, entry.writer)
        self._line.remove_cancelled()
        return True

    def _end_if_too_long(self, entry: QueuedRun) -> None:
        """Stop a run that has reached its limit of time, which was unknown or estimated too short."""
        most = entry.limits.seconds
        if most is not None and entry.busy_seconds > most and not entry.control.ending:
            words = N_("It was stopped after {minutes:,.0f} minutes of training, the limit of this server.")
            with suppress(OSError):
                entry.writer.update("running", Message(words, {"minutes": most / 60}))
            entry.control.ending = "stopped"
