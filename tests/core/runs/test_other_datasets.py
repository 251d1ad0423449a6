"""Runs on other data sets than MNIST: any number of classes, in training, evaluation, names and commands."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from mnist_core.choices import ARCHITECTURES
from mnist_core.config import TrainConfig
from mnist_core.data.datasets import unpacked_folder, write_set
from mnist_core.data.mnist import Split
from mnist_core.data.statistics import statistics
from mnist_core.dataset_choices import DATASETS, MNIST, DatasetInfo
from mnist_core.evaluation.attribution import activations, check_class
from mnist_core.evaluation.calibration_curves import brier_score
from mnist_core.evaluation.counterfactual import smallest_change
from mnist_core.evaluation.metrics import evaluate
from mnist_core.messages import InputError
from mnist_core.models.architectures import build_model
from mnist_core.models.summary import describe_layers
from mnist_core.monitoring.probes import watched_digits
from mnist_core.monitoring.run_history import RunHistory
from mnist_core.recipes import RECIPES
from mnist_core.recognition.recognizer import predict, predict_all
from mnist_core.runs.comparison import check_comparable
from mnist_core.runs.names import slug, title
from mnist_core.runs.run_trainer import train_run
from mnist_core.runs.store import RunStore
from tests.core.cli.command_line import CommandLine
from tests.made_sets import pictures, unpack_made_set

LETTERS = TrainConfig(dataset="emnist-letters", widths=(64,), epochs=20, batch_size=10, validation_size=26)
TWO = DatasetInfo("Two", "", ("yes", "no"), (40, 20, 0), 10)


@pytest.fixture
def made(tmp_path, own_cache, monkeypatch):
    """A directory of data with small sets of 26, 47, 10 and 2 classes."""
    monkeypatch.setitem(DATASETS.published, "two", TWO)
    folder = tmp_path / "made"
    for key, count in (("emnist-letters", 156), ("emnist-balanced", 94), ("usps", 60), ("two", 40)):
        unpack_made_set(folder, key, count, count // 2)
    further = {name: pictures(20, 10, seed) for seed, name in enumerate(("train", "test", "further"))}
    list(write_set(unpacked_folder(folder, "qmnist"), further))
    monkeypatch.setenv("DIGITLAB_DATA", str(folder))
    monkeypatch.setenv("DIGITLAB_RUNS", str(tmp_path / "runs"))
    return folder


@pytest.fixture
def command(capsys, made) -> CommandLine:
    return CommandLine(capsys)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("key", ["emnist-balanced", "two"])
def test_every_architecture_has_an_output_for_each_class(architecture, key, monkeypatch):
    monkeypatch.setitem(DATASETS.published, "two", TWO)
    entry = ARCHITECTURES[architecture]
    config = TrainConfig(dataset=key, architecture=architecture, channels=entry.channels or (16, 32))
    classes = len(DATASETS[key].classes)
    model = build_model(config).eval()
    assert model.outputs == classes
    assert describe_layers(config)[-1].shape == (classes,)
    assert str(describe_layers(config)[-1].title) == f"Fully connected, {classes} outputs"
    assert len(activations(model, np.zeros((28, 28), np.uint8))[-1].values) == classes


@pytest.mark.parametrize("key", ["emnist-letters", "two"])
def test_a_run_learns_and_is_evaluated(key, made, tmp_path):
    from mnist_core.cli.commands import load_data

    data, config = load_data(None, key), replace(LETTERS, dataset=key, validation_size=10)
    store = RunStore(tmp_path / "runs")
    writer = store.create(config)
    list(train_run(writer, data, torch.device("cpu")))
    run = store.get(writer.id)
    classes = len(DATASETS[key].classes)
    assert run.config.dataset == run.results["source"] == key
    assert json.loads((run.folder / "config.json").read_text())["dataset"] == key
    result = evaluate(run.load_model(), data.test)
    assert result.accuracy == run.results["test_accuracy"] > 0.9
    assert result.confusion_matrix.shape == (classes, classes)
    assert np.array_equal(result.confusion_matrix.sum(1), np.bincount(data.test.labels, minlength=classes))
    assert len(result.per_class) == classes
    assert 0 <= brier_score(result.probabilities, result.labels) < 1
    assert run.probes()[-1].probabilities.shape[1] == classes
    history = RunHistory(config, run.metrics(), run.probes())
    assert history.chance_loss == pytest.approx(np.log(classes))
    image = data.test.images[0]
    answer = predict(run.load_model(), image)
    assert answer.label == data.test.labels[0]
    assert predict_all(run.load_model(), [None])[0].probabilities.shape == (classes,)
    other = (int(data.test.labels[0]) + 1) % classes
    model = run.load_model()
    reads = lambda images: model(torch.from_numpy(images)).argmax(1).numpy()  # noqa: E731
    changed = smallest_change(model, image, other, reads)
    assert changed is None or reads(changed.image[None])[0] == other
    with pytest.raises(InputError, match=f"A class of this network is 0 to {classes - 1}"):
        check_class(classes, model)


def test_statistics_count_each_class(made):
    images, labels = pictures(94, 47)
    found = statistics(Split(images, labels, dataset="emnist-balanced"))
    assert found.counts.tolist() == [2] * 47
    assert found.means.shape == (47, 28, 28)


def test_of_many_classes_some_are_watched():
    labels = np.repeat(np.arange(47), 3)
    watched = labels[watched_digits(labels)]
    assert len(watched) == 12
    assert (watched[0], watched[-1]) == (0, 46)
    assert len(set(watched)) == 12


def test_mnist_goes_without_saying():
    assert "dataset" not in TrainConfig().to_json()
    assert TrainConfig.from_json({}).dataset == MNIST
    letters = TrainConfig.from_json({**LETTERS.to_json()})
    assert letters == LETTERS
    with pytest.raises(InputError, match="dataset can't be 'imagenet'; choose one of mnist, qmnist"):
        TrainConfig(dataset="imagenet")


def test_a_recipe_on_another_set_takes_all_of_its_images_and_is_named_after_it():
    quick = RECIPES["quick"].config
    letters, usps = quick.on_dataset("emnist-letters"), quick.on_dataset("usps")
    assert (letters.train_size, letters.validation_size) == (124_800, quick.validation_size)
    assert (usps.train_size, usps.validation_size) == (7_291, 1_000)
    assert title(letters) == f"{title(quick)}, EMNIST letters"
    assert slug(usps) == "quick-usps"
    assert title(replace(usps, train_size=100)) == f"{title(quick)}, USPS, 100 images"
    part = RECIPES["tutorial-4b"].config
    assert part.on_dataset("kmnist").train_size == part.train_size == 55_000
    assert RECIPES["world"].config.on_dataset("kmnist").written_share == 0
    assert quick.on_dataset("usps").on_dataset(MNIST).train_size == 60_000 - 52_709


def test_synthetic_digits_are_for_sets_of_digits():
    assert TrainConfig(dataset="usps", written_share=0.1)
    with pytest.raises(InputError, match="Synthetic images are digits"):
        TrainConfig(dataset="kmnist", written_share=0.1)


FAST = ("--set", "widths=8", "--epochs", "1", "--threads", "1", "--recipe", "tutorial-3")


def test_the_command_line_trains_and_evaluates_on_a_set(command):
    trained = command.json("train", "--dataset", "emnist-letters", *FAST, "--set", "validation_size=20")
    shown = command.json("evaluate", trained["run"])
    assert shown["accuracy"] == trained["test_accuracy"]
    assert np.shape(shown["confusion_matrix"]) == (26, 26)
    _code, out, _err = command("evaluate", trained["run"])
    assert "class  precision" in out
    assert "\n    Z  " in out
    assert command.json("data", "--dataset", "emnist-letters")["train_images"] == 156


def test_a_run_is_tried_on_a_set_of_the_same_classes(command):
    trained = command.json("train", "--dataset", "usps", *FAST, "--set", "validation_size=20")
    code, out, err = command("evaluate", trained["run"], "--dataset", "qmnist", "--split", "further")
    assert code == 0
    assert "on 20 further test images" in out
    assert "This network learned USPS and is tried on QMNIST: other people wrote" in err
    assert "has other classes than EMNIST letters" in command.refusal(
        "evaluate", trained["run"], "--dataset", "emnist-letters"
    )
    assert "USPS has no further test images" in command.refusal(
        "evaluate", trained["run"], "--split", "further"
    )


def test_a_run_does_not_go_on_with_another_set(made, tmp_path):
    from mnist_core.cli.commands import load_data

    writer = RunStore(tmp_path / "runs").create(replace(LETTERS, dataset="usps"))
    with pytest.raises(InputError, match="This run learns USPS, not QMNIST"):
        list(train_run(writer, load_data(None, "qmnist"), torch.device("cpu")))


def test_only_runs_on_the_same_set_are_compared(command, tmp_path):
    ids = [
        command.json("train", "--dataset", key, *FAST, "--set", "validation_size=20")["run"]
        for key in ("usps", "qmnist", "usps")
    ]
    store = RunStore()
    with pytest.raises(InputError, match="was trained on QMNIST and the test images are from USPS"):
        check_comparable([store.get(run_id) for run_id in ids[:2]], "usps")
    assert command("compare", ids[0], ids[2])[0] == 0
    assert "trained on QMNIST" in command.refusal("compare", ids[0], ids[1])
