"""Runs that train one batch at a time."""

from dataclasses import replace

import numpy as np
import torch

from mnist_core.runs.run_trainer import train_run
from mnist_core.training.events import StepDone, TrainingControl
from tests.core.runs.training_queue.lab import ENDLESS, SHORT, wait_for

CONFIG = replace(SHORT, augmentation="shift", optimizer="momentum", learning_rate=0.05)


def one_batch(lab, run_id):
    """The next batch of a run in slow motion."""
    lab.queue.one_batch(run_id, seconds=30)
    return lab.snapshot(run_id).batch


def facts(run):
    table = run.metrics().drop(columns="train_seconds").to_csv()
    weights = {name: tensor.tolist() for name, tensor in run.load_model().state_dict().items()}
    return table, weights, run.results["test_loss"], run.changes


def test_batch_by_batch_a_run_comes_to_the_same_end(lab):
    """Steered and paused on the way, against a run that was steered the same and never slowed."""
    writer, control = lab.store.create(CONFIG), TrainingControl()
    for event in train_run(writer, lab.sample, torch.device("cpu"), control):
        if isinstance(event, StepDone) and event.step == 3:
            control.changes.append({"dropout": 0.3, "augmentation": "none"})
    run_id = lab.submit(CONFIG)
    lab.queue.slow_down(run_id)
    lab.gate.set()
    assert [one_batch(lab, run_id).step for _ in range(3)] == [1, 2, 3]
    assert lab.snapshot(run_id).slow
    lab.queue.change(run_id, dropout=0.3, augmentation="none")
    lab.queue.pause(run_id)
    assert lab.ended(run_id) == "paused"
    lab.queue.resume(run_id, slow=True)
    batches = [one_batch(lab, run_id) for _ in range(2)]
    assert [batch.step for batch in batches] == [4, 5]  # the fifth begins the second epoch
    assert [(batch.images.shape, batch.size) for batch in batches] == [((32, 28, 28), 50)] * 2
    lab.queue.full_speed(run_id)
    assert lab.ended(run_id) == "finished"
    assert facts(lab.store.get(run_id)) == facts(lab.store.get(writer.id))


def test_slow_motion_begins_and_ends_within_a_run(lab):
    run_id = lab.submit(ENDLESS)
    lab.gate.set()
    wait_for(lambda: lab.snapshot(run_id).step > 5)
    lab.queue.slow_down(run_id)
    first = one_batch(lab, run_id)
    assert one_batch(lab, run_id).step == first.step + 1
    assert np.isfinite([first.loss, *first.gradient_norms, *first.update_ratios]).all()
    lab.queue.full_speed(run_id)
    wait_for(lambda: lab.snapshot(run_id).step > first.step + 50)
    assert not lab.snapshot(run_id).slow
    lab.queue.one_batch("unknown")
    lab.queue.stop(run_id)
    assert lab.ended(run_id) == "stopped"


def test_a_run_in_slow_motion_is_paused_when_nobody_clicks(lab, monkeypatch):
    monkeypatch.setattr("mnist_core.runs.slow_motion.IDLE_SECONDS", 0.0)
    slow = lab.submit(SHORT)
    lab.queue.slow_down(slow)
    assert lab.ended(slow) == "paused"


def test_a_run_in_slow_motion_steps_aside_for_others_and_waits_again_after_them(lab, monkeypatch):
    monkeypatch.setattr("mnist_core.runs.slow_motion.CROWDED_SECONDS", 0.0)
    slow = lab.submit(SHORT)
    lab.queue.slow_down(slow)
    lab.gate.set()
    assert one_batch(lab, slow).step == 1
    other = lab.submit(SHORT)
    assert lab.ended(other) == "finished"
    wait_for(lambda: lab.begun(slow))
    assert one_batch(lab, slow).step == 2


def test_a_run_in_slow_motion_can_be_stopped(lab):
    run_id = lab.submit(SHORT)
    lab.queue.slow_down(run_id)
    lab.gate.set()
    one_batch(lab, run_id)
    lab.queue.stop(run_id)
    assert lab.ended(run_id) == "stopped"
    assert lab.store.get(run_id).results["epochs"] == 0.25


def test_one_of_a_pair_stays_fast(lab):
    pair = lab.queue.submit_pair(SHORT, SHORT)
    lab.submitted.extend(pair)
    assert not lab.snapshot(pair[0]).may_slow_down
    lab.queue.slow_down(pair[0])
    assert [lab.ended(run_id) for run_id in pair] == ["finished"] * 2
