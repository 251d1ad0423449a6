import time
from dataclasses import replace

import pytest

from mnist_core.config import TrainConfig
from mnist_core.models.architectures import build_model
from mnist_core.runtime import job as job_module
from mnist_core.runtime.job import Watcher
from mnist_core.training import speed_meter
from mnist_core.training.autotune import training_speed
from mnist_core.training.events import StepDone
from mnist_core.training.speed_meter import TOO_LARGE, Speed, SpeedMeter, speed_settings
from mnist_core.training.trainer import fit

CONFIG = TrainConfig(widths=(16,), monitor="test")


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(speed_meter, "SECONDS_STILL", 0.02)
    monkeypatch.setattr(speed_meter, "SECONDS_TO_NEXT_TRY", 0.02)


class Measure:
    """Answers with these speeds in turn, the last one again and again, and notes what was asked."""

    def __init__(self, *speeds: Speed | Exception | None) -> None:
        self.speeds, self.asked = list(speeds), []

    def __call__(self, config: TrainConfig) -> Speed | None:
        self.asked.append(config)
        speed = self.speeds.pop(0) if len(self.speeds) > 1 else self.speeds[0]
        if isinstance(speed, Exception):
            raise speed
        return speed


ANNA = Watcher()
FAST, SLOW = Speed(100.0, 1000.0), Speed(5.0, 20.0)


def wait(meter: SpeedMeter, config: TrainConfig, seconds: float = 10) -> Speed:
    end = time.monotonic() + seconds
    while (speed := meter.speed(config, ANNA)) is None:
        assert time.monotonic() < end, "never measured"
        time.sleep(0.01)
    return speed


def test_a_speed_is_measured_once_and_remembered():
    measure = Measure(FAST)
    meter = SpeedMeter(measure)
    assert meter.speed(CONFIG, ANNA) is None  # at once
    assert wait(meter, CONFIG) == FAST
    assert meter.speed(replace(CONFIG, learning_rate=0.5, epochs=9, seed=3), ANNA) == FAST
    assert measure.asked == [speed_settings(CONFIG)]
    assert meter.speed(replace(CONFIG, batch_size=7), ANNA) is None


def test_only_settings_that_stay_are_measured():
    measure = Measure(FAST)
    meter = SpeedMeter(measure)
    for size in range(1, 30):
        meter.speed(replace(CONFIG, batch_size=size), ANNA)
    wait(meter, replace(CONFIG, batch_size=29))
    assert [config.batch_size for config in measure.asked] == [29]


def test_it_waits_for_a_training_to_end_and_learns_from_it():
    measure = Measure(None, None, None, FAST)
    meter = SpeedMeter(measure)
    assert wait(meter, CONFIG) == FAST
    assert len(measure.asked) == 4
    meter.remember(replace(CONFIG, widths=(5,), epochs=77), SLOW)
    assert meter.speed(replace(CONFIG, widths=(5,)), ANNA) == SLOW


def test_what_is_wanted_meanwhile_comes_first():
    measure = Measure(None)
    meter = SpeedMeter(measure)
    meter.speed(CONFIG, ANNA)
    while not measure.asked:
        time.sleep(0.01)
    other = replace(CONFIG, widths=(5,))
    meter.speed(other, ANNA)
    measure.speeds = [SLOW]
    assert wait(meter, other) == SLOW


def test_a_network_too_large_or_broken_is_not_tried_again():
    measure = Measure(ValueError("broken"), FAST)
    meter = SpeedMeter(measure)
    assert wait(meter, replace(CONFIG, widths=(4096,) * 4)) == TOO_LARGE
    assert not measure.asked
    assert wait(meter, CONFIG) == TOO_LARGE
    assert wait(meter, replace(CONFIG, widths=(8,))) == FAST


def test_the_trials_end_when_the_last_watcher_has_left(monkeypatch):
    monkeypatch.setattr(job_module, "SECONDS_TO_RETURN", 0)
    measure, ben = Measure(None), Watcher()
    meter = SpeedMeter(measure)
    meter.speed(CONFIG, ben)
    while not measure.asked:
        time.sleep(0.01)
    ben.leave()
    meter._trials.wait(10)
    assert not meter._trials.running
    tried = len(measure.asked)
    time.sleep(0.1)
    assert len(measure.asked) == tried
    measure.speeds = [SLOW]
    assert wait(meter, CONFIG) == SLOW  # for the next one who asks


def test_many_visitors_who_ask_again_and_again_are_all_answered_once():
    measure = Measure(FAST)
    meter = SpeedMeter(measure)
    wanted = {Watcher(): replace(CONFIG, widths=(5 + number,)) for number in range(20)}
    end = time.monotonic() + 20
    while None in [meter.speed(config, who) for who, config in wanted.items()]:
        assert time.monotonic() < end, "never measured"
        time.sleep(0.001)
    assert measure.asked == [speed_settings(config) for config in wanted.values()]


def test_the_trial_and_the_training_agree(sample):
    config = replace(CONFIG, widths=(256, 256), batch_size=100, epochs=5, validation_size=0)
    events = fit(build_model(config), config, sample.train, sample.test[:1])
    *_, last = (event for event in events if isinstance(event, StepDone))
    real = last.step * 100 / last.train_seconds
    measured = training_speed(speed_settings(config), sample.train, 1).training
    assert 0.2 < measured / real < 5  # on however busy a machine


def test_the_time_of_a_run_counts_its_evaluations():
    assert FAST.epoch_seconds(500, 2000) == 5 + 2
    assert FAST.run_seconds(2, 500, 2000, 10_000) == 2 * 7 + 2 + 10
    assert TOO_LARGE.run_seconds(2, 500, 2000, 10_000) is None
