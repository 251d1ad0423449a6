"""Studies: searches kept by Optuna, each with its plan and its trials."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnist_core.config import TrainConfig
from mnist_core.messages import N_, InputError, Message
from mnist_core.search.plan import SearchPlan, plan_from_json
from mnist_core.search.space import Value, what_matters
from mnist_core.search.storage import (
    STUDIES_FILE,
    STUDIES_VARIABLE,
    alone,
    database_errors,
    import_optuna,
    open_storage,
)

if TYPE_CHECKING:
    from optuna import Study
    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler
    from optuna.storages import RDBStorage
    from optuna.trial import FrozenTrial

STARTUP_TRIALS = 10  # random trials before TPE begins; at most a quarter of all
GRID_AT_ONCE = 20  # combinations that are queued together: each takes 5 to 30 ms


@dataclass(frozen=True)
class SearchTrial:
    """A trial as the study knows it.

    `state` is "waiting", "running", "finished", "pruned" or "failed". `config` has its settings, None before
    they are chosen. `run` is its run's id, "" before there is one. `curve` maps epochs done to validation
    accuracy, 0 to 1; `accuracy` is the last of it, None before the first epoch. `is_start` is whether it has
    the settings that the search began from. `reason` tells why it failed.
    """

    number: int
    state: str
    values: Mapping[str, Value]
    config: TrainConfig | None
    run: str
    curve: Mapping[int, float]
    parameters: int | None
    seconds: float
    is_start: bool
    reason: Message | None

    @property
    def accuracy(self) -> float | None:
        """Validation accuracy after its last epoch so far, 0 to 1."""
        return self.curve[max(self.curve)] if self.curve else None


class Search:
    """A study with its plan: its trials, whether it goes on, and the best trials.

    Any number of processes may have the same search open; its state is in the study only. All but `id` raise
    InputError once it was deleted.
    """

    def __init__(self, study: Study, storage: RDBStorage) -> None:
        self._study, self._storage = study, storage
        self.id: str = study.study_name
        """The name of the study: random unless somebody chose it."""
        self._no_more = False  # combinations of a grid

    @property
    def _attrs(self) -> Mapping[str, Any]:
        with unless_deleted():
            attrs: Mapping[str, Any] = self._study.user_attrs
        return attrs

    def _note(self, name: str, value: object) -> None:
        with unless_deleted():
            self._study.set_user_attr(name, value)

    @property
    def plan(self) -> SearchPlan:
        """The present plan."""
        return plan_from_json(json.loads(self._attrs["plan"]))

    @property
    def owner(self) -> str:
        """The visitor who began it, "" for nobody."""
        return str(self._attrs.get("owner", ""))

    @property
    def created(self) -> str:
        """When it was created: a UTC time in ISO form."""
        return str(self._attrs["created"])

    @property
    def stopped(self) -> bool:
        """Whether it was stopped: then no worker begins a trial."""
        return bool(self._attrs.get("stopped"))

    @property
    def problem(self) -> Message | None:
        """Why it ended before its budget was spent; None if it did not."""
        problem = self._attrs.get("problem")
        return Message(**problem) if problem else None

    @property
    def test_shown(self) -> int | None:
        """The number of the first trial whose test accuracy was shown; None if none was."""
        shown: int | None = self._attrs.get("test_shown")
        return shown

    @property
    def server(self) -> str:
        """The server that works on it, or did when it ended; "" for a command or nobody."""
        return str(self._attrs.get("server", ""))

    def note_server(self, server: str) -> None:
        """Record which server works on it, "" for none."""
        self._note("server", server)

    @property
    def has_more_to_do(self) -> bool:
        """Whether a trial waits or trains, or the budget has room for more."""
        trials = self.trials()
        under_way = any(trial.state in ("waiting", "running") for trial in trials)
        return under_way or len(trials) < self.plan.trials

    def note_test_shown(self, number: int) -> None:
        """Record that a trial's test accuracy was shown."""
        if self.test_shown is None:
            self._note("test_shown", number)

    def stop(self, problem: Message | None = None) -> None:
        """Have all workers, in any process, pause their trials; `resume` continues them."""
        if problem:
            self.note_problem(problem)
        self._note("stopped", True)

    def note_problem(self, problem: Message) -> None:
        """Record why it ends before its budget is spent."""
        self._note("problem", message_json(problem))

    def resume(self, trials: int = 0, minutes: float | None = None) -> None:
        """Let workers continue, with `trials` more; and with `minutes` more than trained, if those are spent.

        Raises InputError for too many.
        """
        with (
            unless_deleted(),
            alone(self._storage, self.id),
        ):  # or of two that ask at once one would get nothing
            plan = self.plan
            plan = replace(plan, trials=plan.trials + trials)
            trained = minutes_trained(counted(self._study))
            if minutes and plan.minutes is not None and trained >= plan.minutes:
                plan = replace(plan, minutes=trained + minutes)
            self._note("plan", json.dumps(plan.to_json()))
            self._note("problem", None)
            self._note("stopped", False)

    def take_over_lost(self) -> None:
        """Queue again the trials whose workers show no sign of life."""
        with alone(self._storage, self.id):  # or a grid would queue them, too
            import_optuna().storages.fail_stale_trials(self._study)

    def queue_more(self) -> None:
        """Queue the next combinations of a grid, within the budget, unless some wait."""
        if self._no_more:
            return
        with alone(self._storage, self.id):  # or two processes would queue the same
            if not any(trial.state.name == "WAITING" for trial in counted(self._study)):
                self._queue_grid(self.plan)

    def trials(self) -> list[SearchTrial]:
        """Return the trials, oldest first, without those that another trial continues."""
        return [_search_trial(trial) for trial in counted(self._study)]

    def study(self) -> Study:
        """Return Optuna's own study, for its figures."""
        return self._study

    def best(self, trials: Sequence[SearchTrial] | None = None) -> list[SearchTrial]:
        """Return the best finished trial, or the Pareto front with two aims, the most accurate first."""
        finished = [one for one in (trials or self.trials()) if one.state == "finished" and one.accuracy]
        ranked = sorted(finished, key=lambda one: (-(one.accuracy or 0), one.parameters or 0, one.number))
        if self.plan.aim == "accuracy":
            return ranked[:1]
        front: list[SearchTrial] = []
        for trial in ranked:  # each is at most as accurate as those before
            if not front or (trial.parameters or 0) < (front[-1].parameters or 0):
                front.append(trial)
        return front

    def _begin(self, plan: SearchPlan) -> None:
        """Queue the settings that the search begins from, and a grid's combinations."""
        start = plan.space.values_of(plan.base) or {}
        attrs = {"planned": True, "start": True, "config": plan.base.to_json()}
        self._study.enqueue_trial(start, user_attrs=attrs)
        if plan.sampler == "grid":
            self._queue_grid(plan)

    def _queue_grid(self, plan: SearchPlan) -> None:
        """Queue the next combinations that no trial has yet, within the budget, in the order of the seed."""
        trials = counted(self._study)
        known = {_key(trial.params or trial.system_attrs.get("fixed_params", {})) for trial in trials}
        known_settings = {settings_of(trial) for trial in trials}
        room = min(plan.trials - len(trials), GRID_AT_ONCE)
        for values in plan.space.grid(plan.seed):
            if room <= 0:
                return
            if _key(values) in known:
                continue
            config = _config_of(plan, values)
            settings = config and what_matters(config)
            if settings and settings in known_settings:
                continue
            known_settings.add(settings)
            attrs = {"planned": True} | ({"config": config.to_json()} if config else {})
            self._study.enqueue_trial(values, user_attrs=attrs)
            room -= 1
        self._no_more = True


