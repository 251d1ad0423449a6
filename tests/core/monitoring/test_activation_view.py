"""The view of one image's activations: sums that add up for every architecture, bounded, without effect."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mnist_core.choices import ARCHITECTURES
from mnist_core.config import TrainConfig
from mnist_core.data.mnist import load_sample
from mnist_core.models.architectures import build_model
from mnist_core.models.summary import describe_layers
from mnist_core.monitoring import activation_feed
from mnist_core.monitoring.activation_feed import ActivationFeed
from mnist_core.monitoring.activation_view import (
    MOST_LINKS,
    MOST_MAPS,
    MOST_TERMS,
    MOST_UNITS,
    strongest,
    view_activations,
)

IMAGE = load_sample().test.images[0]


def settings(name, **changes):
    widths = {"softmax": (), "mlp": (40, 20)}.get(name, (24,))
    if name == "lenet5":
        widths = ()
    usual = ARCHITECTURES[name]
    channels = {"vgg": (4, 6, 20), "resnet": (6, 8, 8)}.get(name, (4, 20)) if usual.channels else ()
    return TrainConfig(architecture=name, widths=widths, channels=channels, **changes)


def trained(config):
    """A model whose running statistics and biases are not those that it begins with."""
    model = build_model(config)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter.add_(0.1 * torch.randn_like(parameter))
        model.train()
        model(torch.from_numpy(load_sample().train.images[:64]))
    return model.eval()


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("name", list(ARCHITECTURES))
def test_inputs_times_weights_and_the_bias_add_up_to_each_unit(name, batch_norm):
    has_hidden = name != "softmax"
    config = settings(name, batch_norm=batch_norm and has_hidden)
    view = view_activations(trained(config), IMAGE)
    summaries = [layer for layer in describe_layers(config) if layer.kind != "flatten"]
    assert [layer.kind for layer in view.layers] == [layer.kind for layer in summaries]
    assert [str(layer.title) for layer in view.layers] == [str(layer.title) for layer in summaries]
    for layer, summary in zip(view.layers[1:], summaries[1:], strict=True):
        assert int(np.prod(layer.shape)) == int(np.prod(summary.shape))
        for own, value in zip(layer.sums, layer.values, strict=layer.kind != "average"):
            products = [given * weight for _, given, weight in own.terms]
            assert sum(products) + own.others + own.bias + (own.skip or 0) == pytest.approx(
                own.total, abs=1e-4
            )
            assert np.abs(products).tolist() == sorted(np.abs(products), reverse=True)
            expected = own.total if layer.kind == "output" else max(own.total, 0)
            assert value == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("activation", ["maxout", "tanh", "gelu"])
@pytest.mark.parametrize("name", ["mlp", "cnn", "resnet"])
def test_it_is_right_for_other_activations(name, activation):
    config = settings(name, activation=activation, dropout=0.5, batch_norm=True, loss="nll")
    model = trained(config)
    view = view_activations(model, IMAGE)
    logits = model(torch.from_numpy(IMAGE[None]))[0].detach()
    assert view.probabilities == pytest.approx(logits.softmax(0).numpy(), abs=1e-5)
    assert len(view.layers[-1].units) == 10
    for layer in view.layers[1:]:
        for own in layer.sums:
            total = sum(x * w for _, x, w in own.terms) + own.others + own.bias + (own.skip or 0)
            assert total == pytest.approx(own.total, abs=1e-4)


def test_large_layers_are_bounded_and_name_their_inputs():
    view = view_activations(trained(settings("cnn")), IMAGE)
    first, second, hidden, output = view.layers[1:]
    assert len(second.units) == MOST_MAPS
    assert len(hidden.units) == 24 <= MOST_UNITS
    for layer in (first, second, hidden, output):
        assert len(layer.links) <= MOST_LINKS
        assert all(len(own.terms) <= MOST_TERMS for own in layer.sums)
    assert {len(place) for own in first.sums for place, *_ in own.terms} == {2}  # pixels
    assert {len(place) for own in second.sums for place, *_ in own.terms} == {3}
    assert {len(place) for own in hidden.sums for place, *_ in own.terms} == {3}
    assert {len(place) for own in output.sums for place, *_ in own.terms} == {1}
    deep = view_activations(trained(settings("vgg")), IMAGE)
    assert max(len(layer.units) for layer in deep.layers[1:-1]) <= MOST_UNITS // 2


def test_the_strongest_units_stay_while_they_are_strong():
    strength = np.array([5, 1, 4, 3, 2], np.float32)
    assert strongest(strength, 2).tolist() == [0, 2]
    assert strongest(strength, 2, np.array([3, 2])).tolist() == [2, 3]
    assert strongest(strength, 2, np.array([1, 2])).tolist() == [0, 2]


def test_a_view_changes_nothing():
    model = trained(settings("cnn", batch_norm=True)).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    random = torch.get_rng_state()
    view_activations(model, IMAGE)
    assert model.training
    assert torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_feed_looks_only_for_those_who_watch_and_only_now_and_then(monkeypatch):
    now = 100.0
    monkeypatch.setattr(activation_feed.time, "monotonic", lambda: now)
    model, feed = trained(settings("mlp")), ActivationFeed()
    feed.look(model, 1)
    assert feed.latest(IMAGE) is None
    feed.request(IMAGE)
    feed.look(model, 2)
    feed.look(model, 3)
    assert feed.latest(IMAGE).step == 2
    now = 101.0
    feed.look(model, 4)
    assert feed.latest(IMAGE).step == 4
    now = 110.0  # nobody has asked again
    feed.look(model, 5)
    assert feed.latest(IMAGE).step == 4


def test_a_run_is_the_same_with_a_picture_of_it(tmp_path, monkeypatch):
    from mnist_core.runs.run_trainer import train_run
    from mnist_core.runs.store import RunStore

    monkeypatch.setattr(activation_feed, "SECONDS_BETWEEN", 0.0)
    monkeypatch.setattr(activation_feed, "MOST_SHARE", 1e9)
    config = replace(settings("cnn"), epochs=1, train_size=200, batch_size=20)
    losses = []
    for feed in (None, ActivationFeed()):
        if feed:
            feed.request(IMAGE)
        writer = RunStore(tmp_path / str(len(losses))).create(config)
        list(train_run(writer, load_sample(), torch.device("cpu"), None, feed))
        losses.append([row["train_loss"] for row in writer.rows])
    assert losses[0] == losses[1]
    assert feed.latest(IMAGE).step == 10
