import threading
from types import SimpleNamespace

import numpy as np
import pytest

from ui.background import SECONDS_TO_LEAVE
from ui.explore.tsne_worker import TsneWorker

IMAGES = np.zeros((5, 28, 28), np.uint8)
PLACES = np.ones((5, 2), np.float32)


@pytest.fixture
def gate():
    """Holds the work between its first and second step."""
    gate = threading.Event()
    yield gate
    gate.set()


@pytest.fixture
def worker(gate):
    def embed(images):
        yield 0.5, PLACES * 0
        gate.wait(20)
        yield 1.0, PLACES

    return TsneWorker(IMAGES, embed)


def end(worker, gate):
    gate.set()
    worker.wait()


def test_the_map_is_made_once(worker, gate):
    assert not worker.running
    worker.start("anna")
    assert worker.running
    end(worker, gate)
    assert worker.finished
    assert worker.fraction == 1
    assert (worker.positions == PLACES).all()
    worker.start("ben")
    assert not worker.running


def test_a_visitor_stops_it_and_begins_again(worker, gate):
    worker.start("anna")
    worker.stop("anna")
    end(worker, gate)
    assert not worker.finished
    worker.start("anna")
    worker.wait()
    assert worker.finished


def test_it_goes_on_while_another_visitor_looks(worker, gate):
    worker.start("anna")
    worker.watch("ben")
    worker.stop("anna")
    end(worker, gate)
    assert worker.finished


def test_a_visitor_who_has_gone_keeps_nothing_alive(worker, gate, monkeypatch):
    now = 1000.0
    monkeypatch.setattr("ui.background.time", SimpleNamespace(monotonic=lambda: now))
    worker.start("anna")
    worker.watch("ben")
    now += SECONDS_TO_LEAVE + 1
    worker.watch("anna")
    worker.stop("anna")
    end(worker, gate)
    assert not worker.finished


def test_who_changes_their_mind_before_it_has_ended_lets_it_go_on(worker, gate):
    worker.start("anna")
    worker.stop("anna")
    worker.start("anna")
    end(worker, gate)
    assert worker.finished


def test_a_failure_ends_it_and_can_be_tried_again(caplog):
    def embed(images):
        yield 0.5, PLACES
        raise MemoryError

    worker = TsneWorker(IMAGES, embed)
    worker.start("anna")
    worker.wait()
    assert worker.failed
    assert not worker.finished
    assert "t-SNE failed" in caplog.text
    worker.start("anna")
    worker.wait()
    assert worker.failed
