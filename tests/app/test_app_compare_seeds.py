"""Several seeds of the same settings on the Compare page: summarised, compared, and queued."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from mnist_core.messages import InputError, Message
from mnist_core.recipes import RECIPES
from mnist_core.runs.store import RunStore
from tests.app.compared import runs, text_of


class Queue:
    """A line with room for `room` that only notes what it is given."""

    def __init__(self, room):
        self.left, self.threads, self.busy, self.submitted, self.stopped = room, 1, False, [], []
        self.here = []

    def room(self, owner, limits):
        return self.left

    def submit(self, config, expected_seconds=None, limits=None, here=False, owner=""):
        if not self.left:
            raise InputError("The line is full.")
        self.left -= 1
        self.submitted.append((config.seed, expected_seconds, owner))
        self.here.append(here)

    def stop(self, run):
        self.stopped.append(run)

    def snapshot(self, run):
        return SimpleNamespace(step=1, steps=4) if run else None

    def rows(self, run):
        return []

    probes = rows


@pytest.fixture
def queue(monkeypatch):
    """Put a line in the place of the server's: `queue(3)`."""

    def with_room(room):
        made = Queue(room)
        monkeypatch.setattr("ui.resources.training_queue", lambda: made)
        return made

    return with_room


def test_seeds_of_the_same_settings_are_summed_up_and_compared(app, make, answer, queue):
    queue(20)
    quick = [
        make(seed=seed, results={"test_accuracy": share}) for seed, share in enumerate((0.90, 0.91, 0.92))
    ]
    other = [make("tutorial-1", seed=seed, results={"test_accuracy": 0.8 + seed / 100}) for seed in (0, 1)]
    make(seed=9, epochs=1, results={"test_accuracy": 0.1})
    test = app("compare", runs=runs(quick[0], other[0]), part="repeats")
    assert not test.exception
    said = text_of(test)
    assert "**Quick**: 3 seeds: mean 91.00%, standard deviation 1.00%" in said
    assert "**Tutorial 1**: 2 seeds: mean 80.50%" in said
    assert "The mean of Quick minus that of Tutorial 1 is +10.50 percentage points" in said
    assert len(test.get("vega_lite_chart")) == 1

    test = app("compare", runs=runs(quick[0], quick[1], other[0]), part="repeats")
    colour = json.loads(test.get("vega_lite_chart")[0].proto.spec)["encoding"]["color"]
    assert colour["scale"]["domain"] == ["Quick", "#1", "Tutorial 1"]  # the third run has the third colour


def test_more_seeds_are_queued_as_runs_of_the_visitor(app, make, answer, queue, visitor_from):
    line = queue(20)
    first = make(results={"test_accuracy": 0.9, "train_seconds": 30.0})
    make(seed=2, results={"test_accuracy": 0.9})
    test = app("compare", runs=runs(first, make("tutorial-1")), part="repeats")
    assert "Seeds 1, 3, 4, 5 are trained one after the other" in text_of(test)
    assert "so all take about 2 min 0 s" in text_of(test)
    test.button(key="repeat").click().run()
    assert [(seed, seconds) for seed, seconds, _owner in line.submitted] == [(s, 30.0) for s in (1, 3, 4, 5)]
    assert all(owner for _seed, _seconds, owner in line.submitted)
    test.button(key="repeat").click().run()  # the second tap of a double click
    assert len(line.submitted) == 4


def test_without_its_cluster_a_server_trains_seeds_itself_if_asked(app, make, answer, queue, monkeypatch):
    line = queue(20)
    reason = Message("The cluster can't be reached.")
    monkeypatch.setattr("ui.resources.why_not_on_cluster", lambda: reason)
    test = app("compare", runs=runs(make(), make("tutorial-1")), part="repeats")
    assert str(reason) in text_of(test)
    assert test.button(key="repeat").label == "Train 4 more seeds on this server"
    test.button(key="repeat").click().run()
    assert line.here == [True] * 4


def test_no_more_seeds_than_fit(app, make, answer, queue):
    line = queue(2)
    test = app("compare", runs=runs(make(), make("tutorial-1")), part="repeats")
    assert "room for 2 more" in text_of(test)
    line.left = 1  # somebody was faster
    test.button(key="repeat").click().run()
    assert len(line.submitted) == 1
    assert "The line is full" in text_of(test)
    assert test.button(key="repeat").disabled


def test_a_run_that_was_stopped_or_changed_is_not_repeated(app, make, answer, queue):
    queue(20)
    test = app("compare", runs=runs(make(status="stopped"), make("tutorial-1")), part="repeats")
    assert test.button(key="repeat").disabled
    assert "did not finish" in text_of(test)


def test_unfinished_seeds_show_how_far_they_are_and_can_be_stopped(app, make, answer, queue):
    line = queue(20)
    first = make(results={"test_accuracy": 0.9})
    writers = [RunStore().create(replace(RECIPES["quick"].config, seed=seed)) for seed in (1, 2)]
    writers[0].update("running")
    test = app("compare", runs=runs(first, make("tutorial-1")), part="repeats")
    assert "2 seeds remaining: training seed 1 (25%)" in test.get("progress")[0].proto.text
    test.button(key="stop_seeds").click().run()
    assert line.stopped == [writers[1].id, writers[0].id]
    assert not test.button(key="stop_seeds").disabled
    line.snapshot = lambda _run: None  # another process trains one, and the other has ended
    writers[1].update("stopped")
    assert test.run().button(key="stop_seeds").disabled
    for writer in writers:
        writer.close()
