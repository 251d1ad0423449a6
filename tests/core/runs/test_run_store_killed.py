"""What killed processes and unwritable directories leave of the store of runs."""

import errno
import json
import os

import pytest

from mnist_core.runs import run as runs
from mnist_core.runs.store import RunStore
from mnist_core.runtime import files
from tests.core.stored_runs import BYTES, CONFIG, elsewhere, ids, make, refusal


@pytest.fixture
def store(tmp_path) -> RunStore:
    return RunStore(tmp_path / "runs")


def test_what_a_killed_process_left_half_made_is_cleaned_up_when_it_is_old(store):
    made = make(store)
    for name in (".old.part", ".new.part"):
        (store.directory / name / "checkpoints").mkdir(parents=True)
    os.utime(store.directory / ".old.part", (0, 0))
    make(store)
    assert not (store.directory / ".old.part").exists()
    assert (store.directory / ".new.part").exists()
    assert made in ids(store)


@pytest.mark.parametrize(
    ("killed_at", "left"),
    [("write_metadata", 0), ("RunWriter", 1)],
)
def test_killed_while_a_run_is_made(store, killed_at, left):
    code = f"""
from mnist_core.runs import store as run_store
run_store.{killed_at} = lambda *_: os._exit(9)
store.create(TrainConfig())"""
    assert elsewhere(store, code).wait(30) == 9
    assert len(ids(store)) == left
    assert [run.status for run in store.list()] == ["interrupted"] * left
    make(store)  # the lock is free


def test_killed_while_a_run_is_deleted(store):
    first, second = make(store), make(store)
    code = "from mnist_core.runs import store as module\n"
    code += "module.shutil.rmtree = lambda *_, **__: os._exit(9)\n"
    assert elsewhere(store, code + f"store.keep_within({BYTES * 3 // 2})").wait(30) == 9
    assert ids(store) == [second]
    (part,) = store.directory.glob(".*.part")
    os.utime(part, (0, 0))
    store.keep_within()
    assert not part.exists()
    assert first not in part.name or ids(store) == [second]


def test_a_label_half_written_by_a_killed_process_is_the_old_one(store):
    run_id = make(store)
    store.rename(run_id, "old")
    code = "from pathlib import Path\nPath.replace = lambda *_: os._exit(9)\n"
    assert elsewhere(store, code + f"store.rename({run_id!r}, 'new')").wait(30) == 9
    assert store.get(run_id).metadata.name == "old"
    store.rename(run_id, "newer")
    assert store.get(run_id).metadata.name == "newer"


def test_runs_are_listed_where_nothing_can_be_written(store, monkeypatch):
    done, left = make(store), make(store, "running")

    class ReadOnly:
        def __init__(self, *_, **__): ...

        def __enter__(self):
            raise OSError(errno.EROFS, "Read-only file system")

        def __exit__(self, *_): ...

    for module in (runs, files):
        monkeypatch.setattr(module, "FileLock", ReadOnly)
    store = RunStore(store.directory)
    assert [(run.id, run.status) for run in store.list()] == [(left, "interrupted"), (done, "finished")]
    assert "Read-only file system" in refusal(store.rename, done, "x")
    assert "Read-only file system" in refusal(store.create, CONFIG)
    store.keep_within(0)
    assert ids(store) == [left, done]


@pytest.mark.parametrize("name", ["../runs", "a" * 300, "a/b", "\0", ".trash", "é" * 200])
def test_a_hostile_id_is_no_run(store, name):
    make(store)
    assert "There is no run" in refusal(store.get, name)


def test_the_label_is_in_a_file_of_its_own(store):
    run = store.get(make(store, owner="me"))
    assert "owner" not in (run.folder / "run.json").read_text()
    assert json.loads((run.folder / "label.json").read_text())["owner"] == "me"
