import math
import threading
from dataclasses import astuple, replace

import numpy as np
import pytest
import torch

from mnist_core.data.mnist import open_mnist
from mnist_core.models.architectures import build_model
from mnist_core.recipes import RECIPES
from mnist_core.runtime.random_stream import RandomStream
from mnist_core.training import batches, trainer
from mnist_core.training.events import Diverged, EpochDone, StepDone
from mnist_core.training.gradients import PIECE
from mnist_core.training.trainer import fit
from tests.core.trainings import CONFIG, numbered, plain_training, same, train


def facts(events: list) -> list[tuple]:
    """Events without the times they took."""
    timeless = {"train_seconds": 0, "images_per_second": 0}
    return [
        astuple(replace(event, **{key: value for key, value in timeless.items() if hasattr(event, key)}))
        for event in events
    ]


# The arithmetic


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"activation": "sigmoid", "batch_size": 1, "train_size": 50},
        {"batch_size": 7, "train_size": 100},
        {"architecture": "cnn", "channels": (4, 8)},
        {"architecture": "resnet", "channels": (4,)},
        {"batch_norm": True, "train_size": 60},
        {"batch_size": 60_000, "train_size": 60_000},
    ],
)
def test_fit_is_the_plain_loop(settings, sample):
    config = replace(
        CONFIG, shuffle=False, optimizer="sgd", learning_rate=0.1, precision="float32", **settings
    )
    expected = build_model(config)
    plain_training(
        config, sample.train[: config.train_size], torch.optim.SGD(expected.parameters(), lr=0.1), expected
    )
    weights, _ = train(config, sample)
    for name, tensor in expected.state_dict().items():
        torch.testing.assert_close(weights[name], tensor, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    ("piece", "batch_size", "train_size"),
    [(30, 100, 100), (30, 100, 210), (30, 70, 210), (30, 210, 205), (30, 31, 62), (30, 8, 210), (1, 5, 22)],
)
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_batches_in_pieces_train_as_whole_ones(piece, batch_size, train_size, smoothing, sample, monkeypatch):
    config = replace(CONFIG, batch_size=batch_size, train_size=train_size, label_smoothing=smoothing)
    monkeypatch.setattr("mnist_core.training.trainer.TICK_SECONDS", 1000)  # else a busy machine tells more
    expected, whole_events = train(config, sample)
    monkeypatch.setattr(batches, "PIECE", piece)
    monkeypatch.setattr("mnist_core.training.gradients.PIECE", piece)
    weights, events = train(config, sample)
    for name, tensor in expected.items():
        torch.testing.assert_close(weights[name], tensor, rtol=1e-3, atol=2e-5)
    for event, whole in zip(events, whole_events, strict=True):
        if isinstance(event, EpochDone):
            assert event.step == whole.step
            assert event.train_loss == pytest.approx(whole.train_loss, rel=1e-3)


def test_a_batch_larger_than_a_piece_gives_the_gradient_of_all_its_images():
    """By real sizes: 1,500 images are a batch of 800, in two pieces, and an uneven one of 700."""
    assert 400 <= PIECE < 700
    data = numbered(1_500)
    config = replace(
        CONFIG,
        epochs=1,
        batch_size=800,
        train_size=60_000,
        shuffle=False,
        optimizer="sgd",
        learning_rate=0.1,
    )
    expected, model = build_model(config), build_model(config)
    plain_training(config, data, torch.optim.SGD(expected.parameters(), lr=0.1), expected)
    events = list(fit(model, config, data, data[:10]))
    assert [event.step for event in events if isinstance(event, StepDone)] == [1, 2]
    for name, tensor in expected.state_dict().items():
        torch.testing.assert_close(model.state_dict()[name], tensor, rtol=1e-3, atol=1e-5)


def test_batch_norm_never_meets_a_batch_of_one(sample):
    config = replace(CONFIG, batch_norm=True, train_size=41)
    _, events = train(config, sample)
    assert (events[0].train_images, events[0].steps_per_epoch) == (40, 2)
    _, events = train(replace(config, batch_norm=False), sample)
    assert (events[0].train_images, events[0].steps_per_epoch) == (41, 3)


