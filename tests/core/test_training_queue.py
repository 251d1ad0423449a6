import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import FrozenInstanceError, replace

import pytest
from filelock import FileLock

from mnist_core.config import TrainConfig
from mnist_core.evaluation import evaluate
from mnist_core.messages import InputError
from mnist_core.runs import training_queue
from mnist_core.runs.store import RunStore
from mnist_core.runs.training_queue import Snapshot, TrainingQueue

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
        return self.store.get(run_id).status

    def begun(self, run_id: str) -> bool:
        return self.snapshot(run_id).status == "running"

    def ended(self, run_id: str) -> str:
        """The status a run ends with."""
        self.gate.set()
        wait_for(lambda: self.queue.snapshot(run_id) is None)
        return self.status(run_id)


@pytest.fixture
def lab(tmp_path, sample) -> Iterator[Lab]:
    lab = Lab(tmp_path, sample)
    yield lab
    for run_id in lab.submitted:
        lab.queue.stop(run_id)
    lab.gate.set()
    for run_id in lab.submitted:
        wait_for(lambda run_id=run_id: lab.queue.snapshot(run_id) is None)


def test_a_run_is_trained_and_its_progress_can_be_watched(lab):
    run_id = lab.submit(replace(SHORT, epochs=400))
    lab.gate.set()
    wait_for(lambda: lab.snapshot(run_id).step >= 8)
    snapshot, rows = lab.snapshot(run_id), lab.queue.rows(run_id)
    assert (snapshot.run_id, snapshot.status, snapshot.steps) == (run_id, "running", 1600)
    assert snapshot.images_per_second > 0
    assert snapshot.learning_rate == 0.001
    assert snapshot.seconds_left == pytest.approx(
        snapshot.train_seconds / snapshot.step * (1600 - snapshot.step)
    )
    assert [row["step"] for row in rows[:6]] == [1, 2, 3, 4, 4, 5]
    assert lab.ended(run_id) == "finished"
    run = lab.store.get(run_id)
    table = run.metrics()
    assert table["step"].tolist()[: len(rows)] == [row["step"] for row in rows]
    assert run.results["test_accuracy"] == table["monitor_accuracy"].dropna().tolist()[-1]


def test_runs_wait_in_line_with_their_place(lab):
    first, second, third = (lab.submit(SHORT) for _ in range(3))
    wait_for(lambda: lab.begun(first))
    assert [lab.snapshot(run_id).place_in_line for run_id in (first, second, third)] == [0, 1, 2]
    assert [lab.status(run_id) for run_id in (second, third)] == ["queued", "queued"]
    lab.queue.stop(second)
    assert lab.snapshot(third).place_in_line == 1
    assert lab.ended(third) == "finished"


def test_runs_are_trained_one_after_the_other_in_the_order_they_came(lab):
    ids = [lab.submit(replace(SHORT, seed=seed)) for seed in range(3)]
    lab.gate.set()
    lab.ended(ids[2])
    assert [lab.status(run_id) for run_id in ids] == ["finished"] * 3
    written = [(lab.store.get(run_id).folder / "run.json").stat().st_mtime_ns for run_id in ids]
    assert written == sorted(written)


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


def test_a_failing_run_says_why_and_the_next_one_is_trained(lab):
    exploding, next_one = lab.submit(EXPLODING), lab.submit(SHORT)
    assert lab.ended(next_one) == "finished"
    assert lab.status(exploding) == "failed"
    assert "learning rate of 100; try 0.1" in str(lab.store.get(exploding).message)
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
    assert str(lab.store.get(first).message) == sentence
    lab.store.remove(first)


def test_a_run_whose_folder_is_gone_fails_and_the_next_one_is_trained(lab):
    first, second, third = (lab.submit(SHORT) for _ in range(3))
    wait_for(lambda: lab.begun(first))
    shutil.rmtree(lab.store.directory / second)
    assert lab.ended(third) == "finished"
    assert lab.status(first) == "finished"
    assert lab.queue.snapshot(second) is None


def test_a_snapshot_is_of_one_moment(lab):
    run_id = lab.submit(ENDLESS)
    lab.gate.set()
    wait_for(lambda: lab.snapshot(run_id).step)
    early, rows = lab.snapshot(run_id), lab.queue.rows(run_id)
    step, length = early.step, len(rows)
    wait_for(lambda: lab.snapshot(run_id).step > step + 10)
    assert (early.step, len(rows)) == (step, length)
    assert lab.queue.rows(run_id)[:length] == rows
    with pytest.raises(FrozenInstanceError):
        early.step = 0


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


