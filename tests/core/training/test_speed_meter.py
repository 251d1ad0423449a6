import time
from dataclasses import replace

import pytest

from mnist_core.config import TrainConfig
from mnist_core.models.architectures import build_model
from mnist_core.training import speed_meter
from mnist_core.training.autotune import training_speed
from mnist_core.training.events import StepDone
from mnist_core.training.speed_meter import TOO_LARGE, SpeedMeter, speed_settings
from mnist_core.training.trainer import fit

CONFIG = TrainConfig(widths=(16,), monitor="test")


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(speed_meter, "SECONDS_STILL", 0.02)
    monkeypatch.setattr(speed_meter, "SECONDS_TO_NEXT_TRY", 0.02)


class Measure:
    """Answers with these speeds in turn, the last one again and again, and notes what was asked."""

    def __init__(self, *speeds: float | None) -> None:
        self.speeds, self.asked = list(speeds), []

    def __call__(self, config: TrainConfig) -> float | None:
        self.asked.append(config)
        speed = self.speeds.pop(0) if len(self.speeds) > 1 else self.speeds[0]
        if isinstance(speed, Exception):
            raise speed
        return speed


def wait(timer: SpeedMeter, config: TrainConfig, seconds: float = 10) -> float:
    end = time.monotonic() + seconds
    while (speed := timer.images_per_second(config)) is None:
        assert time.monotonic() < end, "never measured"
        time.sleep(0.01)
    return speed


def test_a_speed_is_measured_once_and_remembered():
    measure = Measure(100.0)
    timer = SpeedMeter(measure)
    assert timer.images_per_second(CONFIG) is None  # at once
    assert wait(timer, CONFIG) == 100
    assert timer.images_per_second(replace(CONFIG, learning_rate=0.5, epochs=9, seed=3)) == 100
    assert measure.asked == [speed_settings(CONFIG)]
    assert timer.images_per_second(replace(CONFIG, batch_size=7)) is None


def test_only_settings_that_stay_are_measured():
    measure = Measure(100.0)
    timer = SpeedMeter(measure)
    for size in range(1, 30):
        timer.images_per_second(replace(CONFIG, batch_size=size))
    wait(timer, replace(CONFIG, batch_size=29))
    assert [config.batch_size for config in measure.asked] == [29]


def test_it_waits_for_a_training_to_end_and_learns_from_it():
    measure = Measure(None, None, None, 70.0)
    timer = SpeedMeter(measure)
    assert wait(timer, CONFIG) == 70
    assert len(measure.asked) == 4
    timer.remember(replace(CONFIG, widths=(5,), epochs=77), 33.0)
    assert timer.images_per_second(replace(CONFIG, widths=(5,))) == 33


def test_what_is_wanted_meanwhile_comes_first():
    measure = Measure(None)
    timer = SpeedMeter(measure)
    timer.images_per_second(CONFIG)
    while not measure.asked:
        time.sleep(0.01)
    other = replace(CONFIG, widths=(5,))
    timer.images_per_second(other)
    measure.speeds = [5.0]
    assert wait(timer, other) == 5


def test_a_network_too_large_or_broken_is_not_tried_again():
    measure = Measure(ValueError("broken"), 100.0)
    timer = SpeedMeter(measure)
    assert wait(timer, replace(CONFIG, widths=(4096,) * 4)) == TOO_LARGE
    assert not measure.asked
    assert wait(timer, CONFIG) == TOO_LARGE
    assert wait(timer, replace(CONFIG, widths=(8,))) == 100


def test_a_timer_that_is_closed_measures_no_more():
    measure = Measure(100.0)
    timer = SpeedMeter(measure)
    timer.close()
    assert timer.images_per_second(CONFIG) is None
    time.sleep(0.1)
    assert (measure.asked, timer._thread.is_alive()) == ([], False)


def test_the_trial_and_the_training_agree(sample):
    config = replace(CONFIG, widths=(256, 256), batch_size=100, epochs=5, validation_size=0)
    events = fit(build_model(config), config, sample.train, sample.test[:1])
    *_, last = (event for event in events if isinstance(event, StepDone))
    real = last.step * 100 / last.train_seconds
    measured = training_speed(speed_settings(config), sample.train, 1, lambda: False)
    assert 0.2 < measured / real < 5  # on however busy a machine
