import copy
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from mnist_core.choices import ARCHITECTURES
from mnist_core.config import TrainConfig
from mnist_core.models.architectures import build_model
from mnist_core.models.inference import predict_logits
from mnist_core.models.summary import describe_layers
from mnist_core.monitoring.prober import Prober, steps_between_probes
from mnist_core.monitoring.probes import PROBES_FILE, Probe, read_probes, watched_digits
from mnist_core.training.events import StepDone
from mnist_core.training.trainer import fit

SMALL = TrainConfig(widths=(16, 8), epochs=2, batch_size=50, train_size=400, monitor="test")


def look(config, split, step=0) -> Probe:
    return Prober(build_model(config), config, split).probe(step)


def trained(config, sample, probing: bool):
    """Events and weights of a training, looked into at every report or not at all."""
    model = build_model(config)
    prober = Prober(model, config, sample.test)
    events = []
    for event in fit(model, config, sample.train[: config.train_size], sample.test):
        events.append(
            replace(event, **dict.fromkeys({"images_per_second", "train_seconds"} & vars(event).keys(), 0.0))
        )
        if probing and isinstance(event, StepDone):
            prober.probe(event.step)
    return events, model.state_dict()


@pytest.mark.parametrize(
    "config",
    [
        SMALL,
        replace(SMALL, dropout=0.5, optimizer="momentum", learning_rate=0.05),
        replace(SMALL, activation="rrelu", batch_norm=True),
        replace(SMALL, architecture="cnn", channels=(4, 8), augmentation="affine"),
    ],
    ids=["plain", "dropout", "rrelu and batch norm", "cnn"],
)
def test_looking_changes_nothing_to_the_bit(config, sample):
    events, weights = trained(config, sample, probing=False)
    events_seen, weights_seen = trained(config, sample, probing=True)
    assert events_seen == events
    assert all(torch.equal(weights[name], weights_seen[name]) for name in weights)


def test_gradients_mode_and_generator_stay_as_they_were(sample):
    model = build_model(SMALL)
    model.train()
    for parameter in model.parameters():
        parameter.grad = torch.full_like(parameter, 7.0)
    before = copy.deepcopy([parameter.grad for parameter in model.parameters()])
    generator = torch.get_rng_state()
    Prober(model, SMALL, sample.test).probe(0)
    after = [parameter.grad for parameter in model.parameters()]
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    assert all(module.training for module in model.modules())
    assert torch.equal(generator, torch.get_rng_state())
    assert not any(module._forward_hooks for module in model.modules())


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_layer_that_learns_has_its_numbers(architecture, sample):
    config = TrainConfig(architecture=architecture, batch_norm=True)
    probe = look(config, sample.test, 3)
    learning = [layer for layer in describe_layers(config) if layer.parameters]
    assert probe.step == 3
    assert len(probe.gradient_norms) == len(probe.weight_norms) == len(probe.dead_shares) == len(learning)
    assert all(norm > 0 for norm in probe.gradient_norms + probe.weight_norms)
    with_relu = ["ReLU" in map(str, layer.parts) for layer in learning]
    assert [share is not None for share in probe.dead_shares] == with_relu
    assert probe.probabilities.shape == (12, 10)
    assert probe.probabilities.dtype == np.float32
    assert np.allclose(probe.probabilities.sum(1), 1, atol=1e-5)


@pytest.mark.parametrize("loss", ["cross_entropy", "nll"])
def test_the_gradient_is_that_of_the_mean_loss(loss, sample):
    config = replace(SMALL, loss=loss)
    model = build_model(config)
    prober = Prober(model, config, sample.test[:100])  # all of them are looked at
    logits = model(torch.from_numpy(sample.test.images[:100]))
    nn.functional.cross_entropy(logits, torch.from_numpy(sample.test.labels[:100]).long()).backward()
    first = model.network[1]
    expected = float(torch.cat([first.weight.grad.flatten(), first.bias.grad]).norm())
    assert prober.probe(0).gradient_norms[0] == pytest.approx(expected, rel=1e-4)


