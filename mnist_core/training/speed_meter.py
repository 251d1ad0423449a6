"""The speed of training with given settings on this machine: measured in the background, and kept."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import replace
from typing import NamedTuple

from mnist_core.config import TrainConfig
from mnist_core.messages import InputError
from mnist_core.models.summary import SHAPING, describe_layers
from mnist_core.runtime.event_log import log_error
from mnist_core.runtime.job import Job, Watcher
from mnist_core.training.memory import check_memory

SPEED_SETTINGS = (*SHAPING, "optimizer", "gradient_clipping", "batch_size", "augmentation", "precision")
"""The settings on which the speed of training depends: those of the network and of a step."""
SECONDS_STILL = 0.5  # seconds without a change of the settings before they are measured
SECONDS_TO_NEXT_TRY = 1.0  # while a training runs
MOST_PARAMETERS = 10_000_000  # a trial of more would take hundreds of megabytes
MOST_REMEMBERED = 500
_log = logging.getLogger(__name__)


class Speed(NamedTuple):
    """Images per second of the steps of a training, and of its evaluations; both 0 if they are unknown."""

    training: float
    evaluation: float

    def epoch_seconds(self, images: int, monitored: int) -> float:
        """Return the seconds of an epoch and of the evaluation after it; the speed must be known."""
        return images / self.training + monitored / self.evaluation

    def run_seconds(self, epochs: int, images: int, monitored: int, tested: int) -> float | None:
        """Return the seconds of a run with the evaluation before its epochs and the test; None if unknown."""
        if not self.training:
            return None
        return epochs * self.epoch_seconds(images, monitored) + (monitored + tested) / self.evaluation


TOO_LARGE = Speed(0.0, 0.0)


def speed_settings(config: TrainConfig) -> TrainConfig:
    """Return `config` with all settings at their defaults that the speed of training doesn't depend on."""
    return replace(TrainConfig(), **{name: getattr(config, name) for name in SPEED_SETTINGS})


class _Wish(NamedTuple):
    """Settings to measure, and the time.monotonic() at which they were requested."""

    config: TrainConfig
    since: float


class SpeedMeter:
    """Measures the settings that each visitor requested last, in a background job, one after the other.

    `measure(config)` returns the speed after a short trial, or None while it can't: then it is called
    again later.
    """

    def __init__(self, measure: Callable[[TrainConfig], Speed | None]) -> None:
        self._measure = measure
        self._speeds: dict[TrainConfig, Speed] = {}
        self._lock = threading.Lock()
        self._wanted: dict[Watcher, _Wish] = {}
        self._trials = self._new_job()

    def speed(self, config: TrainConfig, watcher: Watcher) -> Speed | None:
        """Return the speed of `config`'s training at once; None while unknown, which starts a measurement.

        TOO_LARGE for a network too large for a trial. The caller asks again until it is known;
        the trials end when no watcher is left.
        """
        key = speed_settings(config)
        with self._lock:
            if (speed := self._speeds.get(key)) is not None:
                self._wanted.pop(watcher, None)
                return speed
            if watcher not in self._wanted or self._wanted[watcher].config != key:
                self._wanted[watcher] = _Wish(key, time.monotonic())
            if self._trials.finished:
                self._trials = self._new_job()
            self._trials.start(watcher)
            return None

    def remember(self, config: TrainConfig, speed: Speed) -> None:
        """Keep a measured speed, and end its request."""
        key = speed_settings(config)
        with self._lock:
            if len(self._speeds) >= MOST_REMEMBERED:
                self._speeds.clear()
            self._speeds[key] = speed
            self._wanted = {who: wish for who, wish in self._wanted.items() if wish.config != key}

    def _new_job(self) -> Job[None]:
        return Job("speed trials", self._steps)

    def _steps(self) -> Generator[tuple[float, None]]:
        """Measure until no request is left; yield after each trial and each short wait."""
        while wish := self._oldest_wish():
            still = time.monotonic() - wish.since
            if still < SECONDS_STILL:
                time.sleep(SECONDS_STILL - still)
            elif (speed := self._try(wish.config)) is None:
                time.sleep(SECONDS_TO_NEXT_TRY)
            else:
                self.remember(wish.config, speed)
            yield 0.0, None

    def _oldest_wish(self) -> _Wish | None:
        """Return the oldest request whose watcher is still there."""
        with self._lock:
            self._wanted = {who: wish for who, wish in self._wanted.items() if not who.gone}
            return min(self._wanted.values(), key=lambda wish: wish.since, default=None)

    def _try(self, config: TrainConfig) -> Speed | None:
        if sum(layer.parameters for layer in describe_layers(config)) > MOST_PARAMETERS:
            return TOO_LARGE
        try:
            check_memory(config)
            return self._measure(config)
        except InputError:
            return TOO_LARGE
        except Exception as error:
            log_error(_log, "speed_trial_failed", error)
            return TOO_LARGE  # so that it is not tried repeatedly
