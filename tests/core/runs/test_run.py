import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from mnist_core.data.mnist import open_mnist
from mnist_core.evaluation.metrics import evaluate
from mnist_core.messages import Message
from mnist_core.models.architectures import build_model
from mnist_core.recipes import RECIPES
from mnist_core.runs import run as runs
from mnist_core.runs import store as run_store
from mnist_core.runs.run import run_as_written
from mnist_core.runs.store import PROJECT, RunStore
from tests.core.stored_runs import CONFIG, finished, refusal


@pytest.fixture
def store(tmp_path) -> RunStore:
    return RunStore(tmp_path / "runs")


# Writing and reading


def test_a_new_run_is_queued_and_holds_its_settings(store):
    config = RECIPES["tutorial-4b"].config
    writer = store.create(config)
    run = store.get(writer.id)
    assert (run.status, run.config, run.results, run.message) == ("queued", config, {}, None)
    assert run.folder == store.directory / run.id
    assert run.checkpoints == []
    assert run.metrics().empty


def test_what_is_written_is_read(store):
    writer = store.create(CONFIG)
    writer.update("running", parameters=123, device="cpu")
    writer.update("failed", Message("It broke at {step}.", {"step": 3}), epochs=0.5)
    writer.close()
    run = store.get(writer.id)
    assert run.status == "failed"
    assert run.results == {"parameters": 123, "device": "cpu", "epochs": 0.5}
    assert run.message == Message("It broke at {step}.", {"step": 3})


def test_a_messages_values_become_plain_json(store):
    writer = store.create(CONFIG)
    values = {"path": Path("x"), "why": Message("because of {what}", {"what": "that"}), "rate": 0.5}
    writer.update("failed", Message("{path}: {why} ({rate:g})", values))
    assert str(store.get(writer.id).message) == "x: because of that (0.5)"


def test_metrics_are_rows_of_steps_and_epochs(store):
    writer = store.create(CONFIG)
    writer.add_metrics(epoch=1, step=10, train_loss=2.25, learning_rate=0.1)
    writer.add_metrics(epoch=1, step=20, train_loss=1.5, train_accuracy=0.5, monitor_accuracy=0.75)
    assert store.get(writer.id).metrics().empty
    writer.write_metrics()
    table = store.get(writer.id).metrics()
    assert list(table.columns) == list(runs.METRICS)
    assert table["step"].tolist() == [10, 20]
    assert table["train_loss"].tolist() == [2.25, 1.5]
    assert table["monitor_accuracy"].isna().tolist() == [True, False]


def test_the_last_checkpoint_is_the_one_loaded(store):
    writer = store.create(CONFIG)
    for epoch in (1, 2, 9, 9.5, 10, 100.25):
        model = build_model(CONFIG)
        torch.nn.init.constant_(model.network[1].bias, epoch)
        writer.save(model, epoch)
    run = store.get(writer.id)
    assert len(run.checkpoints) == 6
    assert run.load_model().network[1].bias.unique().item() == 100.25


def test_a_run_without_a_checkpoint_says_so(store):
    run = store.get(store.create(CONFIG).id)
    assert f"Run {run.id} has no checkpoint yet" in refusal(run.load_model)


def test_ids_cannot_be_guessed(store):
    ids = {store.create(CONFIG).id for _ in range(20)}
    assert len(ids) == 20
    assert all(len(run_id) == 16 and int(run_id, 16) >= 0 for run_id in ids)


@pytest.mark.parametrize("kind", ["given", "environment", "project"])
def test_runs_lie_where_they_are_wanted(kind, tmp_path, monkeypatch):
    monkeypatch.delenv("DIGITLAB_RUNS", raising=False)
    if kind == "project":
        assert RunStore().directory == PROJECT / "runs"
        return
    monkeypatch.setenv("DIGITLAB_RUNS", str(tmp_path / "environment"))
    given = str(tmp_path / "given") if kind == "given" else None
    assert RunStore(given).directory == tmp_path / kind


# Finding


def test_runs_are_listed_newest_first_whichever_was_written_last(store):
    writers = [store.create(CONFIG) for _ in range(5)]
    for writer in writers[2::-1]:
        writer.update("running")
    assert [run.id for run in store.list()] == [writer.id for writer in reversed(writers)]
    assert store.get("last").id == writers[-1].id


def test_a_store_without_runs_is_empty(store):
    assert store.list() == []
    assert "no run 'last'" in refusal(lambda: store.get("last"))


