"""Background training: a queue of runs, and one or more workers that train them."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mnist_core.config import TrainConfig
from mnist_core.messages import N_, InputError, Message
from mnist_core.monitoring.activation_feed import ActivationFeed
from mnist_core.runs.admission import UNLIMITED, TrainingLimits
from mnist_core.runs.queued_run import QueuedRun, Snapshot, seconds_left_of, total_seconds
from mnist_core.runs.run import CANCELLED, failure_message, failure_status
from mnist_core.runs.store import RunStore
from mnist_core.runs.turns import Turns
from mnist_core.runs.writer import RunWriter
from mnist_core.runtime.event_log import log_error, log_event, short_id
from mnist_core.runtime.limits import TURN_SECONDS, WAITING_RUNS
from mnist_core.runtime.process import resident_bytes
from mnist_core.training.events import ASIDE, Continued, Event, Started
from mnist_core.training.memory import check_memory
from mnist_core.training.schedules import check_change

if TYPE_CHECKING:
    from mnist_core.data.mnist import Dataset
    from mnist_core.monitoring.probes import Probe

ENDLESS_LINE = 10_000  # what is told of room where the line has no limit
SECONDS_BETWEEN_LOOKS = 1.0  # for runs in line that were cancelled
WORKERS_VARIABLE = "DIGITLAB_WORKERS"
MOST_WORKERS = 64
_log = logging.getLogger(__name__)


class TrainingQueue:
    """Trains runs in the order they come, each in a background thread, `workers` at a time.

    While other visitors wait, a run steps aside after TURN_SECONDS and goes on after them, see turns.Turns.

    `load_dataset` is called by a worker for each run, and should remember what it loaded. `threads` is the
    most that torch may use for a run; the pages' own work needs a core too.
    """

    def __init__(
        self, store: RunStore, load_dataset: Callable[[], Dataset], threads: int, workers: int = 1
    ) -> None:
        self._store, self._load_dataset, self._threads, self._workers = store, load_dataset, threads, workers
        self._waiting: deque[QueuedRun] = deque()
        self._training: list[QueuedRun] = []
        self._changed = threading.Condition()
        self._admission = threading.Lock()  # or two tabs of a visitor would both be the last to be allowed
        self._trial = threading.Lock()  # one at a time: a trial sets the process's number of threads
        self._closed = False
        self._turns = Turns(TURN_SECONDS.value(True))
        self._looked = 0.0  # when it was last seen which waiting runs were cancelled
        for _ in range(workers):
            threading.Thread(target=self._work, name="training", daemon=True).start()

    def submit(
        self,
        config: TrainConfig,
        expected_seconds: float | None = None,
        limits: TrainingLimits = UNLIMITED,
        **details: Any,
    ) -> str:
        """Queue a new training; return its run's id.

        `expected_seconds` helps to tell those behind it how long they wait; `limits` are those of the visitor
        who starts it; `details` go to RunStore.create. Raises InputError when the queue is full, a limit is
        exceeded, the training would not fit into memory, or runs can't be written.
        """
        limits.check_training(config, expected_seconds)
        check_memory(config)
        with self._admission:
            self._check_visitor(details.get("owner", ""), limits)
            writer = self._store.create(config, **details)
            self._enter(writer, expected_seconds, limits, details.get("owner", ""))
        return writer.id

    def submit_pair(
        self, first: TrainConfig, second: TrainConfig, limits: TrainingLimits = UNLIMITED, **details: Any
    ) -> tuple[str, str]:
        """Queue two trainings that take turns, so that both are always equally far; return their runs' ids.

        Each trains as it would alone, to the bit. Raises what `submit` raises; then none is queued.
        """
        for config in (first, second):
            limits.check_training(config)
            check_memory(config)
        with self._admission:
            self._check_visitor(details.get("owner", ""), limits, 2)
            writers = self._create_all([first, second], details)
            pair = object()
            with self._changed:
                for writer in writers:
                    self._enter(writer, None, limits, details.get("owner", ""), pair)
        return writers[0].id, writers[1].id

    def _create_all(self, configs: list[TrainConfig], details: dict[str, Any]) -> list[RunWriter]:
        """Create a run for each config; InputError when one can't be, and then none waits."""
        writers: list[RunWriter] = []
        try:
            writers.extend(self._store.create(config, **details) for config in configs)
        except InputError:
            for writer in writers:
                writer.update("stopped")
                writer.close()
            raise
        return writers

    def resume(
        self,
        run_id: str,
        epochs: int | None = None,
        limits: TrainingLimits = UNLIMITED,
        slow: bool = False,
    ) -> None:
        """Queue a run again that was paused, stopped, interrupted or finished, to `epochs` in all.

        With `slow` it waits before its next batch, see `slow_down`.

        Raises InputError when the queue is full, a limit is exceeded, the run can't go on or would not fit
        into memory, or it has nothing left to do.
        """
        run = self._store.get(run_id)
        config = replace(run.config, epochs=epochs or run.config.epochs)
        limits.check_training(config, total_seconds(run.results, config))
        check_memory(config)
        with self._admission:
            self._check_visitor(run.metadata.owner, limits, kept=True)
            writer = self._store.reopen(run_id, epochs)
            self._enter(writer, seconds_left_of(writer), limits, run.metadata.owner, slow=slow)

    def stop(self, run_id: str) -> None:
        """End a run at its next event, keeping what it learned, or remove it from the queue."""
        self._leave(run_id, "stopped")

    def pause(self, run_id: str) -> None:
        """Set a run aside at its next event, for others to train meanwhile; `resume` goes on."""
        self._leave(run_id, "paused")

    def change(self, run_id: str, **settings: Any) -> None:
        """Have a run go on with some of its settings changed: those in `schedules.STEERED`.

        Raises InputError for a setting that can't be changed in this run, or a bad value; then none changes.
        """
        with self._changed:
            if entry := self._find(run_id):
                current = check_change(entry.snapshot.current, settings)
                if entry in self._waiting:
                    entry.writer.add_change(**settings)
                else:
                    entry.control.changes.append(settings)
                entry.snapshot = replace(entry.snapshot, current=current)

    def slow_down(self, run_id: str) -> None:
        """Put a run into slow motion: it trains the next batch when `one_batch` asks for it.

        It steps aside when others wait, and is paused when nobody asks for long; see SlowMotion. A run of a
        pair stays fast.
        """
        with self._changed:
            entry = self._find(run_id)
            if entry and not entry.pair:
                entry.slow.begin()

    def one_batch(self, run_id: str, seconds: float = 0.0) -> None:
        """Have a run in slow motion train one batch, and wait up to so many seconds until it is done."""
        with self._changed:
            entry = self._find(run_id)
            if entry is None or not entry.slow.on:
                return
            before = entry.slow.batch
            entry.slow.ask()
            self._changed.notify_all()
            self._changed.wait_for(lambda: entry.slow.batch is not before or entry.control.ending, seconds)

    def full_speed(self, run_id: str) -> None:
        """End the slow motion of a run."""
        with self._changed:
            if entry := self._find(run_id):
                entry.slow.end()
                self._changed.notify_all()

    def snapshot(self, run_id: str) -> Snapshot | None:
        """How a run stands now that waits or trains in this process; None for any other."""
        with self._changed:
            entry = self._find(run_id)
            if entry is None:
                return None
            everyones = [*self._training, *self._waiting]
            share = self._turns.share(everyones, self._workers)
            snapshot = replace(entry.snapshot, time_share=share, slow=entry.slow.on, batch=entry.slow.batch)
            if entry in self._training:
                return snapshot
            line = self._turns.in_order(self._waiting)
            place = line.index(entry)
            seconds = self._turns.wait_seconds(entry, [*self._training, *line[:place]])
            wait = None if seconds is None else seconds / self._workers
            return replace(snapshot, place_in_line=place + 1, wait_seconds=wait)

    @property
    def line(self) -> dict[str, int]:
        """How many runs train, and how many wait."""
        with self._changed:
            return {"training": len(self._training), "waiting": len(self._waiting)}

    @property
    def busy(self) -> bool:
        """Whether a run trains or waits."""
        with self._changed:
            return bool(self._training or self._waiting)

    def training_speed(self, config: TrainConfig) -> float | None:
        """Return the images per second that `config` trains on this queue's threads, in a short trial.

        None while a run trains or waits: it needs the cores, and its number of threads must stay.
        """
        from mnist_core.runtime.devices import choose_device
        from mnist_core.training.autotune import training_speed

        images = self._load_dataset().train
        with self._trial:
            return None if self.busy else training_speed(config, images, self._threads, choose_device())

    def probes(self, run_id: str) -> list[Probe]:
        """The probes so far of a run that waits or trains in this process; for any other, none."""
        with self._changed:
            entry = self._find(run_id)
            return entry.writer.probes[:] if entry else []

    def activation_feed(self, run_id: str) -> ActivationFeed | None:
        """The activations of a run that waits or trains in this process; None for any other."""
        with self._changed:
            entry = self._find(run_id)
            return entry.feed if entry else None

    def rows(self, run_id: str) -> list[dict[str, float]]:
        """Rows of METRICS so far, of a run that waits or trains in this process; for any other, none."""
        with self._changed:
            entry = self._find(run_id)
            return entry.writer.rows[:] if entry else []

    def _find(self, run_id: str) -> QueuedRun | None:
        return next((entry for entry in (*self._training, *self._waiting) if entry.writer.id == run_id), None)

    def _enter(
        self,
        writer: RunWriter,
        expected_seconds: float | None,
        limits: TrainingLimits,
        owner: str,
        pair: object = None,
        slow: bool = False,
    ) -> None:
        writer.most_bytes = limits.bytes_per_run
        current = writer.changes[-1].applied_to(writer.config)
        snapshot = Snapshot(writer.id, writer.config, current, may_slow_down=pair is None)
        snapshot = replace(snapshot, train_seconds=writer.results.get("train_seconds", 0.0))
        with self._changed:
            entry = QueuedRun(writer, snapshot, expected_seconds, limits, owner, pair)
            if slow:
                entry.slow.begin()
            self._waiting.append(entry)
            self._changed.notify_all()
            _log_run("run_queued", entry, waiting=len(self._waiting))

    def room(self, owner: str = "", limits: TrainingLimits = UNLIMITED) -> int:
        """Return how many more trainings may wait, of `owner` with these limits."""
        with self._changed:
            most = WAITING_RUNS.value(True)
            room = ENDLESS_LINE if most is None else most - len(self._waiting)
            if limits.runs_at_once is not None:
                room = min(room, limits.runs_at_once - self._at_once(owner))
        return max(0, room)

    def _at_once(self, owner: str) -> int:
        return sum(bool(owner) and entry.owner == owner for entry in (*self._training, *self._waiting))

    def _check_visitor(self, owner: str, limits: TrainingLimits, runs: int = 1, kept: bool = False) -> None:
        """Raise InputError unless `runs` more of a visitor may wait; `kept`: they are on disk already."""
        if self.room() < runs:
            raise InputError(
                N_("The queue already holds {most} runs; try again later."), most=WAITING_RUNS.value(True)
            )
        with self._changed:
            limits.check_line(self._at_once(owner), runs)
        limits.check_disk(self._store, owner, 0 if kept else runs)

    def _leave(self, run_id: str, status: str) -> None:
        with self._changed:
            entry = self._find(run_id)
            if entry is None:
                return
            entry.control.ending = status
            self._changed.notify_all()  # it may be in slow motion
            if entry in self._waiting:
                self._waiting.remove(entry)
                entry.writer.update(status)
                entry.writer.close()

    def close(self, seconds: float = 5) -> None:
        """Begin no more runs and interrupt those that train, which may take so long: they can be continued.

        A process must not end while one of its threads is within torch.
        """
        with self._changed:
            self._closed = True
            for entry in self._training:
                entry.control.ending = "interrupted"
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._training, seconds)

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if self._closed:
                    return
                self._leave_if_cancelled()
                entries = self._take_next() if self._waiting else []
            self._train_in_turns(entries)

    def _others_wait(self) -> bool:
        return bool(self._waiting)

    def _leave_if_cancelled(self) -> None:
        """Take the runs out of the line that were cancelled by RunStore.cancel."""
        with self._changed, suppress(OSError):
            for entry in [entry for entry in self._waiting if entry.writer.cancelled]:
                self._waiting.remove(entry)
                with suppress(OSError):  # its folder may be gone
                    entry.writer.update("stopped", CANCELLED)
                entry.writer.close()

    def _take_next(self) -> list[QueuedRun]:
        """Take the next run out of the queue, and its partner if it is one of a pair."""
        first = self._turns.in_order(self._waiting)[0]
        self._waiting.remove(first)
        self._turns.serve(first.owner)
        partners = [entry for entry in self._waiting if first.pair and entry.pair is first.pair]
        for entry in partners:
            self._waiting.remove(entry)
        for entry in (first, *partners):
            self._training.append(entry)
            entry.snapshot = replace(entry.snapshot, status="running")
            entry.turn_began = entry.snapshot.train_seconds
            _log_run("run_started", entry, waiting=len(self._waiting))
        return [first, *partners]

    def _train_in_turns(self, entries: list[QueuedRun]) -> None:
        """Train runs, always the least advanced to its next event; one that fails leaves the others."""
        turns = {entry: self._events(entry) for entry in entries}
        while turns:
            entry = min(turns, key=lambda each: each.share)
            going_on = False
            try:
                going_on = self._go_on(entry, turns[entry])
            except Exception as error:  # the worker outlives whatever a run dies of
                if not isinstance(error, InputError):
                    log_error(_log, "run_broke_off", error, run=short_id(entry.writer.id))
                with suppress(OSError):  # its folder may be what is gone
                    entry.writer.update(failure_status(error), failure_message(error))
                entry.writer.close()
            finally:
                if not going_on:
                    del turns[entry]
                    self._end(entry)
            if going_on:
                self._end_turn_if_over(list(turns))
            else:
                self._clean_up(entry)

    def _clean_up(self, entry: QueuedRun) -> None:
        """Delete what is too much once a run has ended; a failure leaves the worker to the next run."""
        try:
            self._store.keep_within(None, entry.writer.id, entry.limits.protected_percent)
        except Exception:
            _log.exception("the clean-up after run %s broke off", entry.writer.id)

    def _end(self, entry: QueuedRun) -> None:
        """Take a run out of training; one that has stepped aside goes back into the line."""
        with self._changed:
            self._training.remove(entry)
            if entry.writer.is_open:
                ending, entry.control.ending = entry.control.ending, None
                if ending == ASIDE and not self._closed:
                    entry.snapshot = replace(entry.snapshot, status="queued")
                    self._waiting.append(entry)
                else:  # it was told so while it stepped aside
                    with suppress(OSError):
                        entry.writer.update("interrupted" if ending in (None, ASIDE) else ending)
                    entry.writer.close()
            self._changed.notify_all()
        _log_run(f"run_{entry.writer.status}", entry)

    def _end_turn_if_over(self, entries: list[QueuedRun]) -> None:
        """Have runs step aside, as Pause does, that have had their turn while other visitors' wait."""
        with self._changed:
            trained = sum(entry.snapshot.train_seconds - entry.turn_began for entry in entries)
            if self._turns.is_over(trained, entries, self._waiting):
                for entry in entries:
                    entry.control.ending = entry.control.ending or ASIDE

    def _go_on(self, entry: QueuedRun, events: Iterator[Event]) -> bool:
        """Train a run until its next event, and publish that; return False once it has ended."""
        event = next(events, None)
        if event is None:
            return False
        with self._changed:
            entry.snapshot = entry.snapshot.after(event)
            self._end_if_too_long(entry)
            if entry.slow.on:
                step = None if isinstance(event, Started | Continued) else event.step
                entry.slow.hold(step, entry.control, self._changed, self._others_wait, entry.writer)
        if time.monotonic() - self._looked > SECONDS_BETWEEN_LOOKS:
            self._looked = time.monotonic()
            self._leave_if_cancelled()
        return True

    def _end_if_too_long(self, entry: QueuedRun) -> None:
        """Stop a run that has trained for as long as it may: its time was unknown, or estimated too short."""
        most = entry.limits.seconds
        if most is not None and entry.snapshot.train_seconds > most and not entry.control.ending:
            words = N_("It was stopped after {minutes:,.0f} minutes of training, the limit of this server.")
            with suppress(OSError):
                entry.writer.update("running", Message(words, {"minutes": most / 60}))
            entry.control.ending = "stopped"

    def _events(self, entry: QueuedRun) -> Iterator[Event]:
        """Train a run, with its own number of threads whenever it goes on."""
        import torch

        from mnist_core.runs.run_trainer import set_threads, train_run
        from mnist_core.runtime.devices import choose_device

        dataset = self._load_dataset()
        with self._trial:
            set_threads(entry.writer, dataset, self._threads)
        threads = torch.get_num_threads()
        for event in train_run(entry.writer, dataset, choose_device(), entry.control, entry.feed, entry.slow):
            yield event
            if torch.get_num_threads() != threads:  # its partner's
                torch.set_num_threads(threads)


def _log_run(event: str, entry: QueuedRun, **fields: object) -> None:
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


def number_of_workers() -> int:
    """Return how many runs may train at once, from DIGITLAB_WORKERS, else 1; InputError for a bad number."""
    text = os.environ.get(WORKERS_VARIABLE) or "1"
    if not text.isdecimal() or not 1 <= int(text) <= MOST_WORKERS:
        raise InputError(
            N_("{variable} must be a number from 1 to {most}, not {text!r}."),
            variable=WORKERS_VARIABLE,
            most=MOST_WORKERS,
            text=text,
        )
    return int(text)
