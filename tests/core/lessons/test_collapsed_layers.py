import numpy as np
import pytest
import torch

from mnist_core.config import TrainConfig
from mnist_core.data.mnist import load_sample
from mnist_core.lessons.collapsed_layers import apply, as_vectors, collapse, layers_of, train_collapse
from mnist_core.models.architectures import build_model
from mnist_core.models.summary import count_parameters

IMAGES = load_sample().train.images[:50]


@pytest.mark.parametrize("widths", [(16,), (32, 16, 8)])
def test_the_one_matrix_gives_the_answers_of_a_network_without_activation(widths):
    config = TrainConfig(
        widths=widths, activation="none", input_scaling="unit", initialization="xavier_uniform"
    )
    model = build_model(config)
    layers = layers_of(model)
    with torch.no_grad():
        wanted = model(torch.from_numpy(IMAGES)).numpy()
    np.testing.assert_allclose(apply([collapse(layers)], as_vectors(IMAGES)), wanted, atol=1e-5)


def test_layers_with_relu_do_not_collapse():
    model = build_model(TrainConfig(widths=(16,), input_scaling="unit"))
    with torch.no_grad():
        wanted = model(torch.from_numpy(IMAGES)).numpy()
    assert np.abs(apply([collapse(layers_of(model))], as_vectors(IMAGES)) - wanted).max() > 0.01


def test_the_parameters_are_counted_as_the_network_has_them():
    model = build_model(TrainConfig(widths=(20, 30)))
    layers = layers_of(model)
    assert [layer.parameters for layer in layers] == [784 * 20 + 20, 20 * 30 + 30, 30 * 10 + 10]
    assert sum(layer.parameters for layer in layers) == count_parameters(model)


def test_trained_layers_collapse_to_a_hundred_thousandth(monkeypatch, result_of):
    monkeypatch.setattr("mnist_core.lessons.collapsed_layers.TRAINING", 300)
    found = result_of(train_collapse(load_sample().train, (16,)))
    assert found.difference < 1e-5
    assert min(found.with_activation, found.without_activation, found.single_layer) > 0.6
    assert found.collapsed.weights.shape == (10, 784)
