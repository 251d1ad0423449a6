"""Runs of several visitors that take turns: each steps aside for the others and continues to the bit."""

from dataclasses import replace

import pytest
import torch

from mnist_core.runs.queue import TrainingQueue
from mnist_core.runs.training_line import Turns
from mnist_core.training import trainer
from tests.core.runs.training_queue.lab import ENDLESS, SHORT, wait_for

OTHER = replace(SHORT, activation="sigmoid", epochs=3, dropout=0.2, batch_norm=True)


class NotedTurns(Turns):
    """Turns that end at the first report, and note who was served."""

    def __init__(self):
        super().__init__(0)
        self.served = []

    def serve(self, owner):
        self.served.append(owner)
        super().serve(owner)


def trained(run):
    metrics = run.metrics().drop(columns="train_seconds")
    return metrics, run.load_model().state_dict(), [path.name for path in run.checkpoints]


@pytest.mark.parametrize("acts", ["between steps", "while it evaluates, too"])
def test_runs_of_two_visitors_take_turns_and_end_as_they_would_alone(lab, monkeypatch, acts):
    if acts != "between steps":  # a turn that ended within an evaluation would have to repeat it for ever
        monkeypatch.setattr(trainer, "TICK_SECONDS", -1)
        monkeypatch.setattr(trainer, "SCORED_AT_ONCE", 20)
    alone = [lab.submit(config) for config in (SHORT, OTHER)]
    for run_id in alone:
        lab.ended(run_id)
    lab.gate.clear()
    lab.queue._line.turns = turns = NotedTurns()
    lab.submit(SHORT)  # holds the worker at the gate until both are in line
    wait_for(lambda: lab.begun(lab.submitted[-1]))
    both = [lab.queue.submit(config, owner=owner) for config, owner in ((SHORT, "anna"), (OTHER, "ben"))]
    lab.submitted.extend(both)
    assert [lab.ended(run_id) for run_id in both] == ["finished", "finished"]
    assert [owner for owner in turns.served if owner][:12] == ["anna", "ben"] * 6
    for one, other in zip(alone, both, strict=True):
        expected, found = trained(lab.store.get(one)), trained(lab.store.get(other))
        assert found[0].equals(expected[0])
        assert all(torch.equal(expected[1][name], tensor) for name, tensor in found[1].items())
        assert found[2] == expected[2]  # no checkpoint is left of its stepping aside


@pytest.fixture
def aside(lab):
    """A run that has stepped aside for another visitor's, which trains without an end."""
    lab.queue._line.turns = NotedTurns()
    ids = [lab.queue.submit(ENDLESS, owner=owner) for owner in ("anna", "ben")]
    lab.submitted.extend(ids)
    lab.gate.set()
    wait_for(lambda: lab.snapshot(ids[0]).step and lab.snapshot(ids[0]).status == "queued")
    lab.queue._line.turns.seconds = None  # no more turns
    wait_for(lambda: sum(lab.snapshot(run_id).status == "running" for run_id in ids) == 1)
    return next(run_id for run_id in ids if lab.snapshot(run_id).status == "queued")


def test_a_run_that_stepped_aside_says_where_it_stands_and_can_be_stopped_and_continued(lab, aside):
    snapshot = lab.snapshot(aside)
    assert snapshot.place_in_line == 1
    assert 0 < snapshot.step < snapshot.steps
    assert lab.status(aside) == "queued"
    lab.queue.stop(aside)
    run = lab.store.get(aside)
    assert (run.status, run.can_continue, len(run.checkpoints) > 0) == ("stopped", True, True)
    assert lab.queue.snapshot(aside) is None


def test_what_is_changed_while_a_run_stands_aside_is_kept_when_it_is_paused_there(lab, aside):
    step = lab.snapshot(aside).step
    lab.queue.change(aside, learning_rate=0.002)
    assert lab.snapshot(aside).current.learning_rate == 0.002
    lab.queue.pause(aside)
    changes = lab.store.get(aside).changes
    assert [(change.step, change.learning_rate) for change in changes] == [
        (0, ENDLESS.learning_rate),
        (step, 0.002),
    ]


def test_a_run_that_stepped_aside_can_be_continued_after_a_crash(lab, aside):
    lab.queue._line.find(aside).writer.close()  # as the kernel does for a killed process
    run = lab.store.get(aside)
    assert (run.status, run.can_continue) == ("interrupted", True)


def test_visitors_are_told_their_share(lab):
    ids = [lab.queue.submit(SHORT, owner=owner) for owner in ("anna", "anna", "ben")]
    lab.submitted.extend(ids)
    wait_for(lambda: lab.begun(ids[0]))
    assert [lab.snapshot(run_id).place_in_line for run_id in ids] == [0, 2, 1]
    assert [lab.snapshot(run_id).time_share for run_id in ids] == [0.5] * 3
    assert lab.snapshot(ids[2]).wait_seconds == 30


def test_with_two_workers_each_visitor_has_one(lab):
    lab.queue.close()
    lab.queue = TrainingQueue(lab.store, lab.load, threads=1, workers=2)
    a1, b1, a2, b2 = (lab.queue.submit(ENDLESS, owner=owner) for owner in ("anna", "ben", "anna", "ben"))
    lab.submitted.extend([a1, b1, a2, b2])
    wait_for(lambda: lab.begun(a1) and lab.begun(b1))  # ben was served later
    lab.gate.set()
    lab.queue.stop(b1)
    wait_for(lambda: lab.queue.line == {"training": 2, "waiting": 1})
    assert [lab.snapshot(run_id).place_in_line for run_id in (a1, a2, b2)] == [0, 1, 0]
