import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import FrozenInstanceError, replace

import pytest
from filelock import FileLock

from mnist_core import training_queue
from mnist_core.config import TrainConfig
from mnist_core.evaluation import evaluate
from mnist_core.messages import InputError
from mnist_core.run_store import RunStore
from mnist_core.training_queue import Snapshot, TrainingQueue

SHORT = TrainConfig(widths=(8,), epochs=2, batch_size=50, train_size=200, monitor="test")
ENDLESS = replace(SHORT, epochs=1000)
EXPLODING = replace(SHORT, widths=(64,) * 8, optimizer="sgd", learning_rate=100.0, epochs=50)


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

    def load(self):
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
        return self.snapshot(run_id).status

    def ended(self, run_id: str) -> str:
        """The status a run ends with."""
        self.gate.set()
        wait_for(lambda: self.status(run_id) not in ("queued", "running"))
        return self.status(run_id)


@pytest.fixture
def lab(tmp_path, sample) -> Iterator[Lab]:
    lab = Lab(tmp_path, sample)
    yield lab
    for run_id in lab.submitted:
        lab.queue.stop(run_id)
    lab.gate.set()
    for run_id in lab.submitted:
        lab.ended(run_id)


def test_a_run_is_trained_and_its_progress_can_be_watched(lab):
    run_id = lab.submit(SHORT)
    assert lab.ended(run_id) == "finished"
    last = lab.snapshot(run_id)
    assert (last.run_id, last.config, last.step, last.steps) == (run_id, SHORT, 8, 8)
    assert [point.step for point in last.points] == list(range(1, 9))
    assert [epoch.epoch for epoch in last.epochs_done] == [1, 2]
    assert last.train_seconds == last.points[-1].train_seconds
    assert last.images_per_second > 0
    assert last.seconds_left == 0
    assert last.message is None
    run = lab.store.get(run_id)
    assert run.status == "finished"
    assert run.results["test_accuracy"] == last.epochs_done[-1].monitor_accuracy


def test_runs_wait_in_line_with_their_place(lab):
    first, second, third = (lab.submit(SHORT) for _ in range(3))
    wait_for(lambda: lab.status(first) == "running")
    assert [lab.snapshot(run_id).place_in_line for run_id in (first, second, third)] == [0, 1, 2]
    assert [lab.status(run_id) for run_id in (second, third)] == ["queued", "queued"]
    assert [lab.store.get(run_id).status for run_id in (second, third)] == ["queued", "queued"]
    lab.queue.stop(second)
    assert lab.snapshot(third).place_in_line == 1
    assert lab.ended(third) == "finished"
    assert lab.snapshot(third).place_in_line == 0


def test_runs_are_trained_one_after_the_other_in_the_order_they_came(lab):
    ids = [lab.submit(replace(SHORT, seed=seed)) for seed in range(3)]
    lab.gate.set()
    wait_for(lambda: lab.status(ids[2]) not in ("queued", "running"))
    assert [lab.status(run_id) for run_id in ids] == ["finished"] * 3
    written = [(lab.store.get(run_id).folder / "run.json").stat().st_mtime_ns for run_id in ids]
    assert written == sorted(written)


def test_a_waiting_run_that_is_stopped_is_never_trained(lab):
    first, second = lab.submit(SHORT), lab.submit(SHORT)
    wait_for(lambda: lab.status(first) == "running")
    lab.queue.stop(second)
    assert lab.status(second) == "stopped"
    assert lab.store.get(second).status == "stopped"
    assert lab.ended(first) == "finished"
    assert lab.ended(lab.submit(SHORT)) == "finished"
    assert (lab.status(second), lab.snapshot(second).points) == ("stopped", ())
    assert lab.store.get(second).results == {}
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
    assert run.metrics()["step"].max() == lab.snapshot(run_id).step


def test_a_failing_run_says_why_and_the_next_one_is_trained(lab):
    exploding, next_one = lab.submit(EXPLODING), lab.submit(SHORT)
    assert lab.ended(next_one) == "finished"
    assert lab.status(exploding) == "failed"
    for message in (lab.snapshot(exploding).message, lab.store.get(exploding).message):
        assert "learning rate of 100; try 0.1" in str(message)
    assert lab.store.get(exploding).status == "failed"
    lab.store.remove(exploding)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (InputError("{file} is damaged.", file="images"), "images is damaged."),
        (MemoryError("no room"), "Training broke off: MemoryError: no room"),
    ],
)
def test_images_that_cannot_be_loaded_fail_their_run_only(error, sentence, lab):
    lab.errors = [error]
    first, second = lab.submit(SHORT), lab.submit(SHORT)
    assert lab.ended(second) == "finished"
    assert lab.status(first) == "failed"
    assert str(lab.snapshot(first).message) == str(lab.store.get(first).message) == sentence
    assert lab.store.get(first).status == "failed"
    lab.store.remove(first)


def test_a_run_whose_folder_is_gone_fails_and_the_next_one_is_trained(lab):
    first, second, third = (lab.submit(SHORT) for _ in range(3))
    wait_for(lambda: lab.status(first) == "running")
    shutil.rmtree(lab.store.directory / second)
    assert lab.ended(third) == "finished"
    assert [lab.status(run_id) for run_id in (first, second)] == ["finished", "failed"]
    assert "FileNotFoundError" in str(lab.snapshot(second).message)


def test_a_snapshot_is_of_one_moment(lab):
    run_id = lab.submit(ENDLESS)
    lab.gate.set()
    wait_for(lambda: lab.snapshot(run_id).points)
    early = lab.snapshot(run_id)
    step, points = early.step, early.points
    wait_for(lambda: lab.snapshot(run_id).step > step + 10)
    assert (early.step, early.points) == (step, points)
    assert lab.snapshot(run_id).points[: len(points)] == points
    assert isinstance(early.points, tuple)
    with pytest.raises(FrozenInstanceError):
        early.step = 0


def test_the_line_has_an_end(lab, monkeypatch):
    monkeypatch.setattr(training_queue, "MOST_WAITING", 2)
    first = lab.submit(SHORT)
    wait_for(lambda: lab.status(first) == "running")
    lab.submit(SHORT), lab.submit(SHORT)
    with pytest.raises(InputError, match="2 trainings are waiting already; try again later"):
        lab.submit(SHORT)
    assert len(lab.store.list()) == 3


def test_a_run_of_another_process_is_unknown(lab):
    assert lab.queue.snapshot("unknown") is None
    lab.queue.stop("unknown")


def test_stopping_a_run_that_has_ended_changes_nothing(lab):
    run_id = lab.submit(SHORT)
    lab.ended(run_id)
    lab.queue.stop(run_id)
    assert lab.status(run_id) == lab.store.get(run_id).status == "finished"


def test_time_left_is_estimated_from_the_speed_so_far():
    snapshot = Snapshot("id", SHORT, steps=200)
    assert snapshot.seconds_left is None
    assert replace(snapshot, step=50, train_seconds=10.0).seconds_left == 30
