"""A run's losses, accuracies and probes so far, reduced to the numbers that the diagnostics use."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mnist_core.choices import OPTIMIZERS
from mnist_core.config import TrainConfig
from mnist_core.dataset_choices import number_of_classes

if TYPE_CHECKING:
    import pandas as pd

    from mnist_core.monitoring.probes import Probe

LEARNED_NOTHING = 0.95  # of the chance loss: a healthy run is below it within its first hundred steps
ENOUGH_IMAGES = 500
ENOUGH_STEPS = 100  # before that, a loss at chance means nothing
PROBES_AGREEING = 3


class RunHistory:
    """A run's losses, accuracies and probes so far.

    `metrics` has the columns of `runs.run.METRICS`: one row per report, and one
    per epoch, which has a `monitor_loss`.
    `config` holds the present learning rate.
    """

    def __init__(
        self, config: TrainConfig, metrics: pd.DataFrame, probes: Sequence[Probe] = (), diverged: bool = False
    ) -> None:
        self.config, self.probes, self.diverged = config, probes, diverged
        reports = metrics[metrics["monitor_loss"].isna()]
        self.losses = reports["train_loss"].to_numpy(float)
        self.steps = int(reports["step"].max()) if len(reports) else 0
        epochs = metrics[metrics["monitor_loss"].notna()]
        self.train_accuracy = epochs["train_accuracy"].to_numpy(float)
        self.monitor_accuracy = epochs["monitor_accuracy"].to_numpy(float)
        self.monitor_loss = epochs["monitor_loss"].to_numpy(float)
        self.chance_loss = math.log(number_of_classes(config.dataset))  # of equal guesses
        self.usual_rate = OPTIMIZERS[config.optimizer].learning_rate

        self._window = self._reports_to_average()

    def _reports_to_average(self) -> int:
        """A tenth of the reports, at least five and ENOUGH_IMAGES images: single batches are noisy."""
        reports = max(len(self.losses), 1)
        images = self.config.batch_size * max(self.steps, 1) / reports
        return max(5, reports // 10, math.ceil(ENOUGH_IMAGES / images))

    @property
    def recent_loss(self) -> float:
        """Mean training loss of the last reports; NaN while there are too few."""
        enough = len(self.losses) >= self._window
        return float(self.losses[-self._window :].mean()) if enough else math.nan

    @property
    def best_loss(self) -> float:
        """Smallest mean training loss over as many consecutive reports; NaN while there are too few."""
        if len(self.losses) < self._window:
            return math.nan
        sums = np.concatenate([[0.0], np.cumsum(self.losses)])
        return float((sums[self._window :] - sums[: -self._window]).min() / self._window)

    @property
    def learned_nothing(self) -> bool:
        """Whether it is no better than guessing after ENOUGH_STEPS steps."""
        return self.steps >= ENOUGH_STEPS and self.recent_loss > LEARNED_NOTHING * self.chance_loss

    @property
    def first_loss(self) -> float:
        """Mean training loss of the first reports, as many as `recent_loss` averages."""
        return float(self.losses[: self._window].mean())

    @property
    def dead_share(self) -> float:
        """Largest share of dead units of any layer, 0 to 1: the smallest of the last three probes."""
        if self.steps < ENOUGH_STEPS or len(self.probes) < PROBES_AGREEING:
            return 0.0
        return min(map(largest_dead_share, self.probes[-PROBES_AGREEING:]))

    @property
    def gradient_ratios(self) -> list[float]:
        """First layer's gradient norm divided by the last's, for each probe."""
        return [_first_to_last(probe) for probe in self.probes]


def largest_dead_share(probe: Probe) -> float:
    """Share of dead units in the layer with most of them, 0 to 1."""
    return max((share for share in probe.dead_shares if share is not None), default=0.0)


def _first_to_last(probe: Probe) -> float:
    """First layer's gradient norm by the last's, each relative to its weights; NaN without gradient."""
    relative = [
        g / w if w else math.nan for g, w in zip(probe.gradient_norms, probe.weight_norms, strict=True)
    ]
    return relative[0] / relative[-1] if relative[-1] else math.nan