def test_the_learning_rate_is_changed_while_a_run_trains(lab):
    run_id = lab.submit(ENDLESS)
    lab.gate.set()
    wait_for(lambda: lab.snapshot(run_id).step > 5)
    with pytest.raises(InputError, match="learning_rate must be from"):
        lab.queue.set_learning_rate(run_id, -1.0)
    lab.queue.set_learning_rate(run_id, 0.005)
    assert lab.snapshot(run_id).learning_rate == 0.005
    wait_for(lambda: lab.queue.rows(run_id)[-1].get("learning_rate") == 0.005)
    lab.queue.stop(run_id)
    assert lab.ended(run_id) == "stopped"
    assert [phase.learning_rate for phase in lab.store.get(run_id).phases] == [0.001, 0.005]
    lab.queue.set_learning_rate(run_id, 0.1)


def test_those_who_wait_are_told_how_long_where_it_is_known(lab):
    lab.submitted.append(lab.queue.submit(SHORT, expected_seconds=30.0))
    first = lab.submitted[0]
    lab.submitted.append(lab.queue.submit(SHORT, expected_seconds=12.0))
    second, third = lab.submitted[1], lab.submit(SHORT)
    fourth = lab.submit(SHORT)
    wait_for(lambda: lab.begun(first))
    waits = [lab.snapshot(run_id).wait_seconds for run_id in (first, second, third, fourth)]
    assert waits == [None, 30.0, 42.0, None]


def test_several_workers_train_at_once(tmp_path, sample):
    store, gate = RunStore(tmp_path), threading.Event()

    def load():
        gate.wait(30)
        return sample

    queue = TrainingQueue(store, load, threads=1, workers=2)
    ids = [queue.submit(SHORT) for _ in range(3)]
    wait_for(lambda: [queue.snapshot(run_id).status for run_id in ids] == ["running", "running", "queued"])
    gate.set()
    wait_for(lambda: all(queue.snapshot(run_id) is None for run_id in ids))
    assert [store.get(run_id).status for run_id in ids] == ["finished"] * 3


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


@pytest.mark.parametrize(("text", "number"), [("", 1), ("3", 3)])
def test_the_number_of_workers_is_a_setting(text, number, monkeypatch):
    monkeypatch.setenv(training_queue.WORKERS_VARIABLE, text)
    assert training_queue.number_of_workers() == number


@pytest.mark.parametrize("text", ["0", "-1", "many", "1.5", "65"])
def test_a_bad_number_of_workers_is_refused(text, monkeypatch):
    monkeypatch.setenv(training_queue.WORKERS_VARIABLE, text)
    with pytest.raises(InputError, match="must be a number from 1 to 64"):
        training_queue.number_of_workers()


def test_the_line_has_an_end(lab, monkeypatch):
    monkeypatch.setattr(training_queue, "MOST_WAITING", 2)
    first = lab.submit(SHORT)
    wait_for(lambda: lab.begun(first))
    lab.submit(SHORT)
    assert lab.queue.room == 1
    lab.submit(SHORT)
    assert lab.queue.room == 0
    with pytest.raises(InputError, match="2 trainings are waiting already; try again later"):
        lab.submit(SHORT)
    assert len(lab.store.list()) == 3


def test_a_run_of_another_process_is_unknown(lab):
    assert lab.queue.snapshot("unknown") is None
    assert lab.queue.rows("unknown") == []
    lab.queue.stop("unknown")


def test_stopping_a_run_that_has_ended_changes_nothing(lab):
    run_id = lab.submit(SHORT)
    lab.ended(run_id)
    lab.queue.stop(run_id)
    assert lab.status(run_id) == "finished"


def test_time_left_is_estimated_from_the_speed_so_far():
    snapshot = Snapshot("id", SHORT, 0.1, steps=200)
    assert snapshot.seconds_left is None
    assert replace(snapshot, step=50, train_seconds=10.0).seconds_left == 30


def test_when_a_run_ends_the_oldest_make_room_but_not_the_one_that_ended(lab, monkeypatch):
    old = lab.submit(SHORT)
    lab.ended(old)
    new = lab.submit(SHORT)
    monkeypatch.setattr(lab.store, "_limit", 0)
    lab.ended(new)
    wait_for(lambda: [run.id for run in lab.store.list()] == [new])
