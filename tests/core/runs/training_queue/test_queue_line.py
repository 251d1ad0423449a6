"""The runs that wait: their order, the limit, and the estimated waiting time."""

import errno
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from unittest.mock import Mock

import pytest

from mnist_core.messages import InputError
from mnist_core.models.inference import predict_logits
from mnist_core.runs import queue as training_queue
from mnist_core.runs.admission import TrainingLimits
from mnist_core.runs.queue import TrainingQueue
from mnist_core.runs.store import RunStore
from mnist_core.runs.writer import RunWriter
from mnist_core.training import trainer
from tests.core.runs.training_queue.lab import ENDLESS, SHORT, wait_for


def test_runs_wait_in_line_with_their_place(lab):
    first, second, third = (lab.submit(SHORT) for _ in range(3))
    wait_for(lambda: lab.begun(first))
    assert [lab.snapshot(run_id).place_in_line for run_id in (first, second, third)] == [0, 1, 2]
    assert [lab.snapshot(run_id).ahead for run_id in (first, second, third)] == [0, 1, 2]
    assert [lab.status(run_id) for run_id in (second, third)] == ["queued", "queued"]
    lab.queue.stop(second)
    assert lab.snapshot(third).place_in_line == 1
    assert lab.ended(third) == "finished"


def test_runs_are_trained_one_after_the_other_in_the_order_they_came(lab):
    ids = [lab.submit(replace(SHORT, seed=seed)) for seed in range(3)]
    lab.gate.set()
    lab.ended(ids[2])
    assert [lab.status(run_id) for run_id in ids] == ["finished"] * 3
    written = [(lab.store.get(run_id).folder / "run.json").stat().st_mtime_ns for run_id in ids]
    assert written == sorted(written)


def test_those_who_wait_are_told_how_long_where_it_is_known(lab):
    lab.submitted.append(lab.queue.submit(SHORT, expected_seconds=30.0))
    first = lab.submitted[0]
    lab.submitted.append(lab.queue.submit(SHORT, expected_seconds=12.0))
    second, third = lab.submitted[1], lab.submit(SHORT)
    fourth = lab.submit(SHORT)
    wait_for(lambda: lab.begun(first))
    waits = [lab.snapshot(run_id).wait_seconds for run_id in (first, second, third, fourth)]
    assert waits == [None, 30.0, 42.0, None]


def test_the_line_has_an_end(lab, monkeypatch):
    monkeypatch.setenv("DIGITLAB_QUEUE_LIMIT", "2")
    first = lab.submit(SHORT)
    wait_for(lambda: lab.begun(first))
    lab.submit(SHORT)
    assert lab.queue.room() == 1
    lab.submit(SHORT)
    assert lab.queue.room() == 0
    with pytest.raises(InputError, match="The queue already holds 2 runs; try again later"):
        lab.submit(SHORT)
    assert len(lab.store.list()) == 3


def test_several_workers_train_at_once(tmp_path, sample):
    store, gate = RunStore(tmp_path), threading.Event()

    def load(_dataset):
        gate.wait(30)
        return sample

    queue = TrainingQueue(store, load, threads=1, workers=2)
    ids = [queue.submit(SHORT) for _ in range(3)]
    wait_for(lambda: [queue.snapshot(run_id).status for run_id in ids] == ["running", "running", "queued"])
    gate.set()
    wait_for(lambda: all(queue.snapshot(run_id) is None for run_id in ids))
    assert [store.get(run_id).status for run_id in ids] == ["finished"] * 3
    queue.close()


@pytest.mark.parametrize(("text", "number"), [("", 1), ("3", 3)])
def test_the_number_of_workers_is_a_setting(text, number, monkeypatch):
    monkeypatch.setenv(training_queue.WORKERS_VARIABLE, text)
    assert training_queue.number_of_workers() == number


@pytest.mark.parametrize("text", ["0", "-1", "many", "1.5", "65"])
def test_a_bad_number_of_workers_is_refused(text, monkeypatch):
    monkeypatch.setenv(training_queue.WORKERS_VARIABLE, text)
    with pytest.raises(InputError, match="must be a number from 1 to 64"):
        training_queue.number_of_workers()


