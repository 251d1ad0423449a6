"""The load benchmark's clients are visitors to the server: they open, click, draw and train."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from benchmarks import load
from mnist_core.runs.server_status import running_servers
from mnist_core.runs.store import RunStore
from tests.browser.server import serve


@pytest.mark.slow
def test_clients_without_a_browser_are_served_as_browsers_are(tmp_path, monkeypatch):
    monkeypatch.setattr(load, "THINK", 0.01)
    monkeypatch.setattr(load, "SECONDS_KEPT", 0)
    store = RunStore(tmp_path / "runs")
    # A thread of its own: the browser of other tests keeps an event loop running in this one.
    with serve(tmp_path, DIGITLAB_PRIVATE="1") as address, ThreadPoolExecutor() as thread:
        visits = load.phase(address, psutil.Process(), store, 2, 1, 0, 0)
        log = thread.submit(asyncio.run, visits).result()
    assert running_servers(store.directory) == []  # the server ended its work when it was told to end
    assert (log.errors, load.wrong_results(log, store)) == ([], [])
    assert len(log.seconds[load.OPENING]) == 2
    assert {"draw a digit", "go to Compare", "start a training"} <= log.seconds.keys()
    assert log.trained  # and each run has the seed that its visitor chose
    assert "| draw a digit |" in load.text_of("two visitors", log, store)
