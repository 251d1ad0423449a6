"""Names, pins, the trash and the size limit of the store of runs."""

import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from mnist_core.export.script import check_script
from mnist_core.models.architectures import build_model
from mnist_core.runs import store as run_store
from mnist_core.runs.metadata import LONGEST_NAME, MOST_READERS, RunMetadata
from mnist_core.runs.store import RunStore
from tests.core.stored_runs import BYTES, CONFIG, elsewhere, ids, make, refusal


@pytest.fixture
def store(tmp_path) -> RunStore:
    return RunStore(tmp_path / "runs")


def test_a_model_from_elsewhere_is_a_finished_run_that_cannot_be_continued(store):
    model = build_model(CONFIG)
    run = store.add(CONFIG, model, 1.5, "n" * (LONGEST_NAME + 9), "me", operated=True)
    assert (run.status, run.config, run.can_continue) == ("finished", CONFIG, False)
    assert run.metadata == RunMetadata("n" * LONGEST_NAME, False, "me")
    assert run.results == {"parameters": 6370, "epochs": 1.5, "operated": True}
    weights = run.load_model().state_dict()
    assert all(torch.equal(weights[name], value) for name, value in model.state_dict().items())
    assert "changed by hand" in refusal(check_script, run)


# Labels


def test_a_run_is_named_pinned_and_owned(store):
    run_id = make(store, owner="me")
    assert store.get(run_id).metadata == RunMetadata(owner="me")
    store.rename(run_id, "  my  first\nrun ")
    store.pin(run_id)
    assert store.get(run_id).metadata == RunMetadata("my first run", True, "me")
    assert store.list()[0].metadata.name == "my first run"
    store.rename(run_id, " ")
    store.pin(run_id, False)
    assert store.get(run_id).metadata == RunMetadata(owner="me")


def test_a_name_that_is_too_long_is_refused(store):
    run_id = make(store)
    store.rename(run_id, "x" * LONGEST_NAME)
    said = refusal(store.rename, run_id, "y" * (LONGEST_NAME + 1))
    assert said == "A run's name can have 60 characters, and this one has 61; shorten it."
    assert store.get(run_id).metadata.name == "x" * LONGEST_NAME


def test_a_training_does_not_write_over_a_name(store):
    writer = store.create(CONFIG)
    store.rename(writer.id, "named meanwhile")
    store.pin(writer.id)
    writer.update("running", parameters=1)
    writer.update("finished", test_accuracy=0.5)
    writer.close()
    assert store.get(writer.id).metadata == RunMetadata("named meanwhile", True)
    assert store.get(writer.id).status == "finished"


def test_readers_are_remembered_once_and_not_without_end(store):
    run_id = make(store)
    for reader in ("a", "b", "a"):
        store.add_reader(run_id, reader)
    assert store.get(run_id).metadata.readers == ("b", "a")
    label = RunMetadata(readers=tuple(map(str, range(MOST_READERS))))
    assert label.with_reader("new").readers[-2:] == (str(MOST_READERS - 1), "new")
    assert len(label.with_reader("new").readers) == MOST_READERS


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"name": "x"}', "\xff", '{"name": 1, "readers": 3}'])
def test_a_broken_label_is_a_bare_one(store, content):
    run_id = make(store)
    (store.get(run_id).folder / "label.json").write_bytes(content.encode("latin-1"))
    assert store.get(run_id).metadata == RunMetadata()


def test_many_may_label_at_once(store):
    run_id = make(store)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: RunStore(store.directory).add_reader(run_id, str(n)), range(20)))
    assert sorted(map(int, store.get(run_id).metadata.readers)) == list(range(20))


def test_two_processes_may_label_at_once(store):
    run_id = make(store)
    code = f"for n in range(20): store.add_reader({run_id!r}, os.environ['WHO'] + str(n))"
    os.environ["WHO"] = "other"
    try:
        other = elsewhere(store, code)
    finally:
        del os.environ["WHO"]
    for n in range(20):
        store.add_reader(run_id, f"here{n}")
    assert other.wait(30) == 0
    assert len(store.get(run_id).metadata.readers) == 40


def test_the_pretrained_model_has_no_label_to_change(store):
    assert "can't be changed" in refusal(store.rename, "pretrained", "x")


def test_what_changed_on_disk_is_seen_at_once(store):
    run_id = make(store)
    assert store.list()[0].metadata.name == ""
    RunStore(store.directory).rename(run_id, "elsewhere")
    assert store.list()[0].metadata.name == "elsewhere"
    assert store.get(run_id).metadata.name == "elsewhere"


@pytest.fixture
def reads(monkeypatch):
    """The folders that stores read."""
    folders, read = [], run_store.run_as_written
    monkeypatch.setattr(
        run_store, "run_as_written", lambda folder, name: folders.append(folder) or read(folder, name)
    )
    return folders


