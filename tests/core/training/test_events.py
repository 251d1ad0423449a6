"""The events of a training, and its state when its generator is closed."""

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mnist_core.choices import SCHEDULES
from mnist_core.evaluation.metrics import evaluate
from mnist_core.models.architectures import build_model
from mnist_core.training import trainer
from mnist_core.training.events import EpochDone, Started, StepDone, Tick
from mnist_core.training.trainer import fit
from tests.core.trainings import CONFIG, plain_training, same, train


@pytest.mark.parametrize("batch_size", [1, 7, 20, 210, 60_000])
def test_events_are_consistent(batch_size, sample):
    config = replace(CONFIG, batch_size=batch_size, epochs=3)
    _, events = train(config, sample)
    started, *rest = (event for event in events if not isinstance(event, Tick))  # a busy machine's
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
    assert len(steps) <= 3 * trainer.REPORTS_PER_EPOCH
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


def test_training_accuracy_counts_the_predictions_made_during_the_epoch(sample):
    """With a batch of everything, the only answers given are those before the first step."""
    config = replace(CONFIG, batch_size=210, epochs=1)
    before = evaluate(build_model(config), sample.train[:210])
    _, events = train(config, sample)
    assert events[-1].train_accuracy == before.accuracy
    assert events[-1].train_loss == pytest.approx(before.loss, rel=1e-5)


def test_the_untrained_network_is_scored_before_the_first_step(sample):
    model = build_model(CONFIG)
    events = fit(model, CONFIG, sample.train[: CONFIG.train_size], sample.test)
    started = next(events)
    assert same(model.state_dict(), build_model(CONFIG).state_dict())
    result = evaluate(build_model(CONFIG), sample.test)
    assert started.accuracy == result.accuracy
    assert started.loss == pytest.approx(result.loss, rel=1e-6)


def test_the_caller_can_act_while_the_monitored_images_are_scored(sample, monkeypatch):
    whole, steps = list(fit(build_model(CONFIG), CONFIG, sample.train, sample.test)), []
    monkeypatch.setattr(trainer, "TICK_SECONDS", -1)
    monkeypatch.setattr(trainer, "SCORED_AT_ONCE", len(sample.test) // 2)
    events = list(fit(build_model(CONFIG), CONFIG, sample.train, sample.test))
    assert isinstance(events[0], Tick)
    started = [event for event in events if isinstance(event, Started)]
    assert started[0].accuracy == whole[0].accuracy
    assert started[0].loss == pytest.approx(whole[0].loss, rel=1e-6)
    assert isinstance(events[events.index(started[0]) + 1], StepDone | Tick)
    for place, event in enumerate(events):
        if isinstance(event, EpochDone):
            steps.append(events[place - 1])
    assert all(isinstance(event, Tick) for event in steps)


def test_an_epochs_scores_are_those_of_its_weights(sample):
    model = build_model(CONFIG)
    for event in fit(model, CONFIG, sample.train[: CONFIG.train_size], sample.test):
        if isinstance(event, EpochDone):
            result = evaluate(model, sample.test)
            assert event.monitor_accuracy == result.accuracy
            assert event.monitor_loss == pytest.approx(result.loss, rel=1e-6)


@pytest.mark.parametrize("steps", [1, 3, 11, 12])
def test_leaving_the_loop_keeps_the_finished_steps(steps, sample):
    """Stopped after step 11, the first epoch's last, or in the second epoch: as if there were no more."""
    config = replace(CONFIG, shuffle=False)
    model = build_model(config)
    for event in fit(model, config, sample.train[: config.train_size], sample.test):
        if isinstance(event, StepDone) and event.step == steps:
            break
    expected = build_model(config)
    plain_training(
        replace(config, epochs=1),
        sample.train[: min(20 * steps, 210)],
        optimizer := torch.optim.Adam(expected.parameters(), lr=config.learning_rate),
        expected,
    )
    if steps == 12:
        plain_training(replace(config, epochs=1), sample.train[:20], optimizer, expected)
    for name, tensor in expected.state_dict().items():
        torch.testing.assert_close(model.state_dict()[name], tensor, rtol=1e-3, atol=1e-5)


def test_the_callers_own_time_is_no_training_time(sample, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(trainer, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    seconds = []
    for event in fit(build_model(CONFIG), CONFIG, sample.train[: CONFIG.train_size], sample.test):
        now[0] += 100
        seconds += [] if isinstance(event, Started) else [event.train_seconds]
    assert set(seconds) == {0}


def test_seconds_and_speed_are_those_of_the_steps(sample, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(trainer, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    model = build_model(CONFIG)

    def take_a_second(scaling, *_: object) -> None:
        now[0] += 1.0 if scaling.training else 50.0  # a block of 210 images is scaled at once

    model.scaling.register_forward_hook(take_a_second)
    events = list(fit(model, replace(CONFIG, batch_size=210), sample.train[:210], sample.test))
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
    for event in fit(model, config, sample.train[: config.train_size], sample.test):
        if isinstance(event, StepDone):
            after = model.state_dict()["network.3.weight"].clone()
            moves.append(after - before)
            gradients.append(model.network[3].weight.grad.clone())
            before = after
    torch.testing.assert_close(moves[0], -0.1 * gradients[0], rtol=1e-3, atol=1e-7)
    torch.testing.assert_close(moves[1], -0.01 * gradients[1], rtol=1e-3, atol=1e-7)
