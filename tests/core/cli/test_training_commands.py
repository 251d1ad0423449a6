import json
import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from mnist_core.cli import commands, train
from mnist_core.evaluation.metrics import evaluate
from mnist_core.recipes import RECIPES
from mnist_core.runs.store import PROJECT, RunStore
from tests.core.cli.command_line import FAST


def test_train_answers_what_came_of_it_and_keeps_the_run(command, store, sample):
    answer = command.json("train", "--recipe", "tutorial-3", *FAST, "--seed", "4", "--set", "batch_size=10")
    run = store.get(answer["run"])
    assert run.config == replace(
        RECIPES["tutorial-3"].config, widths=(8,), train_size=200, epochs=1, seed=4, batch_size=10
    )
    assert answer["recipe"] == "tutorial-3"
    assert answer["parameters"] == 784 * 8 + 8 + 80 + 10
    assert (answer["epochs"], answer["device"], answer["threads"]) == (1, "cpu", 1)
    assert answer["train_seconds"] > 0
    assert 0 <= answer["initial_accuracy"] <= 1
    result = evaluate(run.load_model(), sample.test)
    assert (answer["test_accuracy"], answer["test_loss"]) == (result.accuracy, result.loss)


def test_the_same_seed_and_threads_give_the_same_accuracy_to_the_last_digit(command):
    keys = ("initial_accuracy", "test_accuracy", "test_loss")
    first, again = (command.json("train", "--recipe", "quick", *FAST, "--seed", "4") for _ in range(2))
    assert [first[key] for key in keys] == [again[key] for key in keys]
    assert first["run"] != again["run"]


def test_train_shows_its_progress_and_its_end_to_people(command):
    code, out, err = command("train", "--recipe", "tutorial-1", *FAST)
    assert code == 0
    assert "before training: " in err
    assert "epoch 1: loss " in err
    assert "finished: 1 epochs" in out
    assert "test accuracy " in out


def test_train_says_what_is_wrong_with_a_run(command):
    ill = ("--set", "learning_rate=0.000001", "--set", "batch_size=5", "--epochs", "4")
    code, out, err = command("train", "--recipe", "tutorial-1", *FAST, *ill)
    assert code == 0
    assert "diagnostics: The learning rate looks too small. After " in err
    assert "Learning rate 0.001 instead of 1e-06." in err
    assert "diagnostics" not in out
    assert "diagnostics" not in command("train", "--recipe", "tutorial-1", *FAST)[2]


def test_a_training_that_does_not_fit_into_memory_is_refused_before_it_starts(command, store, monkeypatch):
    monkeypatch.setenv("DIGITLAB_MEMORY", "1000")
    before = len(store.list())
    code, out, err = command("train", "--set", "widths=4096,4096,4096,4096,4096,4096,4096,4096")
    assert (code, out) == (2, "")
    assert err.count("This training needs about 5.3 GB of memory, and this machine has 1 GB.") == 1
    assert len(store.list()) == before


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_are_as_asked(threads, command):
    answer = command.json("train", "--recipe", "tutorial-3", *FAST[:-1], str(threads))
    assert answer["threads"] == threads


def test_threads_are_chosen_by_a_trial_if_not_asked_for(command, monkeypatch):
    monkeypatch.setattr("mnist_core.runtime.devices.usable_cores", lambda: 2)
    monkeypatch.setattr("mnist_core.training.autotune._images_per_second", lambda *given: given[2])
    assert command.json("train", "--recipe", "tutorial-3", *FAST[:-2])["threads"] == 2


def test_runs_can_be_kept_elsewhere(command, tmp_path, store):
    elsewhere = str(tmp_path / "elsewhere")
    run_id = command.json("train", "--recipe", "tutorial-3", *FAST, "--runs", elsewhere)["run"]
    assert store.list() == []
    assert RunStore(elsewhere).get(run_id).status == "finished"
    assert command.json("evaluate", "last", "--runs", elsewhere)["run"] == run_id


def test_a_run_that_diverges_fails_and_says_why(command, store):
    code, out, err = command(
        *("train", "--recipe", "tutorial-3", "--threads", "1", "--epochs", "50"),
        *("--set", "widths=64,64,64,64,64,64,64,64", "--set", "learning_rate=100"),
    )
    assert (code, out) == (2, "")
    assert "learning rate of 100; try 0.1" in err.splitlines()[-1]
    assert store.get("last").status == "failed"


@pytest.mark.parametrize("when", [1, 2, 4])
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_ctrl_c_ends_the_training_and_keeps_what_was_learned(when, form, command, store, monkeypatch):
    """Pressed during the first scoring, the first steps, and later."""
    seen = 0

    def pressed() -> bool:
        nonlocal seen
        seen += 1
        return seen >= when

    class CtrlC:
        def __enter__(self):
            return pressed

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(train, "catch_ctrl_c", CtrlC)
    code, out, _ = command("train", "--recipe", "tutorial-3", *FAST, *form)
    run = store.get("last")
    assert (code, run.status) == (0, "stopped")
    assert run.id in out
    assert bool(run.checkpoints) == (when > 1)


def test_a_run_is_continued_to_more_epochs(command, store):
    run_id = command.json("train", "--recipe", "tutorial-3", *FAST)["run"]
    assert "ask for more than that" in command.refusal("continue", "last")
    answer = command.json("continue", run_id, "--epochs", "3")
    whole = command.json("train", "--recipe", "tutorial-3", *FAST, "--epochs", "3")
    same = ("epochs", "test_accuracy", "test_loss", "initial_accuracy")
    assert [answer[key] for key in same] == [whole[key] for key in same]
    assert answer["run"] == run_id


def test_a_run_is_not_continued_on_other_images(command, store, own_images, monkeypatch):
    run_id = command.json("train", "--recipe", "tutorial-3", *FAST)["run"]
    known = store.get(run_id)
    other = replace(own_images, source="mnist")  # as if MNIST had been fetched meanwhile
    monkeypatch.setattr(commands, "load_dataset", lambda directory, progress: other)
    refusal = command.refusal("continue", "last", "--epochs", "3")
    assert "trained on the offline sample, and MNIST is here now" in refusal
    assert store.get(run_id) == known


def test_ctrl_c_itself(tmp_path, store):
    """In a process of its own, on images that are only the sample as torchvision isn't there."""
    stub = tmp_path / "stub" / "torchvision"
    stub.mkdir(parents=True)
    (stub / "__init__.py").write_text("raise ImportError('not here')")
    environment = {**os.environ, "PYTHONPATH": str(stub.parent), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    command = [sys.executable, "-m", "mnist_core", "train", "--recipe", "tutorial-1", "--json"]
    command += ["--epochs", "1000", "--threads", "1"]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=PROJECT, env=environment, stdout=pipe, stderr=pipe, text=True
    ) as child:
        errors = ""
        while "epoch 1:" not in errors:
            character = child.stderr.read(1)
            assert character, errors
            errors += character
        child.send_signal(signal.SIGINT)
        out, rest = child.communicate(timeout=60)
    assert child.returncode == 0, rest
    answer = json.loads(out.splitlines()[-1])
    assert 1 <= answer["epochs"] < 1000
    run = store.get(answer["run"])
    assert run.status == "stopped"
    assert answer["test_accuracy"] == run.results["test_accuracy"] > 0.5
    assert "sample of 1,797 small digits" in errors
    assert "Traceback" not in errors + rest
