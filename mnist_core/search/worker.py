"""A worker of a search: trains each trial as a run, watches its curve, and reports it to the study.

Any number of workers, in any number of processes, may work on one search. A trial shows signs of life while
its worker lives (Optuna's heartbeat); after GRACE_SECONDS without one, the next worker takes it over,
and its run continues from its last checkpoint if it is in the worker's store.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

from mnist_core.config import TrainConfig
from mnist_core.data.datasets import no_own_set
from mnist_core.dataset_choices import is_here
from mnist_core.messages import N_, InputError, Message
from mnist_core.runs.admission import UNLIMITED, TrainingLimits
from mnist_core.runs.run import UNFINISHED, Run
from mnist_core.runs.store import RunStore
from mnist_core.runtime.event_log import log_error
from mnist_core.search.plan import SearchPlan
from mnist_core.search.space import what_matters
from mnist_core.search.storage import import_optuna
from mnist_core.search.study import (
    Search,
    Studies,
    counted,
    message_json,
    minutes_trained,
    settings_of,
)
from mnist_core.training.memory import check_memory

if TYPE_CHECKING:
    from optuna import Trial
    from optuna.trial import FrozenTrial

    from mnist_core.runs.queue import TrainingQueue

SHORTEST_LOOK, LONGEST_LOOK = 0.05, 1.0  # seconds between two looks at a run
SHARE_OF_LOOKS = 20  # the time between two looks is the run's time so far divided by this
SECONDS_BETWEEN_QUESTIONS = 1.0  # to the study: was it stopped, have others' trials ended
SECONDS_TO_PAUSE = 10.0
MOST_REPEATED = 30  # trials in a row that were tried before, after which the search ends
NOTHING_NEW = Message(N_("Every combination that the sampler suggested was tried before; widen the ranges."))
WHOLE_GRID = Message(N_("Every combination of the grid was tried; widen the ranges, or search by TPE."))
STOPPED_BY_HAND = Message(N_("Somebody stopped this run."))
_log = logging.getLogger(__name__)


class _Dropped(Exception):
    """Raised for a trial that does not count: it was one too many, tried before, or paused."""


class SearchWorker:
    """Works on a search in threads, each with a trial that trains or waits.

    They are as many as the queue trains at once, at most `at_once`, and become more while workers come to it.
    The trials are trained by `queue` as runs in `store` that belong to the search's owner, within `limits`;
    with `here` on the server, see TrainingQueue.submit.
    """

    def __init__(
        self,
        studies: Studies,
        search: Search,
        queue: TrainingQueue,
        store: RunStore,
        limits: TrainingLimits = UNLIMITED,
        at_once: int = 1,
        here: bool = False,
    ) -> None:
        self.search, self._here = search, here
        self._studies, self._queue, self._store, self._limits = studies, queue, store, limits
        self._at_once, self._growing = at_once, threading.Lock()
        self._ending = threading.Event()
        self._repeated = 0  # trials in a row that were tried before
        self.problem: Message | None = None
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin in the background; called again, begin more threads if the queue has more workers now."""
        with self._growing:
            while len(self._threads) < min(self._at_once, self._queue.at_once) and not self._ending.is_set():
                search = self._studies.open(self.search.id) if self._threads else self.search
                thread = threading.Thread(target=self._work, args=(search,), name="search", daemon=True)
                self._threads.append(thread)
                thread.start()

    @property
    def working(self) -> bool:
        """Whether it still works."""
        return any(thread.is_alive() for thread in self._threads)

    def leave(self, seconds: float = SECONDS_TO_PAUSE) -> None:
        """Pause its trials for other or later workers, and wait up to `seconds` until it has ended."""
        self._ending.set()
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _work(self, search: Search) -> None:
        try:
            self._do_trials(search)
        except Exception as error:  # mostly of the database; other workers take the trials over
            self._ending.set()
            if self._was_deleted():
                return
            id_ = "" if isinstance(error, InputError) else log_error(_log, "search_broke_off", error)
            words = N_("The search broke off: {cause} (error {error} in the log). Continue it.")
            values = {"cause": type(error).__name__, "error": id_}
            self.problem = error.message if isinstance(error, InputError) else Message(words, values)

    def _was_deleted(self) -> bool:
        with suppress(InputError):
            return self._studies.find(self.search.id) is None
        return False

    def _do_trials(self, search: Search) -> None:
        study = search.study()
        while not self._ends(search):
            search.take_over_lost()
            plan, trials = search.plan, counted(study)
            if not is_here(plan.base.dataset):  # or every trial would fail
                raise no_own_set(plan.base.dataset)
            if plan.sampler == "grid" and not _waits(trials):
                search.queue_more()
                trials = counted(study)
            if _may_begin(plan, trials):
                work = _TrialWork(self, search, plan)
                study.optimize(work.train, n_trials=1, catch=(_Dropped,))
            elif any(trial.state.name == "RUNNING" for trial in trials):  # its worker may die
                self._ending.wait(SECONDS_BETWEEN_QUESTIONS)
            else:
                if plan.sampler == "grid" and len(trials) < plan.trials and not _no_time_left(plan, trials):
                    search.note_problem(WHOLE_GRID)
                return

    def _ends(self, search: Search) -> bool:
        return self._ending.is_set() or search.stopped

    def note_repeated(self, search: Search, repeated: bool) -> None:
        """Count trials that were tried before, and stop the search when it suggests no others."""
        self._repeated = self._repeated + 1 if repeated else 0
        if self._repeated >= MOST_REPEATED:
            search.stop(NOTHING_NEW)


