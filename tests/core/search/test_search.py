"""Searches: trials are runs, counted once, paused, continued, pruned, and rated on validation images."""

import threading
from dataclasses import replace

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState

from mnist_core.data.own_sets import NewSet, delete_set, save_set
from mnist_core.messages import InputError
from mnist_core.runs.admission import UNLIMITED, TrainingLimits
from mnist_core.runs.queue import TrainingQueue
from mnist_core.search import study as study_module
from mnist_core.search import worker as worker_module
from mnist_core.search.server_searches import ServerSearches
from mnist_core.search.storage import STUDIES_VARIABLE
from mnist_core.search.study import Search, _pruner
from mnist_core.search.worker import SearchWorker, _TrialWork, validation_curve
from tests.core.runs.training_queue.lab import wait_for
from tests.core.search.searching import BASE, SECONDS, Place, plan, states


def test_each_trial_is_a_run_of_the_search_judged_by_its_validation_accuracy(place):
    search = place.search(plan("learning_rate", "batch_size=10,50"), at_once=2)
    trials = search.trials()
    assert states(search) == ["finished"] * 3
    runs = [place.store.get(trial.run) for trial in trials]
    assert {run.id for run in runs} == {run.id for run in place.store.list()}
    assert {(run.metadata.group, run.metadata.owner) for run in runs} == {(search.id, "somebody")}
    for trial, run in zip(trials, runs, strict=True):
        assert trial.config == run.config
        assert trial.curve == validation_curve(run)
        assert trial.accuracy == run.metrics()["monitor_accuracy"].dropna().iloc[-1]
        assert trial.parameters == run.results["parameters"]
    (best,) = search.best()
    assert best.accuracy == max(trial.accuracy for trial in trials)


def test_the_first_trial_has_the_settings_that_the_search_began_from(place):
    for texts in (["learning_rate"], ["learning_rate=0.5:1"]):
        first, *others = place.search(plan(*texts, trials=2)).trials()
        assert first.is_start
        assert first.config == BASE
        assert not any(trial.is_start for trial in others)


def test_a_search_draws_the_same_trials_from_the_same_seed(place):
    one, same, other = (place.search(plan(sampler="random", seed=seed, trials=2)) for seed in (1, 1, 2))
    values = [[dict(trial.values) for trial in search.trials()] for search in (one, same, other)]
    assert values[0] == values[1] != values[2]


def test_a_grid_tries_each_combination_once(place, monkeypatch):
    monkeypatch.setattr(study_module, "GRID_AT_ONCE", 2)
    grid = plan("batch_size=20,50", "activation=relu,tanh", sampler="grid", trials=20)
    search = place.search(grid, at_once=2)
    values = [tuple(trial.values.values()) for trial in search.trials()]
    assert sorted(values) == [(20, "relu"), (20, "tanh"), (50, "relu"), (50, "tanh")]
    assert "Every combination of the grid was tried" in str(search.problem)


def test_trials_that_differ_by_less_than_is_trained_are_one(place):
    search = place.studies.create(plan(trials=2))
    for rate in (0.1000001, 0.2, 0.2000001):
        search.study().enqueue_trial({"learning_rate": rate})
    place.finish(search)
    assert [trial.config.learning_rate for trial in search.trials()] == [0.1, 0.2]


def test_a_grid_queues_no_combination_twice_nor_the_start(place):
    base = replace(BASE, architecture="cnn", widths=(), channels=(1, 2))
    texts = ["layers=0:1", "units=16,32", "channel_factor=0.5,1"]  # half of 1 channel is 1 channel
    search = place.studies.create(plan(*texts, base=base, sampler="grid", trials=20))
    configs = [trial.config for trial in search.trials()]
    assert configs[0] == base
    assert len(configs) == len({(config.widths, config.channels) for config in configs}) == 6


def test_more_trials_train_at_once_when_workers_come(place, monkeypatch):
    monkeypatch.setattr(worker_module, "SECONDS_BETWEEN_QUESTIONS", 0.02)
    workers = [1]
    monkeypatch.setattr(TrainingQueue, "at_once", property(lambda _queue: workers[0]))
    worker = place.begin(place.studies.create(plan(base=replace(BASE, epochs=1000), trials=3)), at_once=64)
    wait_for(lambda: place.queue.line["training"] == 1, SECONDS)
    workers[0] = 2
    wait_for(lambda: place.queue.line["training"] == 2, SECONDS)
    assert len(worker._threads) == 2


def test_a_search_that_finds_nothing_new_ends_and_says_so(place, monkeypatch):
    monkeypatch.setattr(worker_module, "MOST_REPEATED", 8)
    search = place.search(plan("batch_size=20,50", trials=9, sampler="random"))
    assert len(search.trials()) == len({str(trial.config) for trial in search.trials()}) == 2
    assert search.stopped
    assert "tried before" in str(search.problem)
    assert len(search.study().trials) <= 9 + 8


