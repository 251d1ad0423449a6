import json
from dataclasses import replace

import numpy as np
import pytest

from mnist_core.__main__ import main
from mnist_core.cli import commands
from mnist_core.config import TrainConfig
from mnist_core.evaluation.significance import mcnemar, welch
from mnist_core.models.architectures import build_model
from mnist_core.runs.store import RunStore

FAST = ["--set", "widths=8", "--set", "train_size=200", "--epochs", "1", "--threads", "1"]


@pytest.fixture
def store(tmp_path, monkeypatch, sample) -> RunStore:
    monkeypatch.setenv("DIGITLAB_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(commands, "load_dataset", lambda directory, progress: replace(sample, notice=None))
    return RunStore()


def answer(capsys, *arguments: str) -> dict:
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_repeat_trains_the_next_seeds_and_sums_them_up(capsys, store):
    said = answer(capsys, "train", "--recipe", "tutorial-5", *FAST, "--seed", "3", "--repeat", "3")
    runs = [store.get(run["run"]) for run in said["runs"]]
    assert [run.config.seed for run in runs] == [3, 4, 5]
    accuracies = [run.results["test_accuracy"] for run in runs]
    assert len(set(accuracies)) > 1
    assert said["summary"]["mean"] == pytest.approx(np.mean(accuracies))
    assert said["summary"]["deviation"] == pytest.approx(np.std(accuracies, ddof=1))
    assert main(["train", "--recipe", "tutorial-5", *FAST, "--repeat", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["run", "test", "run", "test", "2"]


def test_runs_are_compared(capsys, store, sample):
    first = answer(capsys, "train", "--recipe", "tutorial-5", *FAST, "--repeat", "2")["runs"]
    second = answer(capsys, "train", "--recipe", "tutorial-3", *FAST, "--repeat", "2")["runs"]
    ids = [run["run"] for run in (*first, *second)]
    said = answer(capsys, "compare", *ids)
    assert [run["run"] for run in said["runs"]] == ids
    assert [run["accuracy"] for run in said["runs"]] == [run["test_accuracy"] for run in (*first, *second)]
    assert said["images"] == len(sample.test)
    assert said["settings"]["seed"] == [0, 1, 0, 1]
    assert "widths" not in said["settings"]
    assert len(said["pairs"]) == 6
    assert said["pairs"][0]["p"] == mcnemar(
        *(len(said["pairs"][0][key]) for key in ("only_first", "only_second"))
    )
    assert [group["runs"] for group in said["groups"]] == [ids[:2], ids[2:]]
    (test,) = said["group_tests"]
    accuracies = [run["accuracy"] for run in said["runs"]]
    assert test["p"] == pytest.approx(welch(accuracies[:2], accuracies[2:]).p)
    assert main(["compare", *ids]) == 0
    out = capsys.readouterr().out
    for sentence in (said["pairs"][0]["statements"][0], test["statements"][0], said["notes"][0]):
        assert sentence in out
    assert "\n  optimizer" in out
    alone = said["runs"][2]["right_alone"]
    images = ", ".join(map(str, alone[:10])) or "no image"
    assert f"only {said['runs'][2]['name']} classifies correctly: {images}" in out
    assert said["runs"][2]["name"].startswith("Tutorial 3, 1x8, 1 epoch, 200 images")
    assert all(run_id in out for run_id in ids)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["compare", "nobody", "last"], "There is no run 'nobody'"),
        (["compare", "last"], "From 2 to 8 runs"),
        (["compare", "last", "last"], "is named twice"),
        (
            ["compare", "pretrained", "last"],
            "Run pretrained was trained on MNIST and the test images are from the offline",
        ),
        (["train", "--repeat", "0"], "--repeat must be from 1 to 1000, not 0."),
        (["train", "--repeat", "2", "--seed", str(2**31 - 1)], "seed must be from 0 to"),
    ],
)
def test_bad_input_gets_one_sentence(arguments, sentence, capsys, store):
    writer = store.create(TrainConfig())
    writer.save(build_model(writer.config), 1)
    writer.close()
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert sentence in err
    assert len(err.splitlines()) == 1


def test_a_run_without_weights_is_named(capsys, store):
    ids = [writer.id for writer in (store.create(TrainConfig()), store.create(TrainConfig()))]
    assert main(["compare", *ids]) == 2
    assert f"Run {ids[0]} has no checkpoint yet" in capsys.readouterr().err
