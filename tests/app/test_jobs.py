import threading
from types import SimpleNamespace

import pytest

from ui.jobs import SECONDS_TO_LEAVE, Job

HALF, WHOLE = "half of it", "all of it"


@pytest.fixture
def gate():
    """Holds the work between its first and second step."""
    gate = threading.Event()
    yield gate
    gate.set()


@pytest.fixture
def work(gate):
    def steps():
        yield 0.5, HALF
        gate.wait(20)
        yield 1.0, WHOLE

    return Job("the work", steps)


def end(work, gate):
    gate.set()
    work.wait()


def test_it_is_done_once(work, gate):
    assert not work.running
    work.start("anna")
    assert work.running
    end(work, gate)
    assert work.finished
    assert work.fraction == 1
    assert work.latest == WHOLE
    work.start("ben")
    assert not work.running


def test_a_visitor_stops_it_and_begins_again(work, gate):
    work.start("anna")
    work.stop("anna")
    end(work, gate)
    assert not work.finished
    work.start("anna")
    work.wait()
    assert work.finished


def test_it_goes_on_while_another_visitor_looks(work, gate):
    work.start("anna")
    work.watch("ben")
    work.stop("anna")
    end(work, gate)
    assert work.finished


def test_a_visitor_who_has_gone_keeps_nothing_alive(work, gate, monkeypatch):
    now = 1000.0
    monkeypatch.setattr("ui.jobs.time", SimpleNamespace(monotonic=lambda: now))
    work.start("anna")
    work.watch("ben")
    now += SECONDS_TO_LEAVE + 1
    work.watch("anna")
    work.stop("anna")
    end(work, gate)
    assert not work.finished


def test_who_changes_their_mind_before_it_has_ended_lets_it_go_on(work, gate):
    work.start("anna")
    work.stop("anna")
    work.start("anna")
    end(work, gate)
    assert work.finished


def test_a_failure_ends_it_and_can_be_tried_again(caplog):
    def steps():
        yield 0.5, HALF
        raise MemoryError

    work = Job("the work", steps)
    work.start("anna")
    work.wait()
    assert work.failed
    assert not work.finished
    assert "the work failed" in caplog.text
    work.start("anna")
    work.wait()
    assert work.failed