def _may_begin(plan: SearchPlan, trials: list[FrozenTrial]) -> bool:
    """Return whether one more trial may begin: one waits, or the budget isn't spent."""
    if _no_time_left(plan, trials):
        return False
    return _waits(trials) or (plan.sampler != "grid" and len(trials) < plan.trials)


def _no_time_left(plan: SearchPlan, trials: list[FrozenTrial]) -> bool:
    return plan.minutes is not None and minutes_trained(trials) >= plan.minutes


def _waits(trials: list[FrozenTrial]) -> bool:
    return any(trial.state.name == "WAITING" for trial in trials)


class _TrialWork:
    """The work on one trial."""

    def __init__(self, worker: SearchWorker, search: Search, plan: SearchPlan) -> None:
        self._worker, self._search, self._plan = worker, search, plan
        self._queue, self._store, self._limits = worker._queue, worker._store, worker._limits
        self._here = worker._here
        self._run = ""  # its id, once there is one
        self._reported: set[int] = set()  # epochs
        self._asked = 0.0  # when the study was last asked whether it was stopped

    def train(self, trial: Trial) -> float | tuple[float, float]:
        """Train a trial and return its values; raise optuna.TrialPruned if it was stopped early or failed."""
        config = self._config(trial)
        trial.set_user_attr("config", config.to_json())
        self._accept(trial, what_matters(config))
        try:
            self._run = self._begin(trial, config)
            run = self._watch(trial, self._run)
            return self._result(trial, run)
        except (_Dropped, import_optuna().TrialPruned):
            raise
        except Exception:  # the search was deleted, or the database fails: nobody watches the run any more
            self._queue.pause(self._run)
            raise

    def _config(self, trial: Trial) -> TrainConfig:
        """Have the sampler choose the trial's settings."""
        plan = self._plan
        if trial.user_attrs.get("start"):
            if plan.space.values_of(plan.base):
                plan.space.suggest(trial)
            return plan.base
        values = plan.space.suggest(trial)
        try:
            return plan.space.config(plan.base, values)
        except InputError as error:
            self._fail(trial, error.message)

    def _accept(self, trial: Trial, settings: TrainConfig) -> None:
        """Drop a trial that was tried before, or is one too many because two processes asked at once.

        Of two trials with equal settings exactly one goes on: both have written theirs before they look, so
        the later one sees the earlier, or the earlier one sees the later and waits until that is decided.
        """
        if trial.user_attrs.get("planned"):
            return
        others = self._others(trial)
        before = [one for one in others if one.number < trial.number or one.user_attrs.get("planned")]
        if len(before) >= self._plan.trials:
            raise _Dropped
        repeated = self._is_repeated(trial, settings, others)
        self._worker.note_repeated(self._search, repeated)
        if repeated:
            raise _Dropped
        trial.set_user_attr("planned", True)

    def _others(self, trial: Trial) -> list[FrozenTrial]:
        return [one for one in counted(self._search.study()) if one.number != trial.number]

    def _is_repeated(self, trial: Trial, settings: TrainConfig, others: list[FrozenTrial]) -> bool:
        """Return whether an earlier trial, or a later one that was accepted, has these settings."""
        while True:
            equal = [other for other in others if settings_of(other) == settings]
            if any(other.number < trial.number or other.user_attrs.get("planned") for other in equal):
                return True
            if not any(other.state.name == "RUNNING" for other in equal):
                return False
            if self._worker._ending.wait(SHORTEST_LOOK) or self._search.stopped:
                raise _Dropped  # a later one is not decided yet
            self._search.take_over_lost()  # the later one's worker may have died
            others = self._others(trial)

    def _begin(self, trial: Trial, config: TrainConfig) -> str:
        """Queue the trial's run, or continue it if it was paused; return the run's id."""
        if run := self._find(trial.user_attrs.get("run", "")):
            if run.status in (*UNFINISHED, "finished") or not run.can_continue:
                return run.id
            return self._when_there_is_room(trial, lambda: self._resume(run))
        try:
            self._limits.check_training(config)
            check_memory(config)
        except InputError as error:
            self._fail(trial, error.message)
        self._run = self._when_there_is_room(trial, lambda: self._submit(config))
        trial.set_user_attr("run", self._run)
        return self._run

    def _submit(self, config: TrainConfig) -> str:
        return self._queue.submit(
            config,
            limits=self._limits,
            here=self._here,
            owner=self._search.owner,
            group=self._search.id,
        )

    def _resume(self, run: Run) -> str:
        self._queue.resume(run.id, limits=self._limits, here=self._here)
        return run.id

    def _when_there_is_room(self, trial: Trial, enter: Callable[[], str]) -> str:
        """Enter the queue once it has room; a refusal for another reason stops the search and is reported."""
        owner = self._search.owner
        while True:
            if self._queue.room(owner, self._limits):
                try:
                    return enter()
                except InputError as error:
                    if self._queue.room(owner, self._limits):
                        self._search.stop(error.message)
            if self._must_leave(LONGEST_LOOK):
                self._set_aside(trial, "")

    def _watch(self, trial: Trial, run_id: str) -> Run:
        """Report the run's curve until it has ended; stop it when the pruner says so."""
        begun, pruned = time.monotonic(), False
        while True:
            trains = self._queue.snapshot(run_id) is not None
            run = None if trains else self._find(run_id)
            if not trains and run is None:
                self._fail(trial, Message(N_("Its run was deleted.")))
            if run and run.status not in (*UNFINISHED, "paused"):
                self._report(trial, validation_curve(run))
                if pruned:
                    self._prune(trial, run)
                return run
            if trains and not pruned:
                self._report(trial, curve_of(self._queue.rows(run_id)))
                if pruned := self._should_prune(trial):
                    self._queue.stop(run_id)
            wait = (time.monotonic() - begun) / SHARE_OF_LOOKS
            if self._must_leave(min(LONGEST_LOOK, max(SHORTEST_LOOK, wait))) and not pruned:
                self._set_aside(trial, run_id)

    def _should_prune(self, trial: Trial) -> bool:
        return self._plan.pruner != "none" and trial.should_prune()

    def _report(self, trial: Trial, curve: Mapping[int, float]) -> None:
        """Report new epochs to the study; one by one only if a pruner uses them."""
        if self._plan.pruner != "none":
            for epoch in sorted(curve.keys() - self._reported):
                trial.report(curve[epoch], epoch)
            self._reported.update(curve)
        elif len(curve) != len(trial.user_attrs.get("curve", {})):
            trial.set_user_attr("curve", {str(epoch): accuracy for epoch, accuracy in curve.items()})

    def _result(self, trial: Trial, run: Run) -> float | tuple[float, float]:
        """Return the values of a trial whose run has ended."""
        self._note(trial, run)
        curve = validation_curve(run)
        if run.status == "interrupted":  # the process ends, or the disk is full
            if run.message:
                self._search.stop(run.message)
            self._worker._ending.set()
            self._set_aside(trial, run.id)
        if run.status == "finished" and curve:
            accuracy = curve[max(curve)]
            return accuracy if self._plan.aim == "accuracy" else (accuracy, float(run.results["parameters"]))
        self._fail(trial, run.message or STOPPED_BY_HAND)

    def _prune(self, trial: Trial, run: Run) -> NoReturn:
        self._note(trial, run)
        raise import_optuna().TrialPruned

    def _note(self, trial: Trial, run: Run) -> None:
        trial.set_user_attr("seconds", run.results.get("train_seconds", 0.0))
        trial.set_user_attr("parameters", run.results.get("parameters"))

    def _fail(self, trial: Trial, reason: Message) -> NoReturn:
        """End a trial without a result. With one aim it counts as pruned, so that TPE learns to avoid it."""
        trial.set_user_attr("reason", message_json(reason))
        trial.set_user_attr("ended", "failed")
        if self._plan.aim == "accuracy":
            raise import_optuna().TrialPruned
        raise _Dropped

    def _must_leave(self, seconds: float) -> bool:
        """Wait up to `seconds`; return whether the worker ends or the search was stopped."""
        if self._worker._ending.wait(seconds):
            return True
        if time.monotonic() - self._asked < SECONDS_BETWEEN_QUESTIONS:
            return False
        self._asked = time.monotonic()
        self._worker.start()
        return self._search.stopped

    def _set_aside(self, trial: Trial, run_id: str) -> NoReturn:
        """Pause the trial's run and queue the trial again for a later worker."""
        if run_id:
            self._queue.pause(run_id)
            deadline = time.monotonic() + SECONDS_TO_PAUSE
            while self._queue.snapshot(run_id) is not None and time.monotonic() < deadline:
                time.sleep(SHORTEST_LOOK)
        attrs: dict[str, Any] = {"planned": True, "run": run_id}
        attrs |= {name: trial.user_attrs[name] for name in ("start", "config") if name in trial.user_attrs}
        self._search.study().enqueue_trial(trial.params, user_attrs=attrs)
        raise _Dropped

    def _find(self, run_id: str) -> Run | None:
        with suppress(InputError):
            return self._store.get(run_id) if run_id else None
        return None


def curve_of(rows: list[dict[str, float]]) -> dict[int, float]:
    """Return the validation accuracy, 0 to 1, after each epoch, from rows of METRICS."""
    return {int(row["epoch"]): row["monitor_accuracy"] for row in rows if "monitor_accuracy" in row}


def validation_curve(run: Run) -> dict[int, float]:
    """Return the validation accuracy, 0 to 1, after each epoch of a run, from its files."""
    rows = run.metrics().dropna(subset=["monitor_accuracy"])
    return {
        int(epoch): float(accuracy)
        for epoch, accuracy in zip(rows["epoch"], rows["monitor_accuracy"], strict=True)
    }
