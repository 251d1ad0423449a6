"""Runs that are stopped, paused, continued and changed while they wait or train."""

from dataclasses import replace

import pytest
from filelock import FileLock

from mnist_core.__main__ import main
from mnist_core.evaluation.metrics import evaluate
from mnist_core.messages import InputError
from mnist_core.runs.queue import TrainingQueue
from tests.core.runs.training_queue.lab import ENDLESS, SHORT, wait_for


def test_a_waiting_run_that_is_stopped_is_never_trained(lab):
    first, second = lab.submit(SHORT), lab.submit(SHORT)
    wait_for(lambda: lab.begun(first))
    lab.queue.stop(second)
    assert (lab.status(second), lab.queue.snapshot(second)) == ("stopped", None)
    assert lab.ended(first) == "finished"
    assert lab.ended(lab.submit(SHORT)) == "finished"
    assert (lab.status(second), lab.store.get(second).results) == ("stopped", {})
    with FileLock(lab.store.get(second).folder / "lock", timeout=0):
        lab.store.remove(second)


def test_a_training_run_that_is_stopped_keeps_what_it_learned(lab):
    run_id = lab.submit(ENDLESS)
    lab.gate.set()
    wait_for(lambda: lab.snapshot(run_id).step > 5)
    assert lab.snapshot(run_id).seconds_left > 0
    lab.queue.stop(run_id)
    assert lab.ended(run_id) == "stopped"
    run = lab.store.get(run_id)
    assert run.status == "stopped"
    assert 0 < run.results["epochs"] < 1000
    assert run.results["test_accuracy"] == evaluate(run.load_model(), lab.sample.test).accuracy
    assert run.results["epochs"] == pytest.approx(run.metrics()["step"].max() / 4)


def test_a_paused_run_lets_others_train_and_goes_on_after_them(lab):
    paused, other = lab.submit(ENDLESS), lab.submit(SHORT)
    lab.gate.set()
    wait_for(lambda: lab.snapshot(paused).step > 5)
    lab.queue.pause(paused)
    assert lab.ended(other) == "finished"
    assert lab.status(paused) == "paused"
    step = lab.store.get(paused).metrics()["step"].max()
    lab.queue.resume(paused)
    wait_for(lambda: lab.snapshot(paused).step > step + 5)
    rows = lab.queue.rows(paused)
    steps = [row["step"] for row in rows if "monitor_loss" not in row]
    assert steps == list(range(1, len(steps) + 1))
    lab.queue.stop(paused)
    assert lab.ended(paused) == "stopped"


def test_a_waiting_run_can_be_paused_and_resumed(lab):
    first, second = lab.submit(SHORT), lab.submit(SHORT)
    wait_for(lambda: lab.begun(first))
    lab.queue.pause(second)
    assert lab.status(second) == "paused"
    lab.queue.resume(second)
    assert lab.status(second) == "queued"
    assert lab.ended(second) == "finished"


def test_a_finished_run_is_continued_for_more_epochs(lab):
    run_id = lab.submit(SHORT)
    assert lab.ended(run_id) == "finished"
    with pytest.raises(InputError, match="ask for more"):
        lab.queue.resume(run_id)
    lab.queue.resume(run_id, epochs=4)
    assert lab.ended(run_id) == "finished"
    assert lab.store.get(run_id).results["epochs"] == 4


def test_settings_are_changed_while_a_run_trains(lab):
    run_id = lab.submit(ENDLESS)
    lab.gate.set()
    wait_for(lambda: lab.snapshot(run_id).step > 5)
    with pytest.raises(InputError, match="learning_rate must be from"):
        lab.queue.change(run_id, dropout=0.5, learning_rate=-1.0)
    assert lab.snapshot(run_id).current == ENDLESS
    lab.queue.change(run_id, dropout=0.5, augmentation="shift")
    lab.queue.change(run_id, learning_rate=0.005)
    assert lab.snapshot(run_id).current.learning_rate == 0.005
    wait_for(lambda: lab.queue.rows(run_id)[-1].get("learning_rate") == 0.005)
    lab.queue.stop(run_id)
    assert lab.ended(run_id) == "stopped"
    steered = replace(ENDLESS, learning_rate=0.005, dropout=0.5, augmentation="shift")
    assert lab.store.get(run_id).changes[-1].applied_to(ENDLESS) == steered
    lab.queue.change(run_id, learning_rate=0.1)


def test_stopping_a_run_that_has_ended_changes_nothing(lab):
    run_id = lab.submit(SHORT)
    lab.ended(run_id)
    lab.queue.stop(run_id)
    assert lab.status(run_id) == "finished"


def test_a_run_of_another_process_is_unknown(lab):
    assert lab.queue.snapshot("unknown") is None
    assert lab.queue.rows("unknown") == []
    lab.queue.stop("unknown")


def test_a_queue_that_closes_interrupts_what_trains_and_begins_nothing_more(lab):
    first, second = lab.submit(ENDLESS), lab.submit(SHORT)
    lab.gate.set()
    wait_for(lambda: lab.snapshot(first).step > 5)
    lab.queue.close()
    run = lab.store.get(first)
    assert (run.status, run.can_continue) == ("interrupted", True)
    assert run.results["epochs"] > 0
    assert lab.status(second) == "queued"
    lab.queue.stop(second)
    next_server = TrainingQueue(lab.store, lab.load, threads=1)
    next_server.resume(first)
    wait_for(lambda: lab.status(first) == "running")
    next_server.close()
    assert lab.status(first) == "interrupted"


def test_an_operator_cancels_runs_that_train_and_that_wait_from_another_process(lab, monkeypatch):
    monkeypatch.setattr("mnist_core.runs.training_line.SECONDS_BETWEEN_LOOKS", 0)
    training, waiting, last = (lab.submit(ENDLESS) for _ in range(3))
    lab.gate.set()
    wait_for(lambda: lab.snapshot(training).step)
    main(["runs", "--runs", str(lab.store.directory), "--cancel", waiting])
    wait_for(lambda: lab.queue.snapshot(waiting) is None)
    assert lab.snapshot(last).place_in_line == 1
    main(["runs", "--runs", str(lab.store.directory), "--cancel", "all"])
    for run_id in (training, waiting, last):
        assert lab.ended(run_id) == "stopped"
        assert str(lab.store.get(run_id).message) == "Whoever runs this server stopped this training."
    assert lab.store.get(training).checkpoints
    lab.queue.resume(waiting)  # and may be continued
    lab.submitted.append(waiting)
    wait_for(lambda: lab.snapshot(waiting).step)
    assert lab.store.get(waiting).message is None


def test_what_neither_trains_nor_waits_cannot_be_cancelled(lab):
    run_id = lab.submit(SHORT)
    lab.ended(run_id)
    with pytest.raises(InputError, match="neither trains nor waits: it is finished"):
        lab.store.cancel(run_id)