def test_a_stopped_search_sets_its_trial_aside_and_goes_on_with_the_same_run(place, monkeypatch):
    monkeypatch.setattr(worker_module, "SECONDS_BETWEEN_QUESTIONS", 0.02)
    search = place.studies.create(plan(trials=1, base=replace(BASE, epochs=150)))
    worker = place.begin(search)
    wait_for(lambda: search.trials()[0].curve)
    search.stop()
    wait_for(lambda: not worker.working, SECONDS)
    (trial,) = search.trials()
    run = place.store.get(trial.run)
    assert (trial.state, run.status) == ("waiting", "paused")
    before = validation_curve(run)
    search.resume()
    place.finish(place.studies.open(search.id))
    (trial,) = search.trials()
    assert (trial.state, trial.run, len(trial.curve)) == ("finished", run.id, 150)
    assert trial.curve.items() >= before.items()
    assert len(place.store.list()) == 1


def test_a_search_goes_on_with_more_trials(place):
    search = place.search(plan(trials=1))
    search.resume(trials=2)
    place.finish(search)
    assert states(search) == ["finished"] * 3


def test_minutes_that_are_spent_are_given_again_and_others_are_not(place):
    search = place.search(plan(trials=2, minutes=1e-6))
    search.resume()
    assert states(place.finish(search)) == ["finished"]
    search.resume(minutes=5)
    assert 5 < search.plan.minutes < 10
    assert states(place.finish(search)) == ["finished"] * 2
    before = search.plan.minutes
    search.resume(minutes=5)  # as each process does that joins
    assert search.plan.minutes == before


def test_a_grid_goes_on_with_more_of_its_combinations(place):
    search = place.studies.create(plan("batch_size=20,50", "activation", sampler="grid", trials=2))
    search.resume(trials=3)
    assert states(place.finish(search)) == ["finished"] * 5
    assert len({str(trial.config) for trial in search.trials()}) == 5


def test_the_pruner_stops_a_trial_by_its_curve(place, monkeypatch):
    monkeypatch.setattr(optuna.pruners.MedianPruner, "prune", lambda self, study, trial: trial.number == 1)
    search = place.search(plan(trials=2, pruner="median", base=replace(BASE, epochs=100)))
    kept, pruned = search.trials()
    assert (kept.state, pruned.state) == ("finished", "pruned")
    assert len(kept.curve) == 100 > len(pruned.curve)
    assert place.store.get(pruned.run).status == "stopped"
    assert search.best() == [kept]


def epochs_trained(place: Place, search: Search, best: float) -> int:
    """Tell the study the curve of one more trial, rising to `best`, until its pruner stops it."""
    trial, curve = search.study().ask(), {}
    work = _TrialWork(SearchWorker(place.studies, search, place.queue, place.store), search, search.plan)
    for epoch in range(1, search.plan.base.epochs + 1):
        curve[epoch] = best * epoch / search.plan.base.epochs
        work._report(trial, curve)
        if work._should_prune(trial):
            search.study().tell(trial, state=TrialState.PRUNED)
            return epoch
    search.study().tell(trial, best)
    return search.plan.base.epochs


@pytest.mark.parametrize(("pruner", "looks"), [("median", {1}), ("hyperband", {1, 3})])
def test_each_pruner_stops_trials_with_bad_curves_and_keeps_the_good(pruner, looks, place):
    of = plan(pruner=pruner, sampler="random", base=replace(BASE, epochs=4))
    created = place.studies.create(of, study_id="ours")
    search = place.studies.open(created.id)  # Hyperband draws each trial's bracket by the study's name
    assert [epochs_trained(place, search, 0.9) for _ in range(5)] == [4] * 5
    assert {epochs_trained(place, search, 0.1) for _ in range(5)} == looks


@pytest.mark.parametrize(("epochs", "looks"), [(8, {1, 3}), (9, {1, 3, 9})])
def test_hyperband_compares_as_the_plans_epochs_tell_also_while_no_trial_has_finished(epochs, looks):
    of = plan(pruner="hyperband", base=replace(BASE, epochs=epochs))
    study = optuna.create_study(study_name="ours", direction="maximize", pruner=_pruner(of))

    def stopped_after(accuracy: float) -> int | None:
        trial = study.ask()
        for epoch in range(1, epochs + 1):
            trial.report(accuracy, epoch)
            if trial.should_prune():
                return epoch
        return None

    assert {stopped_after(0.9) for _ in range(20)} == {None}
    assert {stopped_after(0.1) for _ in range(20)} == looks


def test_two_aims_give_a_front_of_the_accurate_and_the_small(place):
    search = place.search(plan("units=2,4,8,16", sampler="grid", aim="size", trials=4))
    trials, front = search.trials(), search.best()
    assert states(search) == ["finished"] * 4
    for trial in trials:
        better = [
            one
            for one in trials
            if (one.accuracy, -one.parameters) != (trial.accuracy, -trial.parameters)
            and one.accuracy >= trial.accuracy
            and one.parameters <= trial.parameters
        ]
        assert (trial in front) == (not better)
    assert {one.number for one in search.study().best_trials} == {one.number for one in front}
    assert all(trial.curve for trial in trials)