def test_units_that_answer_no_image_are_counted_as_dead(sample):
    model = build_model(SMALL)
    with torch.no_grad():
        model.network[1].bias[:4] = -1e6  # 4 of 16 units
    assert Prober(model, SMALL, sample.test).probe(0).dead_shares[0] == pytest.approx(0.25)
    config = TrainConfig(architecture="cnn", channels=(8,), widths=())
    cnn = build_model(config)
    with torch.no_grad():
        cnn.network[0].bias[:2] = -1e6  # 2 of 8 feature maps
    assert Prober(cnn, config, sample.test).probe(0).dead_shares == (pytest.approx(0.25), None)


def test_the_watched_digits_are_one_of_each_and_two_more():
    labels = np.array([7, 7, 0, 1, 2, 3, 4, 5, 6, 8, 9, 1, 1, 1])
    watched = watched_digits(labels)
    assert labels[watched].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 7, 1]
    assert watched_digits(np.array([5, 5, 5])).tolist() == [0, 1, 2]
    assert watched_digits(np.array([], dtype=np.int64)).tolist() == []


def test_the_watched_probabilities_are_those_of_the_watched_images(sample):
    model = build_model(SMALL)
    probe = Prober(model, SMALL, sample.test).probe(0)
    images = torch.from_numpy(sample.test.images[watched_digits(sample.test.labels)])
    with torch.no_grad():
        expected = model.eval()(images).softmax(1).numpy()
    assert np.allclose(probe.probabilities, expected, atol=1e-6)


def test_a_probe_comes_back_from_its_line(sample, tmp_path):
    probe = look(SMALL, sample.test, 5)
    lines = [probe.to_json(), probe.to_json()[:50], probe.to_json()]
    (tmp_path / PROBES_FILE).write_text("\n".join(lines))
    (again,) = read_probes(tmp_path)
    assert (again.step, again.gradient_norms, again.dead_shares) == (
        5,
        probe.gradient_norms,
        probe.dead_shares,
    )
    assert again.probabilities.dtype == np.float32
    assert np.allclose(again.probabilities, probe.probabilities, atol=1e-4)


def test_numbers_that_are_none_come_back_too(sample):
    model = build_model(SMALL)
    with torch.no_grad():
        model.network[1].weight.fill_(float("inf"))
    line = Prober(model, SMALL, sample.test).probe(1).to_json()
    assert np.isnan(Probe.from_json(line).gradient_norms[0])


@pytest.mark.parametrize(
    ("changes", "images", "steps"),
    [
        ({"batch_size": 100, "epochs": 5}, 60_000, 50),  # 12 looks an epoch
        ({"batch_size": 100, "epochs": 5}, 12_000, 30),  # 20 in all
        ({"batch_size": 10, "epochs": 100}, 200, 100),
        ({"batch_size": 100, "epochs": 1000}, 60_000, 1200),  # 500 in all
        ({"batch_size": 60_000, "epochs": 3}, 60_000, 1),
    ],
)
def test_looks_are_seldom_enough_to_be_cheap(changes, images, steps):
    assert steps_between_probes(TrainConfig(**changes), images) == steps


def test_update_ratios_are_kept_and_older_looks_have_none(sample):
    probe = Prober(build_model(SMALL), SMALL, sample.test).probe(1, (0.1, 0.2, 0.3))
    assert Probe.from_json(probe.to_json()).update_ratios == probe.update_ratios == (0.1, 0.2, 0.3)
    older = json.loads(probe.to_json())
    del older["update_ratios"]
    assert Probe.from_json(json.dumps({**older, "moves": [1, 2, 3]})).update_ratios == ()


def test_the_owners_digit_is_read_and_is_in_no_other_number(sample):
    model = build_model(SMALL)
    own = sample.test.images[0]
    without, probe = (Prober(model, SMALL, sample.test, digit).probe(1) for digit in (None, own))
    assert without.own_probabilities == ()
    assert probe.own_probabilities == pytest.approx(
        predict_logits(model, torch.from_numpy(own[None].copy()))[0].softmax(0).tolist(), abs=1e-6
    )
    assert probe.gradient_norms == without.gradient_norms
    assert np.array_equal(probe.probabilities, without.probabilities)
    again = Probe.from_json(probe.to_json())
    assert again.own_probabilities == pytest.approx(probe.own_probabilities, abs=1e-4)
    older = json.loads(probe.to_json())
    del older["own_probabilities"]
    assert Probe.from_json(json.dumps(older)).own_probabilities == ()
