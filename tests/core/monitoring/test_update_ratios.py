"""Update ratios: which steps are measured, the values, and that measuring changes nothing."""

import math
from dataclasses import replace

import pytest
import torch

from mnist_core.choices import ARCHITECTURES
from mnist_core.config import TrainConfig
from mnist_core.models.architectures import build_model
from mnist_core.models.summary import describe_layers
from mnist_core.monitoring.prober import UpdateRatios
from mnist_core.runs.run_trainer import train_run
from mnist_core.runs.store import RunStore
from mnist_core.training.events import EpochDone
from mnist_core.training.trainer import Training

SMALL = TrainConfig(widths=(16, 8), epochs=1, batch_size=50, train_size=400, monitor="test")


class Weighing:
    """Weighs every step and keeps the weights before and after it, to weigh it by hand."""

    def __init__(self, model):
        self.model, self.ratios, self.weights = model, UpdateRatios(model, 1), []
        self.weighed = []

    def before_step(self, step):
        self.weights.append({name: value.clone() for name, value in self.model.state_dict().items()})
        self.ratios.before_step(step)

    def after_step(self):
        self.ratios.after_step()
        self.weighed.append(self.ratios.take())


def trained(config, sample, watcher=None):
    model = build_model(config)
    training = Training(model, config, sample.train[: config.train_size], sample.test)
    if watcher:
        training.step_watcher = watcher(model)
    losses = [event.train_loss for event in training.events() if isinstance(event, EpochDone)]
    return training, losses


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "muon"])
def test_a_ratio_is_the_norm_of_a_steps_change_by_that_of_the_weights_before(sample, optimizer):
    training, _ = trained(replace(SMALL, optimizer=optimizer), sample, Weighing)
    seen = training.step_watcher
    assert len(seen.weighed) == training.step == 8
    for place, after in enumerate([*seen.weights[1:], training.model.state_dict()]):
        before = seen.weights[place]
        for ratio, layer in zip(seen.weighed[place], (1, 3, 5), strict=True):
            names = [f"network.{layer}.{part}" for part in ("weight", "bias")]
            old, new = (torch.cat([weights[name].flatten() for name in names]) for weights in (before, after))
            assert ratio == pytest.approx(float((new - old).norm() / old.norm()), rel=1e-4)
            assert ratio > 0


@pytest.mark.parametrize("changes", [{}, {"architecture": "cnn", "channels": (4, 8), "batch_norm": True}])
def test_weighing_changes_nothing_to_the_bit(sample, changes):
    config = replace(SMALL, **changes)
    plain, losses = trained(config, sample)
    seen, losses_seen = trained(config, sample, Weighing)
    assert losses == losses_seen
    weights, weights_seen = plain.model.state_dict(), seen.model.state_dict()
    assert all(torch.equal(weights[name], weights_seen[name]) for name in weights)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_there_is_one_for_every_layer_that_learns(architecture):
    config = TrainConfig(architecture=architecture, batch_norm=True)
    ratios = UpdateRatios(build_model(config), 1)
    ratios.before_step(1)
    ratios.after_step()
    assert ratios.take() == (0,) * sum(bool(layer.parameters) for layer in describe_layers(config))


def test_only_the_first_step_that_is_due_is_weighed():
    model = build_model(SMALL)
    ratios = UpdateRatios(model, 3)
    for step in range(1, 6):
        ratios.before_step(step)
        with torch.no_grad():
            model.network[1].weight.mul_(1 + step)
            model.network[1].bias.mul_(1 + step)
        ratios.after_step()
    assert ratios.take() == (pytest.approx(3), 0, 0)
    assert ratios.take() == ()


def test_a_layer_of_zeros_has_no_ratio():
    model = build_model(SMALL)
    with torch.no_grad():
        for parameter in model.network[1].parameters():
            parameter.zero_()
    ratios = UpdateRatios(model, 1)
    ratios.before_step(1)
    ratios.after_step()
    assert math.isnan(ratios.take()[0])


def test_every_look_of_a_run_but_the_first_has_them(sample, tmp_path):
    store = RunStore(tmp_path)
    writer = store.create(SMALL)
    list(train_run(writer, sample, torch.device("cpu")))
    first, *later = store.get(writer.id).probes()
    assert first.update_ratios == ()
    assert len(later) > 3
    assert all(len(look.update_ratios) == 3 and min(look.update_ratios) > 0 for look in later)
