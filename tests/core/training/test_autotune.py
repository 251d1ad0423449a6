import math
from dataclasses import replace

import pytest
import torch

from mnist_core.config import TrainConfig
from mnist_core.training import autotune
from mnist_core.training.autotune import choose_threads
from mnist_core.training.trainer import fit

CONFIG = TrainConfig(widths=(16,), monitor="test")


@pytest.fixture
def speeds(monkeypatch):
    """Let trials find these speeds: threads -> images per second; tells which were tried."""
    tried: list[int] = []

    def be(speed_of: dict[int, float]) -> list[int]:
        def measure(config, images, count: int, *batch_and_seconds: object) -> float:
            tried.append(count)
            return speed_of[count]

        monkeypatch.setattr(autotune, "_images_per_second", measure)
        monkeypatch.setattr(autotune, "WORTHWHILE", 1.1)
        return tried

    return be


@pytest.mark.parametrize(
    ("speed_of", "best"),
    [
        ({1: 100, 2: 60, 4: 50}, 1),
        ({1: 100, 2: 190, 4: 150}, 2),
        ({1: 100, 2: 190, 4: 300}, 4),
        ({1: 100, 2: 105, 4: 108}, 1),
        ({1: 100, 2: 105, 4: 112}, 4),
        ({1: 0.0, 2: 0.0, 4: 0.0}, 1),
    ],
)
def test_more_threads_are_chosen_where_they_are_worth_it(speed_of, best, batch, speeds):
    speeds(speed_of)
    assert choose_threads(CONFIG, batch, 4) == best
    assert torch.get_num_threads() == best


@pytest.mark.parametrize(
    ("most", "tried"), [(1, []), (2, [1, 2]), (3, [1, 2, 3]), (6, [1, 2, 4, 6]), (8, [1, 2, 4, 8])]
)
def test_powers_of_two_and_the_most_are_tried(most, tried, batch, speeds):
    assert speeds(dict.fromkeys(range(1, 9), 1.0)) == []
    choose_threads(CONFIG, batch, most)
    assert sorted(set(speeds({}))) == tried


@pytest.mark.parametrize(
    "settings",
    [{}, {"architecture": "cnn", "channels": (4,)}, {"monitor": "validation"}, {"schedule": "one_cycle"}],
)
def test_a_trial_measures_a_speed_for_any_settings(settings, batch, monkeypatch):
    speed = autotune._images_per_second(replace(CONFIG, **settings), batch, 1, 500, 0.02)
    assert 0 < speed < math.inf


def test_a_training_that_diverges_does_not_break_the_choice(batch, monkeypatch):
    monkeypatch.setattr(autotune, "TRIAL_SECONDS", 60)
    config = replace(CONFIG, widths=(64,) * 8, optimizer="sgd", learning_rate=100.0)
    assert choose_threads(config, batch, 2) == 1


def test_a_training_too_short_to_measure_gets_one_thread(batch, monkeypatch):
    monkeypatch.setattr(autotune, "TRIAL_SECONDS", 60)  # longer than two epochs on however busy a machine
    monkeypatch.setattr(
        autotune, "fit", lambda model, trial, *data: fit(model, replace(trial, epochs=2), *data)
    )
    assert choose_threads(CONFIG, batch, 2) == 1


def test_a_trial_is_short_even_for_a_batch_of_everything(sample, monkeypatch):
    trials: list[TrainConfig] = []

    def spy(model, trial, *data):
        trials.append(trial)
        return fit(model, trial, *data)

    monkeypatch.setattr(autotune, "fit", spy)
    speed = autotune._images_per_second(replace(CONFIG, batch_size=60_000), sample.train, 1, 500, 0.02)
    assert speed > 0
    assert trials[0].batch_size <= 500


def test_a_speed_is_measured_in_a_short_trial(sample, monkeypatch):
    monkeypatch.setattr(autotune, "TRIAL_SECONDS", 0.05)
    assert all(0 < speed < math.inf for speed in autotune.training_speed(CONFIG, sample.train, 1))


def test_a_speed_is_that_of_the_device_that_trains(sample, monkeypatch):
    tried: list[tuple[int, torch.device]] = []

    def measure(config, images, count, batch, seconds, device):
        tried.append((count, device))
        return 50.0

    def evaluate(config, images, at_once, device):
        tried.append((1, device))
        return 7.0

    monkeypatch.setattr(autotune, "_images_per_second", measure)
    monkeypatch.setattr(autotune, "_evaluated_per_second", evaluate)
    elsewhere = torch.device("meta")
    assert autotune.training_speed(CONFIG, sample.train, 2, elsewhere) == (50, 7)
    assert set(tried) == {(1, elsewhere)}


def test_batches_of_a_slow_network_are_cut(sample, monkeypatch):
    tried: list[int] = []

    def slow(config, images, count, batch, *seconds_and_device):
        tried.append(batch)
        return 50.0  # images per second

    monkeypatch.setattr(autotune, "_images_per_second", slow)
    assert autotune.training_speed(replace(CONFIG, batch_size=5000), sample.train, 1).training == 50
    assert set(tried) == {4}  # 32 images would take 0.6 s
    tried.clear()
    autotune.training_speed(replace(CONFIG, batch_size=2), sample.train, 1)
    assert tried[-1] <= 4