def test_a_trial_that_can_not_be_trained_fails_and_says_why(place):
    limits = TrainingLimits(parameters=10_000)
    first, large = place.search(plan("units=8,16", sampler="grid", trials=2), limits=limits).trials()
    assert (first.state, large.state) == ("finished", "failed")
    assert "this server allows 10,000" in str(large.reason)
    assert large.run == ""


def test_a_trial_that_diverges_fails_and_is_not_the_best(place):
    diverging = replace(BASE, learning_rate=100.0, epochs=5, activation="none")
    search = place.search(plan("batch_size=1:2", trials=1, base=diverging))
    (trial,) = search.trials()
    assert trial.state == "failed"
    assert trial.reason is not None
    assert search.best() == []


def test_no_trial_begins_after_the_minutes_are_over(place):
    assert states(place.search(plan(trials=50, minutes=1e-6))) == ["finished"]


def test_a_visitors_limits_hold(place):
    search = place.search(plan(trials=5), limits=TrainingLimits(runs=2))
    assert states(search).count("finished") == 2
    assert search.stopped
    assert "keeps 2 of each visitor" in str(search.problem)


def test_a_search_waits_until_the_line_has_room(place):
    blocking = place.queue.submit(replace(BASE, epochs=1000), owner="somebody")
    search = place.studies.create(plan(trials=1), owner="somebody")
    worker = place.begin(search, TrainingLimits(runs_at_once=1))
    worker._threads[0].join(0.2)
    assert [run.id for run in place.store.list()] == [blocking]
    place.queue.stop(blocking)
    wait_for(lambda: not worker.working, SECONDS)
    assert states(search) == ["finished"]


def test_a_search_whose_data_set_was_deleted_breaks_off_before_its_next_trial(place, tmp_path, monkeypatch):
    monkeypatch.setenv("DIGITLAB_SETS", str(tmp_path / "sets"))
    parts, images = np.split(np.arange(40), [20, 30]), np.zeros((40, 28, 28), np.uint8)
    key = save_set(NewSet(images, np.arange(40) % 10, tuple("0123456789"), *parts), "Ours").key
    search = place.studies.create(plan(base=replace(BASE, dataset=key)), owner="somebody")
    delete_set(key)
    worker = place.begin(search)
    wait_for(lambda: not worker.working, SECONDS)
    assert "The images of the data set Ours were deleted" in str(worker.problem)
    assert set(states(search)) <= {"waiting"}  # none of them failed


def test_a_worker_that_leaves_keeps_its_trial_for_the_next(place):
    search = place.studies.create(plan(trials=1, base=replace(BASE, epochs=1000)))
    worker = place.begin(search)
    wait_for(lambda: search.trials()[0].curve)
    worker.leave(SECONDS)
    assert (states(search), search.stopped) == (["waiting"], False)
    assert not any(thread.is_alive() for thread in threading.enumerate() if thread.name == "search")


def test_a_server_goes_on_with_the_searches_that_it_worked_on_when_it_ended(place):
    long = plan(trials=1, base=replace(BASE, epochs=1000, batch_size=1))  # minutes, of which it gets a moment
    ours, stopped, unbegun, done = (place.studies.create(each) for each in (long, long, long, plan(trials=1)))
    first, second, third = (ServerSearches(place.store, lambda: place.queue) for _ in range(3))
    first.go_on(done, UNLIMITED)
    wait_for(lambda: not first.is_working(done.id), SECONDS)
    for search in (ours, stopped):
        first.go_on(search, UNLIMITED)
    place.workers += first._workers.values()
    wait_for(lambda: ours.trials()[0].run, SECONDS)
    stopped.stop()
    first.leave(SECONDS)
    (run,) = {trial.run for trial in ours.trials()}
    wait_for(lambda: place.store.get(run).status == "paused", SECONDS)
    second.continue_lost(UNLIMITED)
    place.workers += second._workers.values()
    assert [search for search in (ours, stopped, unbegun, done) if second.is_working(search.id)] == [ours]
    wait_for(lambda: place.store.get(run).status == "running", SECONDS)
    ours.note_server("another")
    third.continue_lost(UNLIMITED)
    assert not third.is_working(ours.id)


def test_searches_are_listed_opened_and_deleted_and_their_runs_stay(place):
    assert not place.studies.exist()
    assert place.studies.list() == []
    first, second = place.search(plan(trials=1)), place.studies.create(plan(name="mine"), study_id="mine")
    assert [search.id for search in place.studies.list()] == [second.id, first.id]
    assert place.studies.open("mine").plan == second.plan
    with pytest.raises(InputError, match="already"):
        place.studies.create(plan(), study_id="mine")
    place.studies.delete(first.id)
    with pytest.raises(InputError, match="There is no search"):
        place.studies.open(first.id)
    assert len(place.store.list()) == 1


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("mysql://somewhere", "must be an address like postgresql://"),
        ("somewhere", "must be an address like postgresql://"),
        ("postgresql://127.0.0.1:9/none", "can't be read or written"),
    ],
)
def test_a_database_that_can_not_be_used_is_refused_with_a_sentence(address, why, place, monkeypatch):
    monkeypatch.setenv(STUDIES_VARIABLE, address)
    with pytest.raises(InputError, match=why):
        place.studies.find("any")
