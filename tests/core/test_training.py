import math
import threading
from dataclasses import astuple, replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mnist_core import training
from mnist_core.architectures import build_model
from mnist_core.config import TrainConfig
from mnist_core.data import Dataset, Split, open_mnist
from mnist_core.evaluation import evaluate
from mnist_core.learning import batches
from mnist_core.learning.events import Diverged, EpochDone, Started, StepDone
from mnist_core.learning.gradients import PIECE
from mnist_core.learning.randomness import RandomStream
from mnist_core.optimizers import SCHEDULES
from mnist_core.recipes import RECIPES
from mnist_core.runs.recording import monitored_splits
from mnist_core.training import fit

CONFIG = TrainConfig(widths=(16,), epochs=2, batch_size=20, train_size=210, monitor="test")


def train(config: TrainConfig, data: Dataset) -> tuple[dict[str, torch.Tensor], list]:
    """The weights that a training ends with, and its events."""
    model = build_model(config)
    events = list(fit(model, config, data.train, data.test))
    return model.state_dict(), events


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in other)


def facts(events: list) -> list[tuple]:
    """Events without the times they took."""
    timeless = {"train_seconds": 0, "images_per_second": 0}
    return [
        astuple(replace(event, **{key: value for key, value in timeless.items() if hasattr(event, key)}))
        for event in events
    ]


def numbered(count: int, first: int = 0) -> Split:
    """Images whose first two pixels tell which they are."""
    images = np.random.default_rng(0).integers(0, 256, (count, 28, 28), np.uint8)
    images[:, 0, 0], images[:, 0, 1] = np.divmod(np.arange(first, first + count), 256)
    return Split(images, (np.arange(count) % 10).astype(np.uint8))


def watch(model) -> tuple[list[int], list[int]]:
    """Numbers of the images the model will see in training and in evaluation, as they come."""
    seen: tuple[list[int], list[int]] = ([], [])

    def note(scaling, inputs, output) -> None:
        pixels = inputs[0].long()
        seen[0 if scaling.training else 1].extend((pixels[:, 0, 0] * 256 + pixels[:, 0, 1]).tolist())

    model.scaling.register_forward_hook(note)
    return seen


# The arithmetic


def plain_training(config: TrainConfig, train: Split, optimizer: torch.optim.Optimizer, model) -> None:
    """The loop as every tutorial writes it."""
    images, labels = torch.from_numpy(train.images), torch.from_numpy(train.labels).long()
    model.train()
    for _ in range(config.epochs):
        for start in range(0, min(config.train_size, len(images)), config.batch_size):
            chosen = slice(start, min(start + config.batch_size, config.train_size))
            optimizer.zero_grad()
            F.cross_entropy(model(images[chosen]), labels[chosen]).backward()
            optimizer.step()


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
    plain_training(config, sample.train, torch.optim.SGD(expected.parameters(), lr=0.1), expected)
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
    expected, whole_events = train(config, sample)
    monkeypatch.setattr(batches, "PIECE", piece)
    monkeypatch.setattr("mnist_core.learning.gradients.PIECE", piece)
    weights, events = train(config, sample)
    for name, tensor in expected.items():
        torch.testing.assert_close(weights[name], tensor, rtol=1e-3, atol=2e-5)
    for event, whole in zip(events, whole_events, strict=True):
        if isinstance(event, EpochDone):
            assert event.step == whole.step
            assert event.train_loss == pytest.approx(whole.train_loss, rel=1e-3)