def test_a_speed_is_measured_only_while_no_run_trains_or_waits(lab, sample, monkeypatch):
    monkeypatch.setattr("mnist_core.training.autotune.TRIAL_SECONDS", 0.05)
    lab.gate.set()
    assert lab.queue.training_speed(SHORT).training > 0
    lab.gate.clear()
    run_id = lab.submit(SHORT)
    wait_for(lambda: lab.begun(run_id))
    monkeypatch.setattr(lab.queue, "_load_dataset", lambda _dataset: sample)
    assert lab.queue.training_speed(SHORT) is None
    assert lab.ended(run_id) == "finished"
    assert lab.queue.training_speed(SHORT).training > 0


def test_a_training_waits_until_a_trial_is_over(lab, monkeypatch):
    """Else the trial would change the number of threads under the training."""
    trying, go_on = threading.Event(), threading.Event()

    def trial(*_arguments):
        trying.set()
        go_on.wait(30)
        return 70.0

    monkeypatch.setattr("mnist_core.training.autotune.training_speed", trial)
    lab.gate.set()
    with ThreadPoolExecutor(1) as pool:
        speed = pool.submit(lab.queue.training_speed, SHORT)
        trying.wait(30)
        run_id = lab.submit(SHORT)
        wait_for(lambda: lab.begun(run_id))
        time.sleep(0.3)
        assert lab.snapshot(run_id).step == 0
        go_on.set()
        assert speed.result(30) == 70
    assert lab.ended(run_id) == "finished"


def test_a_visitor_has_a_few_runs_in_line_and_others_have_theirs(lab):
    limits = TrainingLimits(runs_at_once=2)

    def submit(owner):
        lab.submitted.append(lab.queue.submit(SHORT, limits=limits, owner=owner))
        return lab.submitted[-1]

    first = submit("anna")
    submit("anna")
    assert [lab.queue.room(owner, limits) for owner in ("anna", "ben")] == [0, 2]
    with pytest.raises(InputError, match="Runs of yours that train or wait: 2; this server allows 2"):
        submit("anna")
    submit("ben")
    with pytest.raises(InputError, match="Runs of yours that train or wait: 1;"):
        lab.queue.submit_pair(SHORT, SHORT, limits, owner="ben")
    lab.queue.pause(first)
    lab.ended(first)
    submit("anna")
    with pytest.raises(InputError, match="Runs of yours that train or wait: 2"):
        lab.queue.resume(first, limits=limits)


def test_a_waiting_run_that_is_stopped_on_a_full_disk_leaves_the_line_and_its_lock(lab, monkeypatch):
    first, second = lab.submit(SHORT), lab.submit(SHORT)
    wait_for(lambda: lab.begun(first))
    with monkeypatch.context() as full:
        full.setattr(RunWriter, "update", Mock(side_effect=OSError(errno.ENOSPC, "No space left on device")))
        lab.queue.stop(second)
    assert lab.queue.snapshot(second) is None
    assert lab.status(second) == "interrupted"


def test_a_run_that_takes_longer_than_it_may_is_stopped_and_says_so(lab):
    lab.gate.set()
    lab.submitted.append(lab.queue.submit(ENDLESS, limits=TrainingLimits(seconds=0)))
    (run_id,) = lab.submitted
    assert lab.ended(run_id) == "stopped"
    run = lab.store.get(run_id)
    assert str(run.message) == "It was stopped after 0 minutes of training, the limit of this server."
    assert run.checkpoints
    with pytest.raises(InputError, match=r"would take about .* minutes"):
        lab.queue.resume(run_id, limits=TrainingLimits(seconds=0))


def test_the_time_that_a_run_may_take_includes_its_evaluations(lab, monkeypatch):
    def slow(*args):
        time.sleep(0.5)
        return predict_logits(*args)

    monkeypatch.setattr(trainer, "predict_logits", slow)
    lab.gate.set()
    lab.submitted.append(lab.queue.submit(replace(ENDLESS, epochs=30), limits=TrainingLimits(seconds=2)))
    assert lab.ended(lab.submitted[0]) == "stopped"
    run = lab.store.get(lab.submitted[0])
    assert run.results["train_seconds"] < 2
    assert "the limit of this server" in str(run.message)