def test_a_run_is_found_by_id_and_by_a_unique_beginning(store, monkeypatch):
    names = iter(["aa11", "aa22", "bb33"])
    monkeypatch.setattr(run_store.secrets, "token_hex", lambda size: next(names))
    for _ in range(3):
        store.create(CONFIG)
    assert [store.get(name).id for name in ("aa11", "aa2", "b")] == ["aa11", "aa22", "bb33"]
    assert "2 runs start with 'aa'" in refusal(lambda: store.get("aa"))
    for unknown in ("cc", "aa111", "", "../runs", "11"):
        assert f"no run {unknown!r}" in refusal(lambda unknown=unknown: store.get(unknown))


@pytest.fixture
def pretrained(store, tmp_path, monkeypatch) -> Path:
    """A pretrained model, made here."""
    folder = store.get(finished(store, test_accuracy=0.9)).folder.rename(tmp_path / "pretrained")
    monkeypatch.setattr(run_store, "PRETRAINED", folder)
    return folder


def test_the_pretrained_model_is_a_run_by_name(pretrained, store, sample):
    run = store.get("pretrained")
    assert (run.id, run.folder, run.status) == ("pretrained", pretrained, "finished")
    assert 0 <= evaluate(run.load_model(), sample.test).accuracy <= 1
    assert store.list() == []


def test_the_pretrained_model_is_read_again_only_if_its_files_changed(pretrained, store, monkeypatch):
    read = []
    monkeypatch.setattr(run_store, "run_as_written", lambda *args: read.append(args) or run_as_written(*args))
    first, _listed, second = store.get("pretrained"), store.list(), store.get("pretrained")
    assert (first, len(read)) == (second, 1)
    state = json.loads((pretrained / "run.json").read_text())
    (pretrained / "run.json").write_text(json.dumps(state | {"results": {"test_accuracy": 0.5}}))
    assert store.get("pretrained").results == {"test_accuracy": 0.5}


def test_the_pretrained_model_stays(pretrained, store):
    assert "can't be changed or removed" in refusal(lambda: store.remove("pretrained"))
    assert store.get("pretrained").load_model()


def test_a_missing_pretrained_model_is_said(store, tmp_path, monkeypatch):
    monkeypatch.setattr(run_store, "PRETRAINED", tmp_path / "nothing")
    assert "no run 'pretrained'" in refusal(lambda: store.get("pretrained"))


def test_the_model_in_the_project_is_as_good_as_it_says(mnist_directory):
    run = RunStore().get("pretrained")
    assert (run.status, run.config.recipe, len(run.checkpoints)) == ("finished", "world", 1)
    assert run.checkpoints[0].stat().st_size <= 2_000_000
    assert run.results["test_accuracy"] >= 0.9965
    some = open_mnist(mnist_directory).test[:1_000]
    assert evaluate(run.load_model(), some).accuracy > 0.99


# Removing


def test_a_removed_run_is_gone_and_the_others_stay(store):
    first, second = finished(store), finished(store)
    store.remove(first)
    assert [run.id for run in store.list()] == [second]
    assert f"no run {first!r}" in refusal(lambda: store.remove(first))


@pytest.mark.parametrize("status", ["queued", "running"])
def test_a_run_in_training_is_not_removed(status, store):
    writer = store.create(CONFIG)
    writer.update(status)
    assert "still training; stop it first" in refusal(lambda: store.remove(writer.id))
    writer.close()
    store.remove(writer.id)
    assert store.list() == []


# Several stores and processes


def test_two_stores_see_each_others_runs(store):
    other = RunStore(store.directory)
    writer = store.create(CONFIG)
    writer.update("running")
    assert other.get(writer.id).status == "running"
    assert "still training" in refusal(lambda: other.remove(writer.id))
    writer.update("finished")
    writer.close()
    assert other.get(writer.id).status == "finished"
    other.remove(writer.id)
    assert store.list() == []


def test_many_may_look_at_once(store):
    writer = store.create(CONFIG)
    writer.update("running")
    with ThreadPoolExecutor(4) as pool:
        looks = [pool.submit(store.get, writer.id) for _ in range(200)]
        assert {look.result().status for look in looks} == {"running"}
        writer.close()
        looks = [pool.submit(store.get, writer.id) for _ in range(200)]
        assert {look.result().status for look in looks} == {"interrupted"}


@pytest.mark.parametrize("status", ["queued", "running", "finished"])
def test_a_run_whose_process_was_killed_is_interrupted_unless_it_had_ended(status, store):
    code = (
        "import os, sys\n"
        "from mnist_core.config import TrainConfig\n"
        "from mnist_core.runs.store import RunStore\n"
        "RunStore(sys.argv[1]).create(TrainConfig()).update(sys.argv[2])\n"
        "os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", code, str(store.directory), status], cwd=PROJECT, check=False)
    (run,) = store.list()
    assert run.status == ("finished" if status == "finished" else "interrupted")
    store.remove(run.id)
    assert store.list() == []