def test_a_batch_larger_than_a_piece_gives_the_gradient_of_all_its_images():
    """By real sizes: 4,500 images are a batch of 2,500, in two pieces, and an uneven one of 2,000."""
    assert 2_000 <= PIECE < 2_500
    data = numbered(4_500)
    config = replace(
        CONFIG,
        epochs=1,
        batch_size=2_500,
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


# Which images, in which order


@pytest.mark.parametrize("batch_size", [32, 100, 5_000])
def test_unshuffled_images_come_in_their_own_order(batch_size):
    config = replace(CONFIG, shuffle=False, batch_size=batch_size, train_size=250)
    model = build_model(config)
    trained_on, _ = watch(model)
    list(fit(model, config, numbered(300), numbered(10, 1000)))
    assert trained_on == [*range(250), *range(250)]


@pytest.mark.parametrize("batch_size", [1, 32, 5_000])
def test_shuffled_images_come_once_an_epoch_in_ever_new_order(batch_size):
    config = replace(CONFIG, batch_size=batch_size, train_size=250)
    model = build_model(config)
    trained_on, _ = watch(model)
    list(fit(model, config, numbered(300), numbered(10, 1000)))
    first, second = trained_on[:250], trained_on[250:]
    assert sorted(first) == sorted(second) == list(range(250))
    assert first != second
    assert first != sorted(first)


def test_another_seed_is_another_order():
    orders = []
    for seed in (0, 0, 1):
        config = replace(CONFIG, seed=seed)
        model = build_model(config)
        orders.append(watch(model)[0])
        list(fit(model, config, numbered(210), numbered(10, 1000)))
    assert orders[0] == orders[1] != orders[2]


@pytest.mark.parametrize("name", ["shift", "affine"])
def test_another_seed_is_another_variation(name):
    seen = []
    for seed in (0, 0, 1):
        config = replace(CONFIG, seed=seed, augmentation=name, shuffle=False, epochs=1)
        model = build_model(config)
        model.scaling.register_forward_hook(
            lambda scaling, given, output: seen.append(given[0].clone()) if scaling.training else None
        )
        list(fit(model, config, numbered(210), numbered(10)))
    assert torch.equal(seen[0], seen[1])
    assert not torch.equal(seen[1], seen[2])


@pytest.mark.parametrize(
    ("settings", "trained", "watched"),
    [
        ({"validation_size": 60, "monitor": "validation"}, range(240), range(240, 300)),
        ({"validation_size": 60, "monitor": "validation", "train_size": 100}, range(100), range(240, 300)),
        ({"validation_size": 60}, range(240), range(1000, 1050)),
        ({"validation_size": 0}, range(300), range(1000, 1050)),
        ({"validation_size": 20_000, "monitor": "validation"}, range(250), range(250, 300)),
    ],
)
def test_images_held_out_are_never_trained_on(settings, trained, watched):
    config = TrainConfig(widths=(8,), epochs=2, **{"monitor": "test", **settings})
    model = build_model(config)
    trained_on, watched_on = watch(model)
    dataset = Dataset(numbered(300), numbered(50, 1000), "sample")
    list(fit(model, config, *monitored_splits(config, dataset)))
    assert set(trained_on) == set(trained)
    assert watched_on == [*watched] * 3  # before the first epoch and after each of the two


def test_the_callers_images_are_left_alone():
    data = numbered(100)
    before = data.images.copy()
    config = replace(CONFIG, augmentation="affine")
    list(fit(build_model(config), config, data, data))
    assert (data.images == before).all()


def test_augmented_epochs_differ_and_the_monitored_images_are_not_varied():
    config = replace(CONFIG, augmentation="shift", shuffle=False, train_size=50, batch_size=50)
    model = build_model(config)
    inputs: dict[bool, list[torch.Tensor]] = {True: [], False: []}
    model.scaling.register_forward_hook(
        lambda scaling, given, output: inputs[scaling.training].append(given[0].clone())
    )
    data = numbered(50)
    list(fit(model, config, data, data))
    assert not torch.equal(*inputs[True])
    assert all(torch.equal(images, torch.from_numpy(data.images)) for images in inputs[False])


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
    for event in fit(model, config, sample.train, sample.test):
        if isinstance(event, EpochDone):
            model.eval()  # as a caller may leave it
    assert same({name: model.state_dict()[name] for name in expected}, expected)


# Events


@pytest.mark.parametrize("batch_size", [1, 7, 20, 210, 60_000])
def test_events_are_consistent(batch_size, sample):
    config = replace(CONFIG, batch_size=batch_size, epochs=3)
    _, events = train(config, sample)
    started, *rest = events
    per_epoch = math.ceil(210 / batch_size)
    assert isinstance(started, Started)
    assert (started.steps_per_epoch, started.train_images) == (per_epoch, 210)
    epochs = [event for event in rest if isinstance(event, EpochDone)]
    steps = [event for event in rest if isinstance(event, StepDone)]
    assert [event.epoch for event in epochs] == [1, 2, 3]
    assert [event.step for event in epochs] == [per_epoch, 2 * per_epoch, 3 * per_epoch]
    numbers = [event.step for event in steps]
    assert numbers == sorted(set(numbers))
    assert numbers[-1] == 3 * per_epoch
    assert all(event.epoch == math.ceil(event.step / per_epoch) for event in steps)
    assert len(steps) <= 3 * training.REPORTS_PER_EPOCH
    seconds = [event.train_seconds for event in rest]
    assert seconds == sorted(seconds)
    assert all(event.images_per_second > 0 and math.isfinite(event.loss) for event in steps)
    for event in epochs:
        assert rest[rest.index(event) - 1].step == event.step


def test_the_events_losses_are_the_mean_of_the_steps(sample):
    config = replace(CONFIG, train_size=200, epochs=1)
    _, events = train(config, sample)
    losses = [event.loss for event in events if isinstance(event, StepDone)]
    assert len(losses) == 10
    assert events[-1].train_loss == pytest.approx(np.mean(losses), rel=1e-5)


def test_training_accuracy_counts_the_answers_given_on_the_way(sample):
    """With a batch of everything, the only answers given are those before the first step."""
    config = replace(CONFIG, batch_size=210, epochs=1)
    before = evaluate(build_model(config), sample.train[:210])
    _, events = train(config, sample)
    assert events[-1].train_accuracy == before.accuracy
    assert events[-1].train_loss == pytest.approx(before.loss, rel=1e-5)


def test_the_untrained_network_is_scored_before_the_first_step(sample):
    model = build_model(CONFIG)
    events = fit(model, CONFIG, sample.train, sample.test)
    started = next(events)
    assert same(model.state_dict(), build_model(CONFIG).state_dict())
    result = evaluate(build_model(CONFIG), sample.test)
    assert started.accuracy == result.accuracy
    assert started.loss == pytest.approx(result.loss, rel=1e-6)


def test_an_epochs_scores_are_those_of_its_weights(sample):
    model = build_model(CONFIG)
    for event in fit(model, CONFIG, sample.train, sample.test):
        if isinstance(event, EpochDone):
            result = evaluate(model, sample.test)
            assert event.monitor_accuracy == result.accuracy
            assert event.monitor_loss == pytest.approx(result.loss, rel=1e-6)


@pytest.mark.parametrize("steps", [1, 3, 11, 12])
def test_leaving_the_loop_keeps_the_finished_steps(steps, sample):
    """Stopped after step 11, the first epoch's last, or in the second epoch: as if there were no more."""
    config = replace(CONFIG, shuffle=False)
    model = build_model(config)
    for event in fit(model, config, sample.train, sample.test):
        if isinstance(event, StepDone) and event.step == steps:
            break
    expected = build_model(config)
    plain_training(
        replace(config, train_size=min(20 * steps, 210), epochs=1),
        sample.train,
        optimizer := torch.optim.Adam(expected.parameters(), lr=config.learning_rate),
        expected,
    )
    if steps == 12:
        plain_training(replace(config, train_size=20, epochs=1), sample.train, optimizer, expected)
    for name, tensor in expected.state_dict().items():
        torch.testing.assert_close(model.state_dict()[name], tensor, rtol=1e-3, atol=1e-5)


def test_the_callers_own_time_is_no_training_time(sample, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(training, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    seconds = []
    for event in fit(build_model(CONFIG), CONFIG, sample.train, sample.test):
        now[0] += 100
        seconds += [] if isinstance(event, Started) else [event.train_seconds]
    assert set(seconds) == {0}


def test_seconds_and_speed_are_those_of_the_steps(sample, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(training, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    model = build_model(CONFIG)

    def take_a_second(scaling, *_: object) -> None:
        now[0] += 1.0 if scaling.training else 50.0  # a block of 210 images is scaled at once

    model.scaling.register_forward_hook(take_a_second)
    events = list(fit(model, replace(CONFIG, batch_size=210), sample.train, sample.test))
    assert [event.train_seconds for event in events[1:]] == [1, 1, 2, 2]
    assert [event.images_per_second for event in events if isinstance(event, StepDone)] == [210, 210]


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_learning_rate_follows_its_schedule(schedule, sample):
    config = replace(CONFIG, schedule=schedule, learning_rate=0.01)
    _, events = train(config, sample)
    steps = [event for event in events if isinstance(event, StepDone)]
    factor = SCHEDULES[schedule].factor
    expected = [0.01 * factor((event.step - 1) / 22) for event in steps]
    assert len(steps) == 22
    assert [event.learning_rate for event in steps] == pytest.approx(expected)


def test_the_schedules_rate_moves_the_weights(sample):
    """Two steps of SGD on the same batch: the second, at a tenth of the rate, is as large as that."""
    config = replace(
        CONFIG, schedule="step", optimizer="sgd", learning_rate=0.1, batch_size=210, shuffle=False
    )
    model = build_model(config)
    moves, gradients = [], []
    before = model.state_dict()["network.3.weight"].clone()
    for event in fit(model, config, sample.train, sample.test):
        if isinstance(event, StepDone):
            after = model.state_dict()["network.3.weight"].clone()
            moves.append(after - before)
            gradients.append(model.network[3].weight.grad.clone())
            before = after
    torch.testing.assert_close(moves[0], -0.1 * gradients[0], rtol=1e-3, atol=1e-7)
    torch.testing.assert_close(moves[1], -0.01 * gradients[1], rtol=1e-3, atol=1e-7)


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
    monkeypatch.setattr(training, "choose_gradients", lambda model, *_: Exploding(model, output))
    with pytest.raises(
        Diverged, match=r"at step 1: .* exploding gradients; try a tenth of the learning rate"
    ):
        train(CONFIG, sample)


def test_weights_that_explode_in_the_very_last_step_are_noticed(sample, monkeypatch):
    monkeypatch.setattr(training, "choose_gradients", lambda model, *_: Exploding(model, 1.0))
    with pytest.raises(Diverged, match="at step 1"):
        train(replace(CONFIG, batch_size=210, epochs=1, optimizer="sgd"), sample)


# The real thing


def test_one_epoch_of_tutorial_3_on_real_images(mnist_directory):
    mnist = open_mnist(mnist_directory)
    config = replace(RECIPES["tutorial-3"].config, epochs=1)
    *_, last = fit(build_model(config), config, mnist.train, mnist.test)
    assert last.monitor_accuracy > 0.93


def test_quick_on_some_real_images(mnist_directory):
    mnist = open_mnist(mnist_directory)
    config = replace(RECIPES["quick"].config, epochs=1, train_size=6_000, precision="float32")
    *_, last = fit(build_model(config), config, mnist.train, mnist.test[:2_000])
    assert last.monitor_accuracy > 0.9
