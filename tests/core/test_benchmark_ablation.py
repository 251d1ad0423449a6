"""The ablation benchmark: on and off train the same network, and the table marks worthwhile paths."""

from dataclasses import replace

import pytest
import torch

from benchmarks import ablation
from benchmarks.ablation import PATHS, Measurement
from mnist_core.data.mnist import open_mnist
from mnist_core.models import architectures, inference
from mnist_core.recipes import RECIPES
from mnist_core.training import gradients, trainer


@pytest.fixture
def restored(monkeypatch):
    """What the paths replace is as it was after the test."""
    for place, name in [
        (trainer, "Optimizer"),
        (trainer, "choose_gradients"),
        (torch, "set_flush_denormal"),
        (inference, "predict_logits"),
        (inference, "pooled_first"),
        (gradients, "pooled_first"),
    ]:
        monkeypatch.setattr(place, name, getattr(place, name))


def trained_weights(recipe: str, directory) -> list[torch.Tensor]:
    data = open_mnist(directory)
    config = replace(RECIPES[recipe].config, epochs=1, precision="float32")
    model = architectures.build_model(config)
    list(trainer.fit(model, config, data.train, data.test[:1]))
    return [parameter.detach().clone() for parameter in model.parameters()]


@pytest.mark.parametrize(
    ("name", "recipe"),
    [(name, recipe) for name, path in PATHS.items() for recipe in path.recipes[:2]],
)
def test_a_path_changes_the_time_and_not_the_network(name, recipe, tiny_mnist, restored):
    expected = trained_weights(recipe, tiny_mnist)
    PATHS[name].turn_off()
    for ours, theirs in zip(expected, trained_weights(recipe, tiny_mnist), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("on", [True, False])
def test_a_measurement_has_times_of_training_and_testing(on, tiny_mnist, restored):
    name = "update rules without torch.optim's classes"
    ablation._prepare(name, on)
    assert (trainer.Optimizer is ablation.ClassOptimizer) != on
    assert min(ablation.measure(name, on, "tutorial-2", tiny_mnist, 0)) > 0


def test_a_path_that_makes_a_recipe_fast_enough_stands_out():
    on = Measurement(1.0, 1.0, 1.0, 1.0)
    pairs = [(on, on._replace(train=seconds)) for seconds in (1.2, 1.31, 2.0)]
    found = {"one": {"a": pairs, "b": [(on, on)]}, "other": {"b": [(on, on._replace(train=1.29))]}}
    assert ablation.table(found, ["a", "b"], "train").splitlines()[2:] == [
        "| one | **1.31** (1.20 to 2.00) | 1.00 (1.00 to 1.00) |",
        "| other | – | 1.29 (1.29 to 1.29) |",
    ]


def test_without_mnist_one_sentence_says_how_to_name_it(own_cache, tmp_path, capsys):
    assert ablation.main(["--data", str(tmp_path)]) == 2
    assert "DIGITLAB_DATA" in capsys.readouterr().err
