"""The model card of a run follows its data set."""

from dataclasses import replace

import numpy as np
import pytest

from mnist_core.config import TrainConfig
from mnist_core.data.own_sets import NewSet, save_set
from mnist_core.export.model_card import model_card
from mnist_core.runs.store import RunStore

FINISHED = {"parameters": 6370, "epochs": 2.0, "train_images": 40, "test_accuracy": 0.9}


@pytest.fixture
def card(tmp_path, monkeypatch):
    """A function that returns the card of a run with these settings, status and results."""
    monkeypatch.setenv("DIGITLAB_RUNS", str(tmp_path))

    def written(config: TrainConfig, status: str = "finished", **results: object) -> str:
        store = RunStore(tmp_path)
        writer = store.create(config)
        writer.update(status, **results)
        writer.close()
        return model_card(store.get(writer.id))

    return written


def test_it_says_which_classes_are_read_and_how_well(card):
    said = card(TrainConfig(recipe="quick", dataset="fashion-mnist"), source="fashion-mnist", **FINISHED)
    assert "as one of the 10 classes\nof Fashion-MNIST: T-shirt, trousers, " in said
    assert "| 90.00% of 10,000 test images (95 % interval 89.40% to 90.57%) |" in said
    assert "| 40 images of Fashion-MNIST, 2 epochs |" in said
    assert "digit" not in said
    assert said.count("\n- ") == 2


def test_names_that_somebody_gave_have_no_markup(card):
    order = np.arange(60)
    new = NewSet(np.zeros((60, 28, 28), np.uint8), order % 2, ("*hat*", "a|b"), *np.split(order, [40, 50]))
    config = TrainConfig().on_dataset(save_set(new, "My [set]").key)
    said = card(config, **FINISHED)
    assert "the 2 classes\nof My \\[set\\]: \\*hat\\*, a\\|b." in said
    assert "of 10 test images" in said
    assert "Somebody brought the images" in said


@pytest.mark.parametrize(
    ("changes", "status", "results", "words"),
    [
        ({"monitor": "test"}, "finished", {}, "The test images were watched"),
        (
            {"written_share": 0.25},
            "finished",
            {},
            "| 40 images of MNIST and synthetic digits, 0.25 per image, 2 epochs |",
        ),
        ({}, "stopped", {}, "Its training was not finished"),
        ({}, "finished", {"fine_tuned": {"by": 3}}, "fine-tuned on one person's handwriting"),
        ({}, "finished", {"operated": True}, "changed by hand"),
        ({}, "finished", {"source": "sample"}, "90.00% of the test images of the offline sample"),
        ({}, "finished", {"test_accuracy": None}, "| test accuracy | not measured |"),
    ],
)
def test_its_limits_are_said(card, changes, status, results, words):
    given = {name: value for name, value in {**FINISHED, **results}.items() if value is not None}
    plain = card(TrainConfig(), **FINISHED)
    assert words not in plain
    assert words in card(replace(TrainConfig(), **changes), status, **given)
