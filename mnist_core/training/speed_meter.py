"""How fast settings train on this machine: measured in the background, and remembered."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace

from mnist_core.config import TrainConfig
from mnist_core.models.summary import SHAPING, describe_layers

SPEED_SETTINGS = (*SHAPING, "optimizer", "batch_size", "augmentation", "precision")
"""The settings that the speed of training depends on: what the network is, and how a step is made."""
SECONDS_STILL = 0.5  # settings that are still being changed aren't worth measuring
SECONDS_TO_NEXT_TRY = 1.0  # while a training runs
MOST_PARAMETERS = 10_000_000  # a trial of more would take hundreds of megabytes
MOST_REMEMBERED = 500
TOO_LARGE = 0.0
_log = logging.getLogger(__name__)


def speed_settings(config: TrainConfig) -> TrainConfig:
    """Return `config` with all settings at their defaults that training isn't faster or slower for."""
    return replace(TrainConfig(), **{name: getattr(config, name) for name in SPEED_SETTINGS})


class SpeedMeter:
    """Measures the settings that were asked for last, in a background thread.

    `measure(config)` returns images per second after a trial of a moment, or None while it can't: then it is
    asked again later.
    """

    def __init__(self, measure: Callable[[TrainConfig], float | None]) -> None:
        self._measure = measure
        self._speeds: dict[TrainConfig, float] = {}
        self._wanted: TrainConfig | None = None
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="epoch timing", daemon=True)
        self._thread.start()

    def images_per_second(self, config: TrainConfig) -> float | None:
        """Return the speed of `config`'s training, at once; None while unknown, and then it is measured.

        TOO_LARGE, which is 0, for a network too large to be tried beside all else.
        """
        key = speed_settings(config)
        with self._changed:
            if key not in self._speeds and key != self._wanted:
                self._wanted = key
                self._changed.notify()
            return self._speeds.get(key)

    def remember(self, config: TrainConfig, images_per_second: float) -> None:
        """Take a speed from a training that runs."""
        with self._changed:
            if len(self._speeds) >= MOST_REMEMBERED:
                self._speeds.clear()
            self._speeds[speed_settings(config)] = images_per_second

    def close(self, seconds: float = 5) -> None:
        """Measure no more; wait so long, at most, for a trial to end: a process must not end within torch."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join(seconds)

    def _work(self) -> None:
        while config := self._next():
            try:
                speed = self._speed(config)
            except Exception:
                _log.exception("a trial broke off")
                speed = TOO_LARGE
            if speed is not None:
                self.remember(config, speed)
            with self._changed:
                if speed is None:
                    self._changed.wait(SECONDS_TO_NEXT_TRY)
                elif self._wanted == config:
                    self._wanted = None

    def _next(self) -> TrainConfig | None:
        """Wait for settings that nobody has changed for a moment; None when there is nothing more to do."""
        with self._changed:
            self._changed.wait_for(lambda: self._wanted or self._closed)
            while self._changed.wait(SECONDS_STILL) and not self._closed:
                pass
            return None if self._closed else self._wanted

    def _speed(self, config: TrainConfig) -> float | None:
        if sum(layer.parameters for layer in describe_layers(config)) > MOST_PARAMETERS:
            return TOO_LARGE
        return self._measure(config)
