"""Faults of the machine: a full disk, exhausted memory, deleted files, killed processes."""

import errno
import fcntl
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch

from mnist_core.config import TrainConfig
from mnist_core.data.mnist import open_mnist
from mnist_core.messages import InputError
from mnist_core.models.architectures import build_model
from mnist_core.runs import writer as run_writer
from mnist_core.runs.fine_tuning import fine_tune_run, split_drawings
from mnist_core.runs.run import Run
from mnist_core.runs.run_trainer import train_run
from mnist_core.runs.store import PROJECT, RunStore
from mnist_core.runtime import files
from mnist_core.training.events import EpochDone
from tests.core.stored_runs import finished, ids, refusal
from tests.kill_training import digest

CONFIG = TrainConfig(widths=(8,), epochs=3, batch_size=50, train_size=200, dropout=0.2, monitor="test")
CPU = torch.device("cpu")
FULL_DISK = (
    "The disk of this server is full, so the training stopped. Delete runs that nobody needs, then continue"
)
NOTHING_KEPT = "The disk of this server is full, so nothing can be kept. Delete runs that nobody needs."


@pytest.fixture
def store(tmp_path) -> RunStore:
    return RunStore(tmp_path / "runs")


@contextmanager
def largest_file(most_bytes: int) -> Iterator[None]:
    """Have the operating system refuse files that would be larger."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def untouched(model, *_: object):
    yield 1.0, None
    return model


def killed(*_: object) -> None:
    raise KeyboardInterrupt  # which no handler of errors takes


def train(store: RunStore, sample, run_id: str | None = None) -> Run:
    """Train CONFIG to its end, or go on with a run."""
    writer = store.reopen(run_id) if run_id else store.create(CONFIG)
    list(train_run(writer, sample, CPU))
    return store.get(writer.id)


@pytest.mark.parametrize(
    "part", ["save_checkpoint", "save_state", "RunWriter.add_probe", "RunWriter.write_metrics"]
)
def test_a_training_on_a_full_disk_says_so_and_is_continued_to_the_same_digits(
    part, store, sample, monkeypatch
):
    writer = store.create(CONFIG)
    events = train_run(writer, sample, CPU)
    next(event for event in events if isinstance(event, EpochDone))
    with monkeypatch.context() as patch:
        patch.setattr(f"mnist_core.runs.writer.{part}", full)
        with pytest.raises(OSError, match="No space left"):
            list(events)
    run = store.get(writer.id)
    assert run.status == "interrupted"
    assert str(run.message).startswith(FULL_DISK)
    assert run.can_continue
    again = train(store, sample, run.id)
    assert (again.status, again.message) == ("finished", None)
    assert digest(again) == digest(train(store, sample))


def killed_at(place: str, store: RunStore, sample, monkeypatch) -> Run:
    """Train CONFIG in a process that is killed at this point; return the run that is left."""
    writer = store.create(CONFIG)
    with monkeypatch.context() as patch:
        patch.setattr(f"mnist_core.runs.{place}", killed)
        with pytest.raises(KeyboardInterrupt):
            list(train_run(writer, sample, CPU))
    return store.get(writer.id)


def test_a_run_killed_between_its_last_epoch_and_its_test_is_continued_to_the_test(
    store, sample, monkeypatch
):
    run = killed_at("run_trainer._Recorder.finish", store, sample, monkeypatch)
    assert (run.status, run.results["epochs"], run.can_continue) == ("interrupted", CONFIG.epochs, True)
    again = train(store, sample, run.id)
    assert again.status == "finished"
    assert digest(again) == digest(train(store, sample))
    assert "is at epoch 3 already" in refusal(store.reopen, run.id)


def test_a_run_killed_between_its_first_checkpoint_and_its_state_begins_again(store, sample, monkeypatch):
    run = killed_at("writer.save_state", store, sample, monkeypatch)
    assert (run.status, len(run.checkpoints), run.can_continue) == ("interrupted", 1, True)
    assert digest(train(store, sample, run.id)) == digest(train(store, sample))


def test_a_disk_too_full_for_a_checkpoint_keeps_nothing_of_it(store, sample):
    writer = store.create(CONFIG)
    with largest_file(20_000), pytest.raises(OSError, match="File too large"):
        list(train_run(writer, sample, CPU))
    run = store.get(writer.id)
    assert str(run.message).startswith(FULL_DISK)
    assert list(run.folder.rglob("*.part")) == []
    assert train(store, sample, run.id).status == "finished"


def test_where_not_even_the_status_can_be_written_the_run_is_interrupted(store, sample, monkeypatch):
    writer = store.create(CONFIG)
    with monkeypatch.context() as patch:
        patch.setattr(run_writer, "write_whole", full)
        with pytest.raises(OSError, match="No space left"):
            list(train_run(writer, sample, CPU))
    assert [run.status for run in store.list()] == ["interrupted"]
    assert train(store, sample, writer.id).status == "finished"


def test_a_full_disk_refuses_new_runs_with_a_sentence_and_keeps_nothing_of_them(store, monkeypatch):
    known = finished(store)
    monkeypatch.setattr(files.os, "fsync", full)
    assert refusal(store.create, CONFIG) == NOTHING_KEPT
    assert refusal(store.rename, known, "name") == NOTHING_KEPT
    assert refusal(store.add, CONFIG, build_model(CONFIG), 1, "imported", "") == NOTHING_KEPT
    monkeypatch.undo()
    assert ids(store) == [known]
    assert sorted(path.name for path in store.directory.iterdir()) == [".lock", known]


def test_a_model_from_elsewhere_is_listed_as_a_whole_or_not_at_all(store):
    model = build_model(CONFIG)
    with largest_file(5_000):
        assert refusal(store.add, CONFIG, model, 1, "imported", "me") == NOTHING_KEPT
    assert sorted(path.name for path in store.directory.iterdir()) == [".lock"]
    with store.making(CONFIG, "whole") as writer:
        writer.save(model, 1)
        assert ids(store) == []
        writer.update("finished")
    assert [run.metadata.name for run in store.list()] == ["whole"]
    run = store.add(CONFIG, model, 1, "imported", "me")
    assert (run.status, run.metadata.name, run.metadata.owner) == ("finished", "imported", "me")


def test_fine_tuning_that_fails_leaves_no_run(store, sample, monkeypatch):
    base = store.get(finished(store))
    sheet = split_drawings(list(sample.test.images[:9]), sample.test.labels[:9].tolist())
    monkeypatch.setattr("mnist_core.runs.writer.save_checkpoint", full)
    monkeypatch.setattr("mnist_core.runs.fine_tuning.fine_tune", untouched)
    few = replace(sample, test=sample.test[:20])
    with pytest.raises(InputError) as caught:
        list(fine_tune_run(store, base, sheet, few, "mine"))
    assert str(caught.value) == NOTHING_KEPT
    assert ids(store) == [base.id]


def test_data_files_deleted_under_the_running_server_stay_readable_until_it_ends(tiny_mnist, tiny_files):
    data = open_mnist(tiny_mnist)
    for name in tiny_files:
        (tiny_mnist / "MNIST" / "raw" / name).unlink()
    assert data.train.images.tobytes() == tiny_files["train-images-idx3-ubyte"][16:]
    with pytest.raises(InputError, match=r"train-images-idx3-ubyte can't be read \(No such file"):
        open_mnist(tiny_mnist)


def test_files_of_a_run_that_are_deleted_or_cut_are_named(store):
    run = store.get(finished(store))
    run.checkpoints[-1].write_bytes(b"cut")
    assert "is damaged or not a checkpoint" in refusal(run.load_model)
    run.checkpoints[-1].unlink()
    assert "has no checkpoint yet" in refusal(run.load_model)
    (run.folder / "run.json").write_text("{")
    assert ids(store) == []
    assert "There is no run" in refusal(store.get, run.id)


def test_two_servers_that_look_at_a_run_at_the_same_time_do_not_take_each_other_for_its_writer(store):
    writer = store.create(CONFIG)
    folder = store.get(writer.id).folder
    assert store.get(writer.id).status == "queued"
    writer.close()
    with (folder / "lock").open("rb") as other_servers:
        fcntl.flock(other_servers, fcntl.LOCK_SH)
        assert RunStore(store.directory).get(writer.id).status == "interrupted"


@pytest.mark.slow
def test_killed_trainings_are_continued_to_the_same_digits():
    command = [sys.executable, "-m", "tests.kill_training", "--times", "2", "--seed", "5"]
    ended = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "all continued to the same digits" in ended.stdout
