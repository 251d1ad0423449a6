"""Two runs that train in turns."""

from dataclasses import replace

import pytest
import torch

from mnist_core.messages import InputError
from tests.core.runs.training_queue.lab import ENDLESS, SHORT, wait_for


def weights(lab, run_id):
    return lab.store.get(run_id).load_model().state_dict()


def test_a_pair_trains_each_run_as_it_would_alone(lab):
    other = replace(SHORT, activation="sigmoid", epochs=3, dropout=0.2)
    alone = [lab.submit(config) for config in (SHORT, other)]
    pair = lab.queue.submit_pair(SHORT, other)
    lab.submitted.extend(pair)
    assert [lab.ended(run_id) for run_id in (*alone, *pair)] == ["finished"] * 4
    for one, other_one in zip(alone, pair, strict=True):
        expected = weights(lab, one)
        assert all(torch.equal(expected[name], tensor) for name, tensor in weights(lab, other_one).items())


def test_both_runs_of_a_pair_are_always_equally_far(lab):
    pair = lab.queue.submit_pair(ENDLESS, replace(ENDLESS, epochs=500))
    lab.submitted.extend(pair)
    lab.gate.set()
    wait_for(lambda: all(lab.snapshot(run_id).step > 50 for run_id in pair))
    first, second = (lab.snapshot(run_id) for run_id in pair)
    assert second.step / second.steps == pytest.approx(first.step / first.steps, abs=0.02)
    lab.queue.stop(pair[0])
    assert lab.ended(pair[0]) == "stopped"
    step = lab.snapshot(pair[1]).step
    wait_for(lambda: lab.snapshot(pair[1]).step > step)  # the other goes on
    lab.queue.pause(pair[1])
    assert lab.ended(pair[1]) == "paused"


def test_one_run_that_breaks_off_leaves_the_other(lab):
    bad = replace(SHORT, widths=(64,) * 8, optimizer="sgd", learning_rate=100.0)
    pair = lab.queue.submit_pair(bad, SHORT)
    lab.submitted.extend(pair)
    assert [lab.ended(run_id) for run_id in pair] == ["failed", "finished"]


def test_a_pair_needs_room_for_two(lab, monkeypatch):
    monkeypatch.setenv("DIGITLAB_QUEUE_LIMIT", "2")
    first = lab.submit(SHORT)
    wait_for(lambda: lab.begun(first))
    lab.submit(SHORT)
    with pytest.raises(InputError, match="queue already holds"):
        lab.queue.submit_pair(SHORT, SHORT)
    assert len(lab.store.list()) == 2
