"""Several workers or processes on one search: nothing is tried twice or lost, also when one dies."""

import json
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import replace

import optuna
import pytest
from optuna.trial import TrialState

from mnist_core.messages import InputError
from mnist_core.runs.admission import UNLIMITED
from mnist_core.search import worker as worker_module
from mnist_core.search.plan import SearchPlan
from mnist_core.search.server_searches import ServerSearches
from mnist_core.search.space import what_matters
from mnist_core.search.storage import STUDIES_FILE, database_url
from mnist_core.search.study import Search
from mnist_core.search.worker import SearchWorker, _Dropped, _TrialWork
from tests.core.runs.training_queue.lab import wait_for
from tests.core.search.searching import BASE, SECONDS, Place, plan, states


def test_two_workers_try_nothing_twice_and_no_more_than_was_planned(place):
    search = place.studies.create(plan(trials=4, sampler="random"))
    workers = [place.begin(search), place.begin(place.studies.open(search.id), at_once=2)]
    wait_for(lambda: not any(worker.working for worker in workers), SECONDS)
    assert states(search) == ["finished"] * 4
    assert len({trial.run for trial in search.trials()}) == len(place.store.list()) == 4


def rivals(place: Place) -> list[tuple[Callable[[], None], optuna.Trial]]:
    """Two workers' trials with the same settings: the acceptance of each, and the trial."""
    search = place.studies.create(plan(trials=9))
    search.study().ask()  # the start
    found = []
    for _ in range(2):
        search.study().enqueue_trial({"learning_rate": 0.2})
        trial = search.study().ask()
        work = _TrialWork(SearchWorker(place.studies, search, place.queue, place.store), search, search.plan)

        def accept(work=work, trial=trial) -> None:
            config = work._config(trial)
            trial.set_user_attr("config", config.to_json())
            work._accept(trial, what_matters(config))

        found.append((accept, trial))
    return found


def test_of_two_equal_trials_the_one_that_was_accepted_goes_on(place):
    for first, second in ((0, 1), (1, 0)):
        both = rivals(place)
        both[first][0]()
        with pytest.raises(_Dropped):
            both[second][0]()
        assert [trial.user_attrs.get("planned", False) for _, trial in both] == [first == 0, first == 1]


@pytest.mark.parametrize("later_goes_on", [True, False])
def test_an_earlier_trial_waits_until_an_equal_later_one_is_decided(later_goes_on, place):
    (accept, earlier), (_, later) = rivals(place)
    later.set_user_attr("config", replace(BASE, learning_rate=0.2).to_json())
    with ThreadPoolExecutor() as pool:
        accepted = pool.submit(accept)
        wait_for(lambda: "config" in earlier.study.trials[earlier.number].user_attrs)
        if later_goes_on:
            later.set_user_attr("planned", True)
        else:
            later.study.tell(later, state=TrialState.FAIL)
        assert isinstance(accepted.exception(SECONDS), _Dropped) == later_goes_on
    assert earlier.user_attrs.get("planned", False) != later_goes_on


def test_a_trial_that_is_one_too_many_is_dropped_also_when_an_earlier_one_was_just_set_aside(place):
    search = place.studies.create(plan(trials=1))
    work = _TrialWork(SearchWorker(place.studies, search, place.queue, place.store), search, search.plan)
    start, one_more = search.study().ask(), search.study().ask()
    with pytest.raises(_Dropped):
        work._set_aside(start, "")
    search.study().tell(start, state=TrialState.FAIL)
    with pytest.raises(_Dropped):
        work._accept(one_more, what_matters(work._config(one_more)))


def test_a_process_that_joins_at_any_moment_queues_no_part_of_a_grid_again(place, monkeypatch):
    grid = plan("batch_size=20,50", "activation=relu,tanh", sampler="grid", trials=20)
    enqueue, joined = optuna.Study.enqueue_trial, []

    def join_then_enqueue(study, *args, **options) -> None:
        with suppress(InputError):
            joined.append(place.studies.open("ours"))
            joined[-1].resume()
        enqueue(study, *args, **options)

    monkeypatch.setattr(optuna.Study, "enqueue_trial", join_then_enqueue)
    search = place.studies.create(grid, study_id="ours")
    assert joined == []
    monkeypatch.undo()
    place.studies.open("ours").resume()
    assert len(search.trials()) == len({str(trial.config) for trial in search.trials()}) == 4


def lose(place: Place, search: Search, **attributes) -> None:
    """Have a worker ask for a trial and die long ago."""
    study = search.study()
    trial = study.ask()
    for name, value in attributes.items():
        trial.set_user_attr(name, value)
    trial.storage.record_heartbeat(trial._trial_id)
    with closing(sqlite3.connect(place.store.directory / STUDIES_FILE)) as file:
        file.execute("UPDATE trial_heartbeats SET heartbeat = '2020-01-01 00:00:00'")
        file.commit()


