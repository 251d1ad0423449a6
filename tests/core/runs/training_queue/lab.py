"""A training queue that tests can hold and release, and short trainings for it."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace

from mnist_core.config import TrainConfig
from mnist_core.runs.queue import TrainingQueue
from mnist_core.runs.queued_run import Snapshot
from mnist_core.runs.store import RunStore

SHORT = TrainConfig(widths=(8,), epochs=2, batch_size=50, train_size=200, monitor="test")

ENDLESS = replace(SHORT, epochs=1000)


def wait_for(true: Callable[[], object], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


class Lab:
    """A queue whose worker waits for its images until the gate is opened, and whose loading may fail."""

    def __init__(self, directory, sample) -> None:
        self.store = RunStore(directory)
        self.gate = threading.Event()
        self.errors: list[Exception] = []
        self.sample = sample
        self.queue = TrainingQueue(self.store, self.load, threads=1)
        self.submitted: list[str] = []

    def load(self, _dataset="mnist"):
        self.gate.wait(30)
        if self.errors:
            raise self.errors.pop()
        return self.sample

    def submit(self, config: TrainConfig) -> str:
        self.submitted.append(self.queue.submit(config))
        return self.submitted[-1]

    def snapshot(self, run_id: str) -> Snapshot:
        snapshot = self.queue.snapshot(run_id)
        assert snapshot
        return snapshot

    def status(self, run_id: str) -> str:
        return self.store.get(run_id).status

    def begun(self, run_id: str) -> bool:
        return self.snapshot(run_id).status == "running"

    def ended(self, run_id: str) -> str:
        """The status a run ends with."""
        self.gate.set()
        wait_for(lambda: self.queue.snapshot(run_id) is None)
        return self.status(run_id)