# Repeating


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"dropout": 0.3},
        {"activation": "rrelu"},
        {"augmentation": "shift"},
        {"augmentation": "elastic"},
        {"architecture": "cnn", "channels": (4, 8), "batch_norm": True, "dropout": 0.2},
    ],
)
def test_a_seed_repeats_a_training_to_the_bit_whatever_other_threads_do(settings, sample):
    config = replace(CONFIG, **settings)
    weights, events = train(config, sample)
    done = threading.Event()

    def disturb() -> None:
        own = torch.Generator()
        while not done.is_set():
            build_model(replace(config, seed=99))
            torch.rand(10, generator=own)
            np.random.default_rng().random(10)
            with RandomStream(5):
                torch.rand(10)

    others = threading.Thread(target=disturb)
    others.start()
    try:
        again, events_again = train(config, sample)
    finally:
        done.set()
        others.join()
    assert same(again, weights)
    assert facts(events_again) == facts(events)
    other, _ = train(replace(config, seed=1), sample)
    assert not same(other, weights)


def test_training_takes_and_leaves_the_global_generator_as_it_is(sample):
    config = replace(CONFIG, augmentation="affine", dropout=0.2)
    expected, _ = train(config, sample)
    torch.manual_seed(11)
    state = torch.get_rng_state()
    weights, _ = train(config, sample)
    assert same(weights, expected)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_model_is_trained_in_training_mode_whatever_mode_it_comes_in(sample):
    config = replace(CONFIG, dropout=0.3, batch_norm=True)
    expected, _ = train(config, sample)
    model = build_model(config).eval()
    for event in fit(model, config, sample.train[: config.train_size], sample.test):
        if isinstance(event, EpochDone):
            model.eval()  # as a caller may leave it
    assert same({name: model.state_dict()[name] for name in expected}, expected)


# Diverging


def test_a_loss_that_explodes_names_the_learning_rate(sample):
    config = replace(CONFIG, widths=(64,) * 8, optimizer="sgd", learning_rate=100.0, epochs=20)
    with pytest.raises(Diverged) as caught:
        train(config, sample)
    assert "learning rate of 100; try 0.1" in str(caught.value)
    assert caught.value.message.values["step"] >= 1


class Exploding:
    """Gradients that are infinite, and outputs as given."""

    random = None

    def __init__(self, model, output: float) -> None:
        self.model, self.output = model, output

    def __call__(self, inputs, labels, share):
        for parameter in self.model.parameters():
            parameter.grad = torch.full_like(parameter, math.inf)
        return torch.full((len(labels), 10), self.output)

    def clear(self) -> None:
        pass


@pytest.mark.parametrize("output", [math.nan, math.inf])
def test_a_loss_that_explodes_at_a_usual_rate_names_the_gradients(output, sample, monkeypatch):
    monkeypatch.setattr(trainer, "choose_gradients", lambda model, *_: Exploding(model, output))
    with pytest.raises(
        Diverged, match=r"at step 1: .* exploding gradients; try a tenth of the learning rate"
    ):
        train(CONFIG, sample)


def test_weights_that_explode_in_the_very_last_step_are_noticed(sample, monkeypatch):
    monkeypatch.setattr(trainer, "choose_gradients", lambda model, *_: Exploding(model, 1.0))
    with pytest.raises(Diverged, match="at step 1"):
        train(replace(CONFIG, batch_size=210, epochs=1, optimizer="sgd"), sample)


# The real thing


def test_one_epoch_of_tutorial_3_on_real_images(mnist_directory):
    mnist = open_mnist(mnist_directory)
    config = replace(RECIPES["tutorial-3"].config, epochs=1, train_size=20_000)
    *_, last = fit(build_model(config), config, mnist.train[: config.train_size], mnist.test[:2_000])
    assert last.monitor_accuracy > 0.88


def test_quick_on_some_real_images(mnist_directory):
    mnist = open_mnist(mnist_directory)
    config = replace(RECIPES["quick"].config, epochs=1, train_size=4_000, precision="float32")
    *_, last = fit(build_model(config), config, mnist.train[: config.train_size], mnist.test[:1_000])
    assert last.monitor_accuracy > 0.85