@pytest.mark.filterwarnings("ignore:Heartbeat")
def test_a_trial_whose_worker_died_is_taken_up_again(place):
    search = place.studies.create(plan(trials=2))
    lose(place, search)
    place.finish(search)
    assert states(search) == ["finished"] * 2
    assert [trial.is_start for trial in search.trials()].count(True) == 1


@pytest.mark.filterwarnings("ignore:Heartbeat")
@pytest.mark.parametrize("status", ["interrupted", "finished"])
def test_its_run_goes_on_or_is_taken_as_it_is(status, place, sample):
    search = place.studies.create(plan(trials=1))
    run_id = place.queue.submit(BASE, group=search.id)
    wait_for(lambda: place.queue.snapshot(run_id) is None)
    if status == "interrupted":
        run = place.store.get(run_id)
        state = json.loads((run.folder / "run.json").read_text())
        state["results"].pop("test_accuracy")
        (run.folder / "run.json").write_text(json.dumps(state | {"status": "running"}))
    lose(place, search, run=run_id)
    place.finish(search)
    (trial,) = search.trials()
    assert (trial.state, trial.run) == ("finished", run_id)
    assert [run.id for run in place.store.list()] == [run_id]


@pytest.mark.filterwarnings("ignore:Heartbeat")
def test_a_worker_waits_for_trials_of_others_that_may_die(place):
    search = place.studies.create(plan(trials=1))
    trial = search.study().ask()
    trial.storage.record_heartbeat(trial._trial_id)
    worker = place.begin(search)
    worker._threads[0].join(0.2)
    assert worker.working
    search.study().tell(trial, 0.5)
    wait_for(lambda: not worker.working, SECONDS)


def at_the_same_moment(monkeypatch, *calls: Callable[[], object]) -> None:
    """Have each call read the plan before any of them has changed it, unless one waits for another."""
    all_have_read, read = threading.Barrier(len(calls)), Search.plan.fget

    def plan_of(search: Search) -> SearchPlan:
        found = read(search)
        with suppress(threading.BrokenBarrierError):
            all_have_read.wait(0.2)
        return found

    monkeypatch.setattr(Search, "plan", property(plan_of))
    with ThreadPoolExecutor() as pool:
        for done in [pool.submit(call) for call in calls]:
            done.result(SECONDS)
    monkeypatch.undo()


def test_a_name_that_a_process_left_without_a_plan_when_it_died_is_taken_over(place):
    place.studies.create(plan())
    url = database_url(place.store.directory)
    left = optuna.create_study(storage=url, study_name="ours", directions=["maximize"] * 2)
    left.enqueue_trial({"learning_rate": 0.2})
    with pytest.raises(InputError, match="There is no search"):
        place.studies.open("ours")
    search = place.studies.create(plan(trials=1), study_id="ours")
    assert states(place.finish(search)) == ["finished"]


def test_two_that_ask_for_more_trials_at_one_moment_get_them_all_and_none_twice(place, monkeypatch):
    grid = plan("batch_size=10,20,50", "activation=relu,tanh", sampler="grid", trials=1)
    search = place.studies.create(grid)
    both = [place.studies.open(search.id) for _ in range(2)]
    at_the_same_moment(monkeypatch, *(lambda one=one: one.resume(trials=2) for one in both))
    assert search.plan.trials == 1 + 2 + 2
    search.study().ask()  # the start, so none waits
    at_the_same_moment(monkeypatch, *(one.queue_more for one in both))
    assert len(search.trials()) == len({str(trial.config) for trial in search.trials()}) == 5


@pytest.mark.parametrize("by_server", [True, False])
def test_a_search_that_is_deleted_pauses_what_it_trains_and_is_no_error(by_server, place, monkeypatch):
    monkeypatch.setattr(worker_module, "SECONDS_BETWEEN_QUESTIONS", 0.02)
    errors = []
    monkeypatch.setattr(worker_module, "log_error", lambda *error: errors.append(error))
    search = place.studies.create(plan(trials=2, base=replace(BASE, epochs=1000)))
    server = ServerSearches(place.store, lambda: place.queue)
    server.go_on(search, UNLIMITED)
    worker = server._workers[search.id]
    place.workers.append(worker)
    wait_for(lambda: [bool(trial.curve) for trial in search.trials()] == [True, True], SECONDS)
    if by_server:
        server.delete(search)
    else:
        place.studies.delete(search.id)
    wait_for(lambda: not worker.working, SECONDS)
    wait_for(lambda: [run.status for run in place.store.list()] == ["paused"] * 2, SECONDS)
    assert (errors, worker.problem) == ([], None)
    for read in (search.trials, search.stop, search.resume, lambda: search.plan):
        with pytest.raises(InputError, match="was deleted"):
            read()
