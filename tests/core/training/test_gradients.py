from dataclasses import replace
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mnist_core.choices import ACTIVATIONS
from mnist_core.config import TrainConfig
from mnist_core.models.architectures import build_model, pooled_first
from mnist_core.training import gradients
from mnist_core.training.gradients import PIECE, AutogradGradients, DenseGradients, choose_gradients

WRITTEN_OUT = ("none", "relu", "sigmoid", "tanh")


def scaled(model, batch) -> tuple[torch.Tensor, torch.Tensor]:
    return model.scaling(torch.from_numpy(batch.images)), torch.from_numpy(batch.labels).long()


def gradients_of(model) -> list[torch.Tensor]:
    return [parameter.grad.clone() for parameter in model.parameters()]


def test_the_activations_written_out_are_those_tested_here():
    fitting = [name for name in ACTIVATIONS if DenseGradients.fits(build_model(TrainConfig(activation=name)))]
    assert sorted(fitting) == sorted(WRITTEN_OUT)
    assert len(gradients._ACTIVATIONS) == len(WRITTEN_OUT)


@pytest.mark.parametrize("activation", WRITTEN_OUT)
@pytest.mark.parametrize("loss", ["cross_entropy", "nll"])
@pytest.mark.parametrize("widths", [(), (64,), (64, 32, 16)])
@pytest.mark.parametrize("count", [1, 15, 40])
def test_written_out_gradients_are_autograds_to_the_bit(activation, loss, widths, count, batch):
    config = TrainConfig(activation=activation, loss=loss, widths=widths, seed=count)
    by_graph, by_hand = build_model(config), build_model(config)
    inputs, labels = scaled(by_graph, batch[:count])
    expected = AutogradGradients(by_graph, config, "float32")(inputs, labels, 1.0)
    dense = DenseGradients(by_hand)
    dense(inputs.flip(0), labels, 1.0)  # what it leaves behind must not matter
    dense.clear()
    logits = dense(inputs, labels, 1.0)
    if loss == "nll":
        logits = logits.log_softmax(1)  # the network's last layer, which the loss's kernel brings along
    assert torch.equal(logits, expected)
    for one, other in zip(gradients_of(by_hand), gradients_of(by_graph), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize(
    "settings",
    [
        {"activation": "leaky_relu"},
        {"activation": "maxout"},
        {"dropout": 0.1},
        {"batch_norm": True},
        {"architecture": "cnn"},
        {"architecture": "lenet5"},
        {"label_smoothing": 0.1},
        {"batch_size": PIECE + 1},
        {"precision": "bfloat16"},
    ],
)
def test_whatever_is_not_written_out_goes_by_autograd(settings):
    config = TrainConfig(**{"precision": "float32", **settings})
    assert isinstance(choose_gradients(build_model(config), config, config.precision), AutogradGradients)


@pytest.mark.parametrize(
    "settings", [{}, {"architecture": "softmax"}, {"loss": "nll"}, {"batch_size": PIECE}]
)
def test_plain_networks_are_written_out(settings):
    config = TrainConfig(**settings)
    assert isinstance(choose_gradients(build_model(config), config, "float32"), DenseGradients)


@pytest.mark.parametrize("settings", [{"label_smoothing": 0.1}, {"loss": "nll"}, {"architecture": "cnn"}])
def test_pieces_add_up_to_the_batch(settings, batch):
    config = TrainConfig(**settings)
    whole, pieces = build_model(config), build_model(config)
    inputs, labels = scaled(whole, batch)
    AutogradGradients(whole, config, "float32")(inputs, labels, 1.0)
    adding = AutogradGradients(pieces, config, "float32")
    for part in (slice(0, 13), slice(13, 40)):
        adding(inputs[part], labels[part], len(labels[part]) / 40)
    for one, other in zip(gradients_of(whole), gradients_of(pieces), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)
    adding.clear()
    assert all(parameter.grad is None for parameter in pieces.parameters())


def test_label_smoothing_is_torchs(batch):
    config = TrainConfig(label_smoothing=0.2)
    model, plain = build_model(config), build_model(config)
    inputs, labels = scaled(model, batch)
    AutogradGradients(model, config, "float32")(inputs, labels, 1.0)
    F.cross_entropy(plain.network(inputs), labels, label_smoothing=0.2).backward()
    for one, other in zip(gradients_of(model), gradients_of(plain), strict=True):
        assert torch.equal(one, other)


def test_bfloat16_gives_float32_logits_and_nearly_the_same_gradients(batch):
    config = TrainConfig(architecture="cnn")
    fine, coarse = build_model(config), build_model(config)
    inputs, labels = scaled(fine, batch)
    expected = AutogradGradients(fine, config, "float32")(inputs, labels, 1.0)
    logits = AutogradGradients(coarse, config, "bfloat16")(inputs, labels, 1.0)
    assert logits.dtype == torch.float32
    assert 0 < (logits - expected).abs().max() < 0.02
    for one, other in zip(gradients_of(coarse), gradients_of(fine), strict=True):
        torch.testing.assert_close(one, other, rtol=0.1, atol=0.01)


@pytest.mark.parametrize("settings", [{"dropout": 0.5}, {"activation": "rrelu"}])
def test_random_layers_draw_anew_each_time_from_a_stream_of_their_own(settings, batch):
    config = TrainConfig(**settings)

    def three_outputs(seed: int) -> list[float]:
        model = build_model(config)
        compute = AutogradGradients(model, replace(config, seed=seed), "float32")
        outputs = [compute(*scaled(model, batch), 1.0).sum().item() for _ in range(3)]
        torch.rand(7)  # what others draw between the batches
        return outputs

    assert three_outputs(1) == three_outputs(1)
    assert three_outputs(1) != three_outputs(2)
    assert len(set(three_outputs(1))) == 3


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("architecture", ["cnn", "vgg", "fast_cnn"])
def test_pooling_before_relu_changes_no_bit(architecture, batch_norm, batch):
    config = TrainConfig(architecture=architecture, channels=(3, 5), widths=(8,), batch_norm=batch_norm)
    found = []
    for order in (lambda network: network, pooled_first):
        model = build_model(config)
        network, (inputs, labels) = order(model.network), scaled(model, batch)
        outputs = network(inputs)
        F.cross_entropy(outputs, labels).backward()
        found.append((outputs.detach(), *(parameter.grad for parameter in model.parameters())))
    assert all(one.equal(other) for one, other in zip(*found, strict=True))
    kinds = [type(layer) for layer in network]
    assert (nn.ReLU, nn.MaxPool2d) not in set(pairwise(kinds))
    assert (nn.MaxPool2d, nn.ReLU) in set(pairwise(kinds))


def test_only_relu_changes_its_place_with_pooling():
    model = build_model(TrainConfig(architecture="cnn", channels=(3, 5), widths=(8,), activation="tanh"))
    assert list(pooled_first(model.network)) == list(model.network)
