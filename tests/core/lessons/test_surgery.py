"""Operations on a network: the effect of each on the weights and the predictions."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from mnist_core.config import TrainConfig
from mnist_core.data.mnist import split_images
from mnist_core.lessons import surgery
from mnist_core.lessons.surgery import (
    OPERATIONS,
    Operation,
    can_operate,
    effect,
    fits,
    images_to_read,
    operate,
    read,
    weight_layers,
)
from mnist_core.messages import InputError
from mnist_core.models.architectures import build_model
from mnist_core.models.inference import predict_logits
from mnist_core.recipes import RECIPES
from mnist_core.runtime.job import in_share

MLP = TrainConfig(widths=(6, 5))
CNN = TrainConfig(architecture="cnn", channels=(3, 4), widths=(7,))
VGG = TrainConfig(architecture="vgg", channels=(3, 4), widths=(), batch_norm=True)
RESNET = TrainConfig(architecture="resnet", channels=(3, 4), widths=(), batch_norm=True)


def result(steps):
    """Do all steps; their fractions rise to 1."""
    fractions = []
    while True:
        try:
            fractions.append(next(steps)[0])
        except StopIteration as end:
            assert fractions == sorted(fractions)
            assert fractions[-1] >= 1
            return end.value


def parameters(model):
    return [tensor.detach().clone() for tensor in model.parameters()]


def without_unit(model, small_config, layer, unit):
    """The network built without a unit of a layer, all other weights copied; Maxout's units are pairs."""
    small = build_model(small_config).eval()
    state, target = model.state_dict(), small.state_dict()
    own = weight_layers(model)[layer]
    units = torch.arange(own.units) != unit
    for name, value in state.items():
        kept = value
        for axis, size in enumerate(value.shape):
            if size != target[name].shape[axis]:
                places = units.repeat_interleave(size // own.units).nonzero().ravel()
                kept = kept.index_select(axis, places)
        target[name].copy_(kept)
    return small


@pytest.mark.parametrize(
    ("config", "small", "layer"),
    [
        (MLP, replace(MLP, widths=(5, 5)), 0),
        (MLP, replace(MLP, widths=(6, 4)), 1),
        (replace(MLP, activation="sigmoid"), replace(MLP, activation="sigmoid", widths=(6, 4)), 1),
        (replace(MLP, activation="maxout"), replace(MLP, activation="maxout", widths=(5, 5)), 0),
        (replace(MLP, batch_norm=True), replace(MLP, batch_norm=True, widths=(6, 4)), 1),
        (CNN, replace(CNN, channels=(2, 4)), 0),
        (CNN, replace(CNN, channels=(3, 3)), 1),
        (CNN, replace(CNN, widths=(6,)), 2),
    ],
)
def test_a_silenced_unit_is_as_if_the_network_were_built_without_it(config, small, layer, batch):
    images = torch.from_numpy(batch.images)
    model = build_model(config).eval()
    silenced = operate(model, [Operation("silence", layer, 1)])
    wanted = predict_logits(without_unit(model, small, layer, 1), images)
    torch.testing.assert_close(predict_logits(silenced, images), wanted, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(predict_logits(model, images), wanted)


@pytest.mark.parametrize("config", [MLP, CNN, VGG, RESNET, *(recipe.config for recipe in RECIPES.values())])
def test_every_layer_with_weights_is_found_once_and_each_can_be_operated_on(config):
    model = build_model(config)
    layers = weight_layers(model)
    found = [each.layer for each in layers]
    assert found == [each for each in model.modules() if isinstance(each, nn.Linear | nn.Conv2d)]
    assert layers[-1].units == 10
    assert all(can_operate(layer, kind) for layer in layers for kind in ("prune", "scale", "noise", "round"))
    assert not can_operate(layers[-1], "silence")
    for place, layer in enumerate(layers):
        assert layer.reader is None or layer.reader in found[place + 1 :]


@pytest.mark.parametrize("config", [MLP, VGG, RESNET])
def test_a_network_and_its_operated_copy_are_two(config):
    model = build_model(config)
    before = parameters(model)
    for kind in ("prune", "scale", "noise", "round"):
        operated = operate(model, [Operation(kind, amount=3), Operation("shift", 0, 1, 3)])
        assert not all(torch.equal(*pair) for pair in zip(before, parameters(operated), strict=True))
    assert all(torch.equal(*pair) for pair in zip(before, parameters(model), strict=True))


@pytest.mark.parametrize("share", [0, 30, 100])
@pytest.mark.parametrize("config", [MLP, CNN])
def test_pruning_sets_the_smallest_weights_to_zero(config, share):
    model = build_model(config)
    pruned = operate(model, [Operation("prune", -1, 0, share)])
    for before, after in zip(weight_layers(model), weight_layers(pruned), strict=True):
        old, new = before.layer.weight.detach(), after.layer.weight.detach()
        gone = new == 0
        assert gone.double().mean() == pytest.approx(share / 100, abs=0.03)
        assert torch.equal(new[~gone], old[~gone])
        assert share in (0, 100) or old[gone].abs().max() <= old[~gone].abs().min()


@pytest.mark.parametrize(("bits", "values"), [(1, 2), (2, 3), (3, 7), (8, 255)])
def test_rounding_to_n_bits_leaves_that_many_values(bits, values):
    model = build_model(MLP)
    rounded = weight_layers(operate(model, [Operation("round", 0, 0, bits)]))[0].layer.weight
    assert 2 <= len(rounded.unique()) <= values
    old = weight_layers(model)[0].layer.weight
    if bits > 1:
        assert (rounded - old).abs().max() <= old.abs().max() / (2 ** (bits - 1) - 1) / 2 + 1e-6


def test_scaling_the_only_layer_scales_the_logits_and_keeps_the_answers(batch):
    model = build_model(TrainConfig(architecture="softmax")).eval()
    nn.init.zeros_(weight_layers(model)[0].layer.bias)
    images = torch.from_numpy(batch.images)
    doubled = predict_logits(operate(model, [Operation("scale", -1, 0, 2)]), images)
    torch.testing.assert_close(doubled, 2 * predict_logits(model, images))


def test_noise_has_the_size_that_it_says():
    model = build_model(TrainConfig(widths=(64,)))
    noisy = weight_layers(operate(model, [Operation("noise", 0, 0, 50)]))[0].layer.weight
    old = weight_layers(model)[0].layer.weight
    assert ((noisy - old).std() / old.std()).item() == pytest.approx(0.5, rel=0.02)


@pytest.mark.parametrize("config", [MLP, VGG])
def test_a_shifted_bias_is_the_layers_or_its_batch_norms(config):
    model = build_model(config)
    new = weight_layers(operate(model, [Operation("shift", 0, 2, 1.5)]))[0].shift.bias
    difference = new - weight_layers(model)[0].shift.bias
    assert difference.tolist() == [1.5 if unit == 2 else 0 for unit in range(len(new))]
    assert isinstance(weight_layers(model)[0].shift, nn.BatchNorm2d) == config.batch_norm


def test_operations_follow_one_another():
    model = build_model(MLP)
    both = operate(model, [Operation("scale", 0, 0, 0.0), Operation("noise", 0, 0, 50)])
    other = operate(model, [Operation("noise", 0, 0, 50), Operation("scale", 0, 0, 0.0)])
    assert not weight_layers(both)[0].layer.weight.any()  # the noise is a share of nothing
    assert not weight_layers(other)[0].layer.weight.any()
    twice = operate(model, [Operation("scale", 1, 0, 0.5)] * 2)
    torch.testing.assert_close(
        weight_layers(twice)[1].layer.weight, 0.25 * weight_layers(model)[1].layer.weight
    )


@pytest.mark.parametrize(
    "operation",
    [Operation("silence", 2), Operation("silence", 0, 6), Operation("shift", 9), Operation("silence")],
)
def test_what_the_network_does_not_have_is_refused(operation):
    model = build_model(MLP)
    assert not fits(weight_layers(model), operation)
    with pytest.raises(InputError):
        operate(model, [operation])


@pytest.mark.parametrize("kind", OPERATIONS)
def test_an_operation_in_a_link_is_read_back(kind):
    amounts = OPERATIONS[kind].amounts
    operation = Operation(kind, 2, 7 if OPERATIONS[kind].of_unit else 0, amounts.first if amounts else 0.0)
    assert Operation.parse(operation.text) == operation


@pytest.mark.parametrize(
    "text", ["", "x", "prune_1", "prune_-1_0_101", "prune_-1_0_nan", "cut_0_0_1", "silence_0_-1_0"]
)
def test_nonsense_in_a_link_is_no_operation(text):
    assert Operation.parse(text) is None


def test_the_effect_counts_what_is_read_before_and_after(batch):
    model = build_model(MLP)
    before = result(in_share(read(model, batch), 0, 1))
    found = result(effect(model, [Operation("scale", -1, 0, 0.0)], batch, before))
    np.testing.assert_array_equal(found.after, found.after[0])  # without weights only the biases speak
    assert (found.zeros, found.moved) == (1.0, 1.0)
    shares = found.per_digit()
    counts = np.bincount(batch.labels, minlength=10) / len(batch)
    assert found.accuracies == pytest.approx(tuple(counts @ np.array(shares)))
    assert [after for _before, after in shares] == [float(digit == found.after[0]) for digit in range(10)]
    right = found.before == batch.labels
    assert set(found.lost()) == set(np.flatnonzero(right & (found.after != batch.labels)))


def test_validation_images_are_read_and_test_images_where_none_are_held_out(sample):
    held = replace(MLP, validation_size=300)
    images, from_test = images_to_read(held, split_images(held, sample))
    assert (len(images), images.first, from_test) == (300, 1200, False)
    tutorial = RECIPES["tutorial-3"].config
    images, from_test = images_to_read(tutorial, split_images(tutorial, sample))
    assert (len(images), images.file, from_test) == (297, "test", True)


@pytest.mark.parametrize("config", [MLP, CNN, VGG, RESNET])
def test_reading_in_parts_gives_the_answers_of_the_whole_network(config, batch, monkeypatch):
    monkeypatch.setattr(surgery, "PART", len(batch) // 2 - 1)
    model = build_model(config)
    model(torch.from_numpy(batch.images))  # batch norm takes its statistics
    model.eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    wanted = predict_logits(model, torch.from_numpy(batch.images)).argmax(1)
    np.testing.assert_array_equal(result(read(model, batch)), wanted)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