def test_a_run_is_read_once_while_its_files_are_unchanged(store, reads):
    run_id = make(store, "finished")
    for read_anew in ([store.directory / run_id, run_store.PRETRAINED], []):
        reads.clear()
        assert store.get("pretrained").id == "pretrained"
        assert [run.id for run in store.list()] == [run_id]
        assert set(reads) <= set(read_anew)
    store.pin(run_id)
    assert store.get(run_id).metadata.pinned
    assert reads == [store.directory / run_id]


def test_a_run_that_trains_is_read_once_and_interrupted_when_its_process_has_gone(store, reads):
    writer = store.create(CONFIG)
    for _ in range(2):
        assert store.get(writer.id).status == "queued"
    writer.close()
    assert store.get(writer.id).status == "interrupted"
    assert [run.status for run in store.list()] == ["interrupted"]
    assert reads == [store.directory / writer.id]


# Trash


def test_a_removed_run_comes_back_whole(store):
    run_id, other = make(store), make(store)
    store.rename(run_id, "kept")
    store.remove(run_id)
    assert ids(store) == [other]
    assert "no run" in refusal(store.get, run_id)
    assert "not in the trash" in refusal(store.restore, "")
    assert store.restore(run_id[:6]).metadata.name == "kept"
    assert ids(store) == [other, run_id]
    assert (store.get(run_id).folder / "weights").stat().st_size == BYTES


def test_what_is_not_in_the_trash_cannot_come_back(store):
    run_id = make(store)
    for name in (run_id, "", "0123"):
        assert "not in the trash" in refusal(store.restore, name)


def test_a_deleted_run_is_found_by_its_id_alone(store):
    kept, gone = make(store), make(store)
    store.remove(gone)
    assert store.deleted(gone).id == gone
    for name in (kept, f"../{kept}", "", "0" * 300):
        assert store.deleted(name) is None


def test_the_trash_is_emptied_after_a_day(store):
    old, fresh = make(store), make(store)
    store.remove(old)
    long_ago = time.time() - run_store.SECONDS_IN_TRASH - 1
    os.utime(store.directory / ".trash" / old, (long_ago, long_ago))
    store.remove(fresh)
    assert os.listdir(store.directory / ".trash") == [fresh]
    assert not list(store.directory.glob(".*.part"))


def test_a_run_made_long_ago_has_its_day_in_the_trash(store):
    run_id = make(store)
    os.utime(store.get(run_id).folder, (0, 0))
    store.remove(run_id)
    assert store.restore(run_id).id == run_id


# The size limit


def test_the_oldest_unpinned_go_first(store):
    pinned, first, second, third = make(store, pinned=True), make(store), make(store), make(store)
    store.keep_within(int(2.5 * BYTES))
    assert ids(store) == [third, pinned]
    store.keep_within(int(2.5 * BYTES))
    assert ids(store) == [third, pinned]
    store.keep_within(0)
    assert ids(store) == [pinned]
    assert {first, second, third}.isdisjoint(os.listdir(store.directory))
    assert not list(store.directory.glob(".*.part"))


def test_what_trains_waits_or_may_go_on_is_kept(store):
    writers = []
    for status in ("queued", "running", "paused"):
        writer = store.create(CONFIG)
        writer.update(status)
        writers.append(writer)
    for status in ("finished", "stopped", "failed"):
        make(store, status)
    make(store, "running")  # its writer is gone: interrupted
    store.keep_within(0)
    assert sorted(run.status for run in store.list()) == ["paused", "queued", "running"]
    for writer in writers:
        writer.close()


def test_the_run_that_just_ended_may_be_spared(store):
    old, new = make(store), make(store)
    store.keep_within(0, spare=new)
    assert ids(store) == [new]
    assert old != new


def test_the_trash_goes_before_any_run(store):
    first, second = make(store), make(store)
    store.remove(second)
    store.keep_within(int(1.5 * BYTES))
    assert ids(store) == [first]
    assert "not in the trash" in refusal(store.restore, second)


def test_the_limit_is_kept_when_a_run_is_made(store, monkeypatch):
    monkeypatch.setenv("DIGITLAB_RUNS_LIMIT", "0.25")
    store = RunStore(store.directory)
    made = [make(store) for _ in range(5)]
    writer = store.create(CONFIG)
    assert ids(store) == [writer.id, made[4], made[3]]
    writer.close()


@pytest.mark.parametrize("text", ["2GB", "-1", "nan", "inf", "１x"])
def test_a_limit_that_is_no_number_is_said(text, monkeypatch, tmp_path):
    monkeypatch.setenv("DIGITLAB_RUNS_LIMIT", text)
    said = refusal(RunStore, tmp_path)
    assert said == f"DIGITLAB_RUNS_LIMIT must be a number of megabytes such as 2000, not {text!r}."


def test_two_processes_keep_the_limit_together(store):
    made = [make(store) for _ in range(12)]
    others = [elsewhere(store, f"store.keep_within({BYTES * 7 // 2})") for _ in range(2)]
    assert [other.wait(30) for other in others] == [0, 0]
    assert ids(store) == made[:8:-1]
