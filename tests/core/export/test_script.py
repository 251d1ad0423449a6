"""Exported scripts, run where the project can't be imported, give their runs' results.

To the last digit where script and run do the same operations on the same number of threads. How MKL rounds a
matrix product depends on more than its operands: its AVX-512 kernels, which it takes on Intel's processors,
round differently when two threads share the rows; its baseline kernels, which it takes on AMD's, when an
array does not begin at a multiple of 16 bytes. Where we don't control that, losses agree to 1e-6.
"""

import json
import math
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import pytest
import torch

from mnist_core.__main__ import main
from mnist_core.choices import ACTIVATIONS, OPTIMIZERS, SCHEDULES
from mnist_core.config import TrainConfig
from mnist_core.data.idx_files import IdxFile
from mnist_core.data.mnist import Dataset
from mnist_core.export.script import training_script
from mnist_core.messages import InputError
from mnist_core.recipes import RECIPES
from mnist_core.runs.run import Run
from mnist_core.runs.run_trainer import train_run
from mnist_core.runs.store import RunStore
from mnist_core.runs.writer import RunWriter
from mnist_core.training.events import Started, StepDone, TrainingControl

SMALL = {"train_size": 300, "validation_size": 100, "epochs": 2, "monitor": "validation"}
TINY = {**SMALL, "widths": (12,), "batch_size": 50}
CNN = {**TINY, "architecture": "cnn", "channels": (4,), "train_size": 120, "epochs": 1}
RUN_EACH = """
import contextlib, io, json, runpy, sys
folder, *scripts = sys.argv[1:]
said = []
for script in scripts:
    sys.argv = [script, folder]
    with contextlib.redirect_stdout(io.StringIO()) as out:
        names = runpy.run_path(script, run_name="__main__")
    said.append(out.getvalue().splitlines())
print(json.dumps([said, sorted(name for name in sys.modules if name.startswith("mnist_core"))]))
"""
SETTINGS: dict[str, dict] = {
    "resnet": {
        **CNN,
        "architecture": "resnet",
        "channels": (2, 4),
        "batch_norm": True,
        "activation": "maxout",
        "train_size": 60,
    },
    "vgg": {**CNN, "architecture": "vgg", "augmentation": "elastic", "batch_size": 40},
    "many pens": {**CNN, "channels": (4,), "augmentation": "pens"},
    "lenet5": {**CNN, "architecture": "lenet5", "activation": "tanh", "precision": "bfloat16"},
    "fast_cnn": {**CNN, "architecture": "fast_cnn", "channels": (4, 6), "augmentation": "affine"},
    "wide, bfloat16": {
        **CNN,
        "channels": (16,),
        "precision": "bfloat16",
        "activation": "none",
        "train_size": 60,
    },
    "softmax": {**TINY, "architecture": "softmax", "augmentation": "shift", "input_scaling": "symmetric"},
    "dropout": {**TINY, "dropout": 0.3, "batch_norm": True, "train_size": 251},
    "smoothing": {
        **TINY,
        "label_smoothing": 0.1,
        "widths": (12, 12),
        "activation": "rrelu",
        "shuffle": False,
    },
    "in order, varied": {**TINY, "shuffle": False, "augmentation": "shift", "seed": 5},
    "muon": {**TINY, "optimizer": "muon", "schedule": "one_cycle", "learning_rate": 0.02},
    "muon, constant": {**CNN, "optimizer": "muon", "batch_norm": True, "weight_decay": 0.1},
    "large batches": {**TINY, "train_size": 1450, "batch_size": 1400, "widths": (8,), "dropout": 0.2},
    "large batches, varied": {**CNN, "train_size": 1450, "batch_size": 1400, "augmentation": "affine"},
    "initialized, clipped": {**TINY, "initialization": "xavier_normal", "gradient_clipping": 0.5},
    "initialized cnn": {**CNN, "initialization": "small_normal", "batch_norm": True, "precision": "bfloat16"},
    "orthogonal, clipped, muon": {
        **CNN,
        "initialization": "orthogonal",
        "optimizer": "muon",
        "gradient_clipping": 1.0,
        "precision": "bfloat16",
    },
    "full batch": {**TINY, "batch_size": 60_000, "epochs": 3, "augmentation": "shift", "optimizer": "sgd"},
}
# Each activation, optimizer and schedule at least once, not each with each.
SETTINGS |= {
    f"{activation}, {optimizer}, {schedule}": {
        **TINY,
        "activation": activation,
        "optimizer": optimizer,
        "schedule": schedule,
        "weight_decay": 0.01,
        "train_size": 150,
        "validation_size": 20,
        "batch_size": 25,
    }
    for activation, optimizer, schedule in zip(ACTIVATIONS, cycle(OPTIMIZERS), cycle(SCHEDULES), strict=False)
}

