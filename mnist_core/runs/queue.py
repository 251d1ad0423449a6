"""The training queue: what is submitted, resumed, stopped and changed, within a server's limits."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mnist_core.config import TrainConfig
from mnist_core.messages import N_, InputError, Message
from mnist_core.monitoring.activation_feed import ActivationFeed
from mnist_core.runs.admission import UNLIMITED, TrainingLimits
from mnist_core.runs.queued_run import QueuedRun, Snapshot, seconds_left_of, total_seconds
from mnist_core.runs.store import RunStore
from mnist_core.runs.training_line import TrainingLine, log_run
from mnist_core.runs.training_place import Places, ThisProcess, TrainingPlace
from mnist_core.runs.training_worker import CleanUp, TrainingWorker
from mnist_core.runs.writer import RunWriter
from mnist_core.runtime.limits import WAITING_RUNS
from mnist_core.training.memory import check_memory
from mnist_core.training.schedules import check_change

if TYPE_CHECKING:
    from mnist_core.data.mnist import Dataset
    from mnist_core.monitoring.probes import Probe
    from mnist_core.training.speed_meter import Speed

ENDLESS_LINE = 10_000  # the room that `room` returns if the queue has no limit
WORKERS_VARIABLE = "DIGITLAB_WORKERS"
MOST_WORKERS = 64


class TrainingQueue:
    """Trains runs in the order they come, each in a background thread, `workers` at a time.

    While other visitors wait, a run steps aside after TURN_SECONDS and goes on after them, see turns.Turns.

    `load_dataset` is called by a worker for each run, with the key of its data set, and should remember what
    it loaded. `threads` is the most that torch may use for a run; the pages' own work needs a core too. With
    `places` the runs train there instead, one at each. Those that trained there when an earlier server ended
    are continued, within the limits `lost`.
    """

    def __init__(
        self,
        store: RunStore,
        load_dataset: Callable[[str], Dataset],
        threads: int,
        workers: int = 1,
        places: Places | None = None,
        lost: TrainingLimits = UNLIMITED,
    ) -> None:
        self._store, self._load_dataset, self._threads, self._workers = store, load_dataset, threads, workers
        self._line, self._clean_up = TrainingLine(), CleanUp(store)
        self._admission = threading.Lock()  # else two tabs of a visitor could both take the last place
        self._trial = threading.Lock()  # one at a time: a trial sets the process's number of threads
        self._places, self._lost = places, lost
        self._looked_for_lost = self._works_here = False
        self._at_work: list[TrainingWorker] = []
        self.place_came = threading.Event()
        """Set once a run can train at one of the places, and those of an earlier server go on."""
        if places:
            places.open(self._work_at, self._line.wake)
        else:
            for _ in range(workers):
                self._work_here(False)

    def _work_here(self, here: bool) -> None:
        place = ThisProcess(self._load_dataset, self._threads, self._trial)
        self._at_work.append(TrainingWorker(self._line, self._clean_up, place, here))

    def _begin_here(self) -> None:
        """Train on the server too, from the first run on that asks for it."""
        if not self._works_here:
            self._works_here = True
            self._work_here(True)

    def _work_at(self, place: TrainingPlace) -> None:
        self._at_work.append(TrainingWorker(self._line, self._clean_up, place))
        with self._line.changed:
            first, self._looked_for_lost = not self._looked_for_lost, True
        if first:
            self._continue_lost()
            self.place_came.set()

    def _continue_lost(self) -> None:
        """Continue the runs that trained at the places when an earlier server ended, the oldest first.

        A search continues its own trials, see ServerSearches.
        """
        for run in reversed(self._store.list()):
            at_end = run.status == "interrupted" and not run.message and run.results.get("trained_on")
            is_trial = run.metadata.group and not run.metadata.repeat
            if at_end and not is_trial:
                with suppress(InputError):  # it stays interrupted
                    self.resume(run.id, limits=self._lost)

    def submit(
        self,
        config: TrainConfig,
        expected_seconds: float | None = None,
        limits: TrainingLimits = UNLIMITED,
        here: bool = False,
        **details: Any,
    ) -> str:
        """Queue a new training; return its run's id.

        `expected_seconds` helps to tell those behind it how long they wait; `limits` are those of the visitor
        who starts it; `here`: it trains on the server even if there are other places; `details` go to
        RunStore.create. Raises InputError when the queue is full, a limit is
        exceeded, the training would not fit into memory, or runs can't be written.
        """
        limits.check_training(config, expected_seconds)
        check_memory(config)
        with self._admission:
            self._check_visitor(details.get("owner", ""), limits, here=here)
            writer = self._store.create(config, **details)
            self._enter(writer, expected_seconds, limits, details.get("owner", ""), here=here)
        return writer.id

    def submit_pair(
        self,
        first: TrainConfig,
        second: TrainConfig,
        limits: TrainingLimits = UNLIMITED,
        here: bool = False,
        **details: Any,
    ) -> tuple[str, str]:
        """Queue two trainings that take turns, so that both progress equally; return their runs' ids.

        Each gives the same numbers as alone, to the bit. For `here` see `submit`. Raises what `submit`
        raises; then none is queued.
        """
        for config in (first, second):
            limits.check_training(config)
            check_memory(config)
        with self._admission:
            self._check_visitor(details.get("owner", ""), limits, 2, here=here)
            writers = self._create_all([first, second], details)
            pair = object()
            with self._line.changed:
                for writer in writers:
                    self._enter(writer, None, limits, details.get("owner", ""), pair, here=here)
        return writers[0].id, writers[1].id

    def _create_all(self, configs: list[TrainConfig], details: dict[str, Any]) -> list[RunWriter]:
        """Create a run for each config; raise InputError when one can't be created, and then keep none."""
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
        here: bool = False,
    ) -> None:
        """Queue a paused, stopped, interrupted or finished run again, to train to `epochs` in all.

        With `slow` it waits before its next batch, see `slow_down`; for `here` see `submit`.

        Raises InputError when the queue is full, a limit is exceeded, the run can't go on or would not fit
        into memory, or it has nothing left to do.
        """
        run = self._store.get(run_id)
        config = replace(run.config, epochs=epochs or run.config.epochs)
        limits.check_training(config, total_seconds(run.results, config))
        check_memory(config)
        with self._admission:
            self._check_visitor(run.metadata.owner, limits, kept=True, here=here)
            writer = self._store.reopen(run_id, epochs)
            self._enter(writer, seconds_left_of(writer), limits, run.metadata.owner, slow=slow, here=here)

    def stop(self, run_id: str) -> None:
        """End a run at its next event, keeping its weights, or remove it from the queue."""
        self._leave(run_id, "stopped")

    def pause(self, run_id: str) -> None:
        """Pause a run at its next event, so that others can train; `resume` continues it."""
        self._leave(run_id, "paused")

    def change(self, run_id: str, **settings: Any) -> None:
        """Change settings of a run from its next batch on; `schedules.STEERED` are those that can change.

        Raises InputError for a setting that can't be changed in this run, or a bad value; then none changes.
        """
        with self._line.changed:
            if entry := self._line.find(run_id):
                current = check_change(entry.snapshot.current, settings)
                if entry in self._line.waiting:
                    entry.writer.add_change(**settings)
                else:
                    entry.control.changes.append(settings)
                    entry.told()
                entry.snapshot = replace(entry.snapshot, current=current)

    def move_here(self, run_id: str) -> None:
        """Have a run that waits for other places train on the server, with its partner if it is of a pair."""
        with self._line.changed:
            chosen = self._line.find(run_id)
            if not self._places or not chosen or chosen not in self._line.waiting:
                return
            for entry in self._line.waiting:
                if entry is chosen or (chosen.pair and entry.pair is chosen.pair):
                    entry.here = True
                    _forget_worker(entry.writer)
            self._begin_here()
            self._line.changed.notify_all()

    def slow_down(self, run_id: str) -> None:
        """Put a run into slow motion: it trains one batch for each call of `one_batch`.

        It steps aside when others wait, and is paused after a long time without a call; see SlowMotion. A run
        of a pair stays fast.
        """
        with self._line.changed:
            entry = self._line.find(run_id)
            if entry and not entry.pair:
                entry.slow.begin()

    def one_batch(self, run_id: str, seconds: float = 0.0) -> None:
        """Have a run in slow motion train one batch, and wait up to `seconds` until it is done."""
        with self._line.changed:
            entry = self._line.find(run_id)
            if entry is None or not entry.slow.on:
                return
            before = entry.slow.batch
            entry.slow.ask()
            self._line.changed.notify_all()
            self._line.changed.wait_for(
                lambda: entry.slow.batch is not before or entry.control.ending, seconds
            )

    def full_speed(self, run_id: str) -> None:
        """End the slow motion of a run."""
        with self._line.changed:
            if entry := self._line.find(run_id):
                entry.slow.end()
                self._line.changed.notify_all()

    def snapshot(self, run_id: str) -> Snapshot | None:
        """Return the present state of a run that waits or trains in this process; None for any other."""
        with self._line.changed:
            entry = self._line.find(run_id)
            if entry is None:
                return None
            return self._line.snapshot(entry, self.at_once)

    @property
    def at_once(self) -> int:
        """How many runs train at the same time: in this process, or on the cluster's workers; at least 1."""
        return max(1, self._places.count) if self._places else self._workers

    @property
    def line(self) -> dict[str, int]:
        """How many runs train, and how many wait."""
        with self._line.changed:
            return {"training": len(self._line.training), "waiting": len(self._line.waiting)}

    @property
    def why_not_there(self) -> Message | None:
        """Why no run can train on the cluster now; None if one can, and without a cluster."""
        try:
            if self._places:
                self._places.check()
        except InputError as error:
            return error.message
        return None

    @property
    def places_facts(self) -> Mapping[str, Any]:
        """What the operator is told of the cluster; nothing without one."""
        return self._places.facts if self._places else {}

    @property
    def busy(self) -> bool:
        """Whether a run trains or waits."""
        with self._line.changed:
            return bool(self._line.training or self._line.waiting)

    def training_speed(self, config: TrainConfig) -> Speed | None:
        """Return how fast `config` trains on this queue's threads, in a short trial.

        None while a run trains or waits: it needs the cores, and its number of threads must not change.
        """
        from mnist_core.runtime.devices import choose_device
        from mnist_core.training.autotune import training_speed

        images = self._load_dataset(config.dataset).train
        with self._trial:
            return None if self.busy else training_speed(config, images, self._threads, choose_device())

    def probes(self, run_id: str) -> list[Probe]:
        """The probes so far of a run that waits or trains in this process; for any other, none."""
        with self._line.changed:
            entry = self._line.find(run_id)
            return entry.writer.probes[:] if entry else []

    def activation_feed(self, run_id: str) -> ActivationFeed | None:
        """The activations of a run that waits or trains in this process; None for any other."""
        with self._line.changed:
            entry = self._line.find(run_id)
            return entry.feed if entry else None

    def rows(self, run_id: str) -> list[dict[str, float]]:
        """Rows of METRICS so far, of a run that waits or trains in this process; for any other, none."""
        with self._line.changed:
            entry = self._line.find(run_id)
            return entry.writer.rows[:] if entry else []

    def _enter(
        self,
        writer: RunWriter,
        expected_seconds: float | None,
        limits: TrainingLimits,
        owner: str,
        pair: object = None,
        slow: bool = False,
        here: bool = False,
    ) -> None:
        writer.most_bytes = limits.bytes_per_run
        here = here and self._places is not None
        if here or not self._places:
            _forget_worker(writer)
        current = writer.changes[-1].applied_to(writer.config)
        snapshot = Snapshot(writer.id, writer.config, current, may_slow_down=pair is None)
        snapshot = replace(snapshot, train_seconds=writer.results.get("train_seconds", 0.0))
        with self._line.changed:
            entry = QueuedRun(writer, snapshot, expected_seconds, limits, owner, pair, here=here)
            entry.busy_seconds = snapshot.train_seconds
            if here:
                self._begin_here()
            if slow:
                entry.slow.begin()
            self._line.waiting.append(entry)
            self._line.changed.notify_all()
            log_run("run_queued", entry, waiting=len(self._line.waiting))

    def room(self, owner: str = "", limits: TrainingLimits = UNLIMITED) -> int:
        """Return how many more trainings `owner`, with these limits, may queue."""
        with self._line.changed:
            most = WAITING_RUNS.value(True)
            room = ENDLESS_LINE if most is None else most - len(self._line.waiting)
            if limits.runs_at_once is not None:
                room = min(room, limits.runs_at_once - self._line.at_once(owner))
        return max(0, room)

    def _check_visitor(
        self, owner: str, limits: TrainingLimits, runs: int = 1, kept: bool = False, here: bool = False
    ) -> None:
        """Raise InputError unless `runs` more of a visitor may wait; `kept`: they are on disk already."""
        if self._places and not here:
            self._places.check()
        if self.room() < runs:
            raise InputError(
                N_("The queue already holds {most} runs; try again later."), most=WAITING_RUNS.value(True)
            )
        with self._line.changed:
            limits.check_line(self._line.at_once(owner), runs)
        limits.check_disk(self._store, owner, 0 if kept else runs)

    def _leave(self, run_id: str, status: str) -> None:
        with self._line.changed:
            entry = self._line.find(run_id)
            if entry is None:
                return
            entry.control.ending = status
            entry.told()
            self._line.changed.notify_all()  # it may be in slow motion
            if entry in self._line.waiting:
                self._line.waiting.remove(entry)
                with suppress(OSError):  # of a full disk; without its lock it counts as interrupted
                    entry.writer.update(status)
                entry.writer.close()

    def close(self, seconds: float = 5) -> None:
        """Begin no more runs, interrupt those that train, and wait up to `seconds` until they have ended.

        They can be continued. A process must not end while one of its threads runs torch.
        """
        deadline = time.monotonic() + seconds
        with self._line.changed:
            self._line.closed = True
            for entry in self._line.training:
                entry.control.ending = "interrupted"
            self._line.changed.notify_all()
            self._line.changed.wait_for(lambda: not self._line.training, seconds)
        if self._places:
            self._places.close()
        for worker in self._at_work:
            worker.join(max(0.0, deadline - time.monotonic()))


def _forget_worker(writer: RunWriter) -> None:
    if writer.results.get("trained_on"):
        writer.update(writer.status, trained_on=None)


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