@contextmanager
def unless_deleted() -> Iterator[None]:
    """Raise InputError for a study that somebody deleted meanwhile, or a database that fails."""
    try:
        with database_errors():
            yield
    except KeyError:
        raise InputError(N_("This search was deleted.")) from None


def _key(values: Mapping[str, Value]) -> frozenset[tuple[str, Value]]:
    return frozenset(values.items())


def settings_of(trial: FrozenTrial) -> TrainConfig | None:
    """Return the settings of a trial that matter, to compare trials by; None before they are chosen."""
    config = trial.user_attrs.get("config")
    return what_matters(TrainConfig.from_json(config)) if config else None


def _config_of(plan: SearchPlan, values: Mapping[str, Value]) -> TrainConfig | None:
    """Return a combination's settings; None where they don't go together: its trial will tell why."""
    with suppress(InputError):
        return plan.space.config(plan.base, values)
    return None


def message_json(message: Message) -> dict[str, Any]:
    """Return a message as JSON values, for `Message(**values)`."""
    values = {
        name: value if isinstance(value, int | float) else str(value)
        for name, value in message.values.items()
    }
    return {"template": message.template, "values": values}


def counted(study: Study) -> list[FrozenTrial]:
    """Return the trials that count: without those that others continue, and those dropped at once.

    Raises InputError if the database can't be read, or the study was deleted.
    """
    with unless_deleted():
        trials = study.get_trials(deepcopy=False)
    return [one for one in trials if one.state.name != "FAIL" or one.user_attrs.get("ended") == "failed"]


def minutes_trained(trials: Sequence[FrozenTrial]) -> float:
    """Return how many minutes the runs of the trials that have ended trained in all."""
    seconds: float = sum(trial.user_attrs.get("seconds", 0.0) for trial in trials)
    return seconds / 60


