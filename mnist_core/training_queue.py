"""Background training: one worker thread, a waiting line, and snapshots anybody may look at."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mnist_core.config import TrainConfig
from mnist_core.messages import N_, InputError, Message
from mnist_core.run_store import RunStore
from mnist_core.runs import RunWriter, failure_message

if TYPE_CHECKING:
    from mnist_core.data import Dataset
    from mnist_core.training import EpochDone, Event, StepDone

MOST_WAITING = 20
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Snapshot:
    """How a run stood at one moment.

    `place_in_line` is 0 for the run that trains, 1 for the next. `steps` and `points` (one a report, the
    events of mnist_core.training) cover the whole run; `seconds_left` is an estimate, None before the first
    report.
    """

    run_id: str
    config: TrainConfig
    status: str = "queued"
    place_in_line: int = 0
    step: int = 0
    steps: int = 0
    train_seconds: float = 0.0
    images_per_second: float = 0.0
    points: tuple[StepDone, ...] = ()
    epochs_done: tuple[EpochDone, ...] = ()
    message: Message | None = None

    @property
    def seconds_left(self) -> float | None:
        """Estimate of the training time left, from the speed so far."""
        if not self.step:
            return None
        return self.train_seconds / self.step * (self.steps - self.step)


@dataclass
class _Job:
    """A run in the line or in training; `snapshot` is replaced, never changed."""

    writer: RunWriter
    snapshot: Snapshot
    stop: threading.Event


class TrainingQueue:
    """Trains submitted configs one after the other in one background thread.

    `load_dataset` is called by the worker for each run, and should remember what it loaded. `threads` is the
    most that torch may use; the page's own work needs a core too.
    """

    def __init__(self, store: RunStore, load_dataset: Callable[[], Dataset], threads: int) -> None:
        self._store, self._load_dataset, self._threads = store, load_dataset, threads
        self._waiting: deque[_Job] = deque()
        self._jobs: dict[str, _Job] = {}
        self._changed = threading.Condition()
        threading.Thread(target=self._work, name="training", daemon=True).start()

    def submit(self, config: TrainConfig, **details: str) -> str:
        """Put a training in the line; return its run's id. `details` go to `RunStore.create`.

        Raises InputError when the line is full or runs can't be written.
        """
        with self._changed:
            if len(self._waiting) >= MOST_WAITING:
                raise InputError(
                    N_("{count} trainings are waiting already; try again later."), count=MOST_WAITING
                )
            writer = self._store.create(config, **details)
            job = _Job(writer, Snapshot(writer.id, config), threading.Event())
            self._jobs[writer.id] = job
            self._waiting.append(job)
            self._changed.notify()
        return writer.id

    def stop(self, run_id: str) -> None:
        """Stop a run at its next report, keeping what it learned, or take it out of the line."""
        with self._changed:
            job = self._jobs.get(run_id)
            if job is None:
                return
            job.stop.set()
            if job in self._waiting:
                self._waiting.remove(job)
                job.writer.update("stopped")
                job.writer.close()
                job.snapshot = replace(job.snapshot, status="stopped")

    def snapshot(self, run_id: str) -> Snapshot | None:
        """How a run of this process stands now; None for a run it doesn't know."""
        with self._changed:
            job = self._jobs.get(run_id)
            if job is None:
                return None
            if job in self._waiting:
                return replace(job.snapshot, place_in_line=self._waiting.index(job) + 1)
            return job.snapshot

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                job = self._waiting.popleft()
                job.snapshot = replace(job.snapshot, status="running")
            try:
                self._train(job)
            except Exception as error:  # the worker outlives whatever a run dies of
                _log.exception("run %s broke off", job.writer.id)
                self._fail(job, error)
            self._store.keep_within(spare=job.writer.id)

    def _train(self, job: _Job) -> None:
        from mnist_core.devices import choose_device
        from mnist_core.recording import monitored_splits, train_run
        from mnist_core.threads import choose_threads

        dataset = self._load_dataset()
        train, _ = monitored_splits(job.writer.config, dataset)
        choose_threads(job.writer.config, train, self._threads)
        events = train_run(job.writer, dataset, choose_device())
        for event in events:
            job.snapshot = _advance(job.snapshot, event)
            if job.stop.is_set():
                break
        events.close()
        job.snapshot = replace(job.snapshot, status=self._store.get(job.writer.id).status)

    def _fail(self, job: _Job, error: Exception) -> None:
        message = failure_message(error)
        job.snapshot = replace(job.snapshot, status="failed", message=message)
        with suppress(OSError):  # its folder may be what is gone
            job.writer.update("failed", message)
        job.writer.close()


def _advance(snapshot: Snapshot, event: Event) -> Snapshot:
    from mnist_core.training import EpochDone, Started

    if isinstance(event, Started):
        return replace(snapshot, steps=event.steps_per_epoch * snapshot.config.epochs)
    if isinstance(event, EpochDone):
        return replace(snapshot, epochs_done=(*snapshot.epochs_done, event))
    return replace(
        snapshot,
        step=event.step,
        train_seconds=event.train_seconds,
        images_per_second=event.images_per_second,
        points=(*snapshot.points, event),
    )