CONFIGS = {name: TrainConfig(**settings) for name, settings in SETTINGS.items()}
SCRIPTED = [name for name in RECIPES if not RECIPES[name].config.written_share]
CONFIGS |= {name: replace(RECIPES[name].config, train_size=90, epochs=1) for name in SCRIPTED}
for name in ("accurate", "best"):  # of eight times as many channels, they take as long as all others
    CONFIGS[name] = replace(CONFIGS[name], channels=tuple(n // 8 for n in CONFIGS[name].channels))
CONFIGS["two epochs"] = replace(RECIPES["tutorial-1"].config, train_size=300)

ON_TWO_THREADS: dict[str, dict] = {
    "cnn, two threads": {**CNN, "channels": (16,), "batch_size": 37},
    "vgg, two threads": {**CNN, "architecture": "vgg", "label_smoothing": 0.1, "augmentation": "shift"},
    "mlp, two threads": {**TINY, "widths": (300,)},
    "dropout, two threads": {**TINY, "widths": (300,), "dropout": 0.2},
}
CHANGED: dict[str, dict] = {
    "one-cycle": {"schedule": "one_cycle", "dropout": 0.2},
    "constant": {"augmentation": "shift", "batch_norm": True},
    "muon, cosine": {"optimizer": "muon", "schedule": "cosine"},
}

OTHER_RATES: dict[int, dict] = {4: {"learning_rate": 0.003}, 8: {"learning_rate": 0.002}}
STEERED_RUNS: dict[str, tuple[dict, dict[int, dict]]] = {
    "all five, one-cycle": (
        {"optimizer": "momentum", "schedule": "one_cycle"},
        {
            2: {"dropout": 0.3, "augmentation": "shift"},
            4: {"momentum": 0.5, "augmentation": "pens", "learning_rate": 0.003},
            9: {"weight_decay": 0.01, "label_smoothing": 0.1, "dropout": 0.0, "augmentation": "none"},
            13: {"augmentation": "affine", "momentum": 0.0},
        },
    ),
    "muon": (
        {"optimizer": "muon", "dropout": 0.2, "batch_norm": True, "shuffle": False},
        {3: {"weight_decay": 0.1, "momentum": 0.5, "dropout": 0.5}, 7: {"label_smoothing": 0.1}},
    ),
    "before the first step": (
        {"augmentation": "shift", "optimizer": "adamw"},
        {0: {"augmentation": "elastic", "dropout": 0.1, "weight_decay": 0.0}, 5: {"augmentation": "none"}},
    ),
    "large batches": (
        {"train_size": 1450, "batch_size": 1400, "optimizer": "nesterov", "monitor": "test"},
        {1: {"augmentation": "shift", "dropout": 0.2}, 3: {"label_smoothing": 0.1, "momentum": 0.95}},
    ),
}

ELSEWHERE = ("initialized cnn", "vgg", "fast_cnn", "softmax", "in order, varied", "large batches, varied")


@pytest.fixture(scope="module")
def mnist(sample: Dataset) -> Dataset:
    """The sample, passing for MNIST."""
    return replace(sample, source="mnist", notice=None)


@pytest.fixture(scope="module")
def folder(mnist: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same images in files as torchvision would have downloaded them."""
    folder = tmp_path_factory.mktemp("data")
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, split in (("train", mnist.train), ("t10k", mnist.test)):
        for kind, values in (("images-idx3", split.images), ("labels-idx1", split.labels)):
            content = IdxFile(values.shape, "").header + values.tobytes()
            (raw / f"{name}-{kind}-ubyte").write_bytes(content)
    return folder


def train(store: RunStore, config: TrainConfig, dataset: Dataset) -> Run:
    writer = store.create(config)
    list(train_run(writer, dataset, torch.device("cpu")))
    return store.get(writer.id)


def leave_and_go_on(
    store: RunStore, config: TrainConfig, dataset: Dataset, epochs: int | None, steering: dict[int, dict]
) -> Run:
    """Train with other settings from some steps on, stop in the third epoch, and go on if told so."""
    writer, control = store.create(config), TrainingControl()
    for event in train_run(writer, dataset, torch.device("cpu"), control):
        if isinstance(event, Started | StepDone):
            step = getattr(event, "step", 0)
            control.changes.extend([steering[step]] if step in steering else [])
            control.ending = "stopped" if step == 14 else None
    if epochs is not None:
        writer = RunWriter(store.get(writer.id).folder, replace(config, epochs=epochs))
        list(train_run(writer, dataset, torch.device("cpu")))
    return store.get(writer.id)


def expected(run: Run) -> str:
    return f"test accuracy {run.results['test_accuracy']}, loss {run.results['test_loss']}"


NEARLY = 1e-6
"""Relative difference of two losses whose rounding we don't control; another batch or rate changes more."""


def is_result(said: str, run: Run) -> bool:
    """Whether a script gave its run's result: to the last digit, or nearly so where rounding isn't ours.

    It isn't on a device, where a script evaluates on as many threads as it trains on, the run on one; nor in
    Muon's steps, whose iterations enlarge a last bit.
    """
    if run.config.optimizer != "muon" and run.results["device"] == "cpu":
        return said == expected(run)
    accuracy, loss = said.split(", loss ")
    nearly = math.isclose(float(loss), run.results["test_loss"], rel_tol=NEARLY)
    return nearly and expected(run).startswith(f"{accuracy}, loss ")


def isolated(folder: Path, *arguments: object) -> list[str]:
    """What Python says in an empty folder, without the project, the user's packages or PYTHON variables."""
    (folder / "empty").mkdir()
    command = [sys.executable, "-I", *map(str, arguments)]
    done = subprocess.run(command, cwd=folder / "empty", capture_output=True, text=True, check=False)
    assert not done.stderr
    assert list((folder / "empty").iterdir()) == []
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def runs(mnist, tmp_path_factory) -> dict[str, Run]:
    """A finished run of each config, and changed ones; parts of batches are small, to need few images."""
    store = RunStore(tmp_path_factory.mktemp("runs"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mnist_core.training.gradients.PIECE", 500)
        patch.setattr("mnist_core.training.batches.PIECE", 500)
        runs = {name: train(store, config, mnist) for name, config in CONFIGS.items()}
        torch.set_num_threads(2)
        for name, settings in ON_TWO_THREADS.items():
            runs[name] = train(store, TrainConfig(**settings), mnist)
        torch.set_num_threads(1)
        for name, settings in CHANGED.items():
            config = TrainConfig(**{**TINY, "epochs": 3, **settings})
            epochs = None if name == "constant" else 5
            runs[f"{name}, {'continued' if epochs else 'stopped'}"] = leave_and_go_on(
                store, config, mnist, epochs, OTHER_RATES
            )
        for name, (settings, steering) in STEERED_RUNS.items():
            config = TrainConfig(**{**TINY, "epochs": 3, **settings})
            runs[f"{name}, steered"] = leave_and_go_on(store, config, mnist, 4, steering)
        for name in ELSEWHERE:
            runs[f"{name}, moved to a device"] = moved(runs[name], "cpu:0")
    assert {runs[name].results["threads"] for name in CONFIGS} == {1}
    assert {runs[name].results["threads"] for name in ON_TWO_THREADS} == {2}
    return runs


def moved(run: Run, device: str) -> Run:
    """The same run, as if it had been trained on a device that a script has to move its tensors to."""
    return replace(run, results={**run.results, "device": device})


def write_scripts(folder: Path, runs: Iterable[Run]) -> list[Path]:
    scripts = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mnist_core.training.gradients.PIECE", 500)
        patch.setattr("mnist_core.training.batches.PIECE", 500)
        for number, run in enumerate(runs):
            scripts.append(folder / f"{number:02}.py")
            scripts[-1].write_text(training_script(run))
    return scripts


@pytest.fixture(scope="module")
def said(runs, folder, tmp_path_factory) -> dict[str, list[str]]:
    """What the script of each run prints, one after the other in one process without anything of ours."""
    place = tmp_path_factory.mktemp("scripts")
    scripts = write_scripts(place, runs.values())
    (place / "run_each.py").write_text(RUN_EACH)
    (answer,) = isolated(place, place / "run_each.py", folder, *scripts)
    said, ours = json.loads(answer)
    assert ours == []
    return dict(zip(runs, said, strict=True))


def test_a_script_says_how_it_goes(runs, said):
    first, *epochs, _ = said["two epochs"]
    assert first == f"before training: test accuracy {runs['two epochs'].results['initial_accuracy']:.2%}"
    assert [line.split(":")[0] for line in epochs] == ["epoch 1", "epoch 2"]


def test_scripts_of_all_kinds_of_settings_give_their_runs_results(runs, said):
    pairs = ((said[name][-1], run) for name, run in runs.items())
    assert [(line, expected(run)) for line, run in pairs if not is_result(line, run)] == []


@pytest.mark.slow
def test_the_script_of_a_recipe_on_mnist_itself_gives_its_runs_result(mnist_directory, tmp_path, capsys):
    """Trained by the command line for an epoch, on as many threads as the trial chooses; tested on all."""

    def command_line(*arguments: str) -> dict:
        assert main([*arguments, "--runs", str(tmp_path / "runs"), "--json"]) == 0
        return json.loads(capsys.readouterr().out.splitlines()[-1])

    settings = ("--recipe", "quick", "--epochs", "1", "--set", "train_size=3000", "--device", "cpu")
    trained = command_line("train", *settings, "--data", str(mnist_directory))
    command_line("export", "last", "--as", "script", "--out", str(tmp_path / "script.py"))
    *_, said = isolated(tmp_path, tmp_path / "script.py", mnist_directory)
    assert said == f"test accuracy {trained['test_accuracy']}, loss {trained['test_loss']}"


def test_scripts_are_formatted_as_ruff_would(tmp_path, runs):
    elsewhere = [moved(run, "cuda") for run in runs.values()]
    elsewhere = [replace(run, results={**run.results, "precision": "bfloat16"}) for run in elsewhere]
    write_scripts(tmp_path, [*runs.values(), *elsewhere])
    for command in (["check", "--select", "E,F,I"], ["format", "--diff"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--isolated", str(tmp_path)]
        done = subprocess.run(ruff, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_a_script_says_only_what_its_network_needs(runs):
    script = training_script(runs["tutorial-3"])
    for word in ("augment", "schedule", "step_", "import math", "Maxout", "MOMENTUM", "DEVICE", "shuffling"):
        assert word not in script
    assert len(script.splitlines()) < 90
    accuracy = runs["tutorial-3"].results["test_accuracy"]
    assert f"test accuracy of {accuracy:.2%}" in " ".join(script.split())  # a line may end within


def test_a_run_on_the_sample_has_no_script(runs):
    run = replace(runs["tutorial-3"], results={"source": "sample"})
    with pytest.raises(InputError, match="offline sample"):
        training_script(run)


def test_a_run_trained_on_synthetic_digits_has_no_script(runs):
    config = replace(runs["tutorial-3"].config, written_share=0.1)
    with pytest.raises(InputError, match="synthetic digits"):
        training_script(replace(runs["tutorial-3"], config=config))


def test_a_run_that_never_began_has_a_script_of_its_settings(runs):
    config = TrainConfig(batch_norm=True, batch_size=1000, train_size=50_001)
    script = training_script(replace(runs["softmax"], config=config, status="failed", results={}))
    assert "TRAIN_IMAGES = 50_000 " in script
    assert "right, with a loss" not in script
