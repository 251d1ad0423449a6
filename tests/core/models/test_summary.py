from dataclasses import replace

import pytest
import torch

from mnist_core.choices import ARCHITECTURES
from mnist_core.config import TrainConfig
from mnist_core.models.architectures import build_meta_model, build_model
from mnist_core.models.summary import count_parameters, describe_layers, group_layers, learning_layers
from mnist_core.recipes import RECIPES

CNN = RECIPES["tutorial-4b"].config


def words(layer) -> str:
    return " | ".join([str(layer.title), *map(str, layer.parts)])


def test_the_cnn_of_tutorial_4b_reads_as_its_author_drew_it():
    layers = describe_layers(CNN)
    assert [words(layer) for layer in layers] == [
        "Image | -1 to 1",
        "Conv 3x3, 32 channels | ReLU | Max pool 2x2",
        "Conv 3x3, 64 channels | ReLU | Max pool 2x2",
        "Flatten",
        "Fully connected, 128 units | ReLU",
        "Fully connected, 10 outputs",
    ]
    assert [layer.shape for layer in layers] == [
        (1, 28, 28),
        (32, 14, 14),
        (64, 7, 7),
        (3136,),
        (128,),
        (10,),
    ]
    assert [layer.parameters for layer in layers] == [0, 320, 18_496, 0, 401_536, 1_290]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("activation", ["relu", "prelu", "maxout", "none"])
@pytest.mark.parametrize("batch_norm", [False, True])
def test_the_layers_add_up_to_the_network_and_end_in_ten_outputs(architecture, activation, batch_norm):
    config = TrainConfig(
        architecture=architecture, activation=activation, batch_norm=batch_norm, dropout=0.2, loss="nll"
    )
    layers = describe_layers(config)
    assert sum(layer.parameters for layer in layers) == count_parameters(build_model(config))
    assert (layers[0].kind, layers[-1].kind, layers[-1].shape) == ("image", "output", (10,))
    assert "Log-softmax" in words(layers[-1])
    learning = [layer for layer in layers if layer.parameters]
    assert len(learning) == len(learning_layers(build_meta_model(config)))


SHAPES = [recipe.config for recipe in RECIPES.values()]
SHAPES += [TrainConfig(architecture=name, channels=(4, 8, 8), activation="maxout") for name in ARCHITECTURES]


@pytest.mark.parametrize("config", SHAPES, ids=lambda config: f"{config.recipe} {config.architecture}")
def test_shapes_are_those_that_images_really_take(config):
    model = build_model(config).eval()
    values = model.scaling(torch.zeros(2, 28, 28, dtype=torch.uint8))
    for group, layer in zip(group_layers(model), describe_layers(config)[1:], strict=True):
        for module in group:
            values = module(values)
        assert tuple(values.shape[1:]) == layer.shape


def test_a_layers_title_names_its_norm_activation_and_dropout():
    config = TrainConfig(batch_norm=True, dropout=0.25, widths=(64,), activation="tanh")
    assert words(describe_layers(config)[2]) == "Fully connected, 64 units | Batch norm | Tanh | Dropout 25%"
    assert words(describe_layers(replace(config, architecture="resnet"))[2]) == (
        "Residual block, two conv 3x3, 16 channels | Tanh"
    )
    assert str(describe_layers(RECIPES["quick"].config)[1].title) == "Conv 5x5, stride 2, 8 channels"


def test_a_layer_of_one_unit_or_one_channel_is_told_in_the_singular():
    titles = {
        name: " | ".join(
            str(layer.title)
            for layer in describe_layers(TrainConfig(architecture=name, widths=(1,), channels=(1, 1, 1)))
        )
        for name in ("mlp", "cnn", "fast_cnn", "resnet")
    }
    assert "Fully connected, 1 unit |" in titles["mlp"]
    assert "Conv 3x3, 1 channel |" in titles["cnn"]
    assert "stride 2, 1 channel |" in titles["fast_cnn"]
    assert "Residual block, two conv 3x3, 1 channel |" in titles["resnet"]
    assert not [title for title in titles.values() if "1 units" in title or "1 channels" in title]


def test_the_outline_has_shapes_only_and_draws_nothing():
    before = torch.get_rng_state()
    outline = build_meta_model(CNN)
    assert all(parameter.is_meta for parameter in outline.parameters())
    assert torch.equal(before, torch.get_rng_state())


def test_settings_of_the_training_do_not_matter_to_the_layers():
    assert describe_layers(CNN) is describe_layers(replace(CNN, learning_rate=0.5, epochs=9, batch_size=7))