def _search_trial(trial: FrozenTrial) -> SearchTrial:
    attrs = trial.user_attrs
    state = "finished" if trial.state.name == "COMPLETE" else trial.state.name.lower()
    state = "failed" if attrs.get("ended") == "failed" else state
    reason = Message(**attrs["reason"]) if "reason" in attrs else None
    config = TrainConfig.from_json(attrs["config"]) if "config" in attrs else None
    return SearchTrial(
        number=trial.number,
        state=state,
        values=trial.params,
        config=config,
        run=attrs.get("run", ""),
        curve=trial.intermediate_values or {int(epoch): v for epoch, v in attrs.get("curve", {}).items()},
        parameters=attrs.get("parameters"),
        seconds=attrs.get("seconds", 0.0),
        is_start=bool(attrs.get("start")),
        reason=reason,
    )


class Studies:
    """The searches beside the runs in `directory`, or those in the database that DIGITLAB_STUDIES names."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def exist(self) -> bool:
        """Whether there may be searches; for those in a file Optuna isn't needed to know."""
        return bool(os.environ.get(STUDIES_VARIABLE)) or (self._directory / STUDIES_FILE).exists()

    def create(self, plan: SearchPlan, owner: str = "", study_id: str = "") -> Search:
        """Create a search; its id is drawn unless given.

        Raises InputError where there is one of that id, or no database.
        """
        with database_errors():
            storage = open_storage(self._directory)
        name = study_id or secrets.token_hex(8)
        with alone(storage, name):
            study = self._new_study(plan, name, storage)
            study.set_user_attr("owner", owner)
            study.set_user_attr("created", datetime.now(UTC).isoformat(timespec="seconds"))
            search = Search(study, storage)
            search._begin(plan)
            study.set_user_attr("plan", json.dumps(plan.to_json()))  # the last: others find it by that
        return search

    def _new_study(self, plan: SearchPlan, name: str, storage: RDBStorage) -> Study:
        """Create an empty study; one of this name without a plan is what a process left that died there."""
        optuna = import_optuna()
        with suppress(KeyError):
            if "plan" in optuna.load_study(study_name=name, storage=storage).user_attrs:
                raise InputError(
                    N_("There is a search {name!r} already; choose another name."), name=name
                ) from None
            optuna.delete_study(study_name=name, storage=storage)
        study: Study = optuna.create_study(
            storage=storage,
            study_name=name,
            directions=plan.directions,
            sampler=_sampler(plan, plan.seed),
            pruner=_pruner(plan),
        )
        return study

    def open(self, study_id: str) -> Search:
        """Return the search with this id; InputError if there is none."""
        if found := self.find(study_id):
            return found
        raise InputError(N_("There is no search {name!r}; begin one."), name=study_id)

    def find(self, study_id: str) -> Search | None:
        """Return the search with this id, None if there is none; InputError if the database can't be read."""
        if not self.exist() or not study_id:
            return None
        with database_errors():
            storage = open_storage(self._directory)
            try:
                study = import_optuna().load_study(study_name=study_id, storage=storage)
                plan = plan_from_json(json.loads(study.user_attrs["plan"]))
            except KeyError:
                return None
        study.sampler, study.pruner = _sampler(plan, None), _pruner(plan)
        return Search(study, storage)

    def list(self) -> list[Search]:
        """Return all searches, the newest first."""
        if not self.exist():
            return []
        with database_errors():
            optuna = import_optuna()
            storage = open_storage(self._directory)
            found = optuna.get_all_study_summaries(storage, include_best_trial=False)
            ours = [summary for summary in found if "plan" in summary.user_attrs]
            newest = sorted(ours, key=lambda summary: -summary._study_id)
        return [search for summary in newest if (search := self.find(summary.study_name))]

    def delete(self, study_id: str) -> None:
        """Delete a search but not its runs; InputError if there is none."""
        with database_errors():
            import_optuna().delete_study(
                study_name=self.open(study_id).id, storage=open_storage(self._directory)
            )


def _sampler(plan: SearchPlan, seed: int | None) -> BaseSampler:
    """Return a sampler; only the study's creator uses a seed, else all processes would draw the same."""
    samplers = import_optuna().samplers
    sampler: BaseSampler = (
        samplers.TPESampler(
            n_startup_trials=max(1, min(STARTUP_TRIALS, plan.trials // 4)),
            multivariate=True,
            group=True,  # or it would not be where the settings that it began from are out of the ranges
            seed=seed,
        )
        if plan.sampler == "tpe"
        else samplers.RandomSampler(seed=seed)
    )
    return sampler


def _pruner(plan: SearchPlan) -> BasePruner:
    pruners = import_optuna().pruners
    pruner: BasePruner = {
        "none": pruners.NopPruner,
        "median": pruners.MedianPruner,
        "hyperband": lambda: pruners.HyperbandPruner(min_resource=1, max_resource=plan.base.epochs),
    }[plan.pruner]()
    return pruner
