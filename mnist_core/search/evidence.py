"""How much of a search's best result is luck: its interval, the effect of choosing the best, other seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist, fmean, stdev

from mnist_core.config import TrainConfig
from mnist_core.evaluation.significance import Interval, wilson_interval
from mnist_core.messages import N_, Message
from mnist_core.runs.run import UNFINISHED, Run
from mnist_core.runs.seed_variance import next_seeds
from mnist_core.search.study import SearchTrial
from mnist_core.search.worker import validation_curve

USUAL_SEEDS = 5  # seeds, the trial's own included
SURE = NormalDist().inv_cdf(0.975)  # standard errors of 95%


@dataclass(frozen=True)
class Evidence:
    """How certain the accuracy of a trial is that was chosen as the best of `compared`; shares from 0 to 1.

    With `of_front` these are the trials that have at most as many parameters, as on a Pareto front.
    `interval` is Wilson's 95% interval of `accuracy` on `images` validation images. `luck` is how much better
    than it is the best of so many equally good trials would look. `gain` is how much better it is than the
    settings that the search began from, below 0 if worse, None where these have no result; `is_real` is
    whether that is more than luck and the choice of the images would explain.
    """

    accuracy: float
    images: int
    compared: int
    interval: Interval
    luck: float
    gain: float | None
    is_real: bool
    of_front: bool = False

    @property
    def statements(self) -> list[Message]:
        """Return the evidence in words."""
        low, high = self.interval
        said = [
            Message(
                N_("On {images:,} validation images the 95% confidence interval is {low:.2%} to {high:.2%}."),
                {"images": self.images, "low": low, "high": high},
            )
        ]
        if self.compared > 1:
            of_all = N_(
                "It was chosen for this result: if all {count} trials were equally good, the best would "
                "still look up to about {luck:.2f} percentage points better than it is."
            )
            of_front = N_(
                "It is the most accurate of the {count} trials with at most as many parameters: if all of "
                "them were equally good, the best would still look up to about {luck:.2f} percentage points "
                "better than it is."
            )
            words = of_front if self.of_front else of_all
            said.append(Message(words, {"count": self.compared, "luck": 100 * self.luck}))
        if self.gain is not None:
            said.append(self._gain_statement(self.gain))
        return said

    def _gain_statement(self, gain: float) -> Message:
        better = (
            N_(
                "It is {gain:.2f} percentage points better than the settings that the search began from; "
                "chance alone may explain that."
            ),
            N_(
                "It is {gain:.2f} percentage points better than the settings that the search began from, "
                "more than chance would explain."
            ),
        )
        worse = (
            N_(
                "It is {loss:.2f} percentage points less accurate than the settings that the search began "
                "from; chance alone may explain that."
            ),
            N_(
                "It is {loss:.2f} percentage points less accurate than the settings that the search began "
                "from, more than chance would explain."
            ),
        )
        if gain < 0:
            return Message(worse[self.is_real], {"loss": -100 * gain})
        return Message(better[self.is_real], {"gain": 100 * gain})


def evidence(
    best: SearchTrial, trials: Sequence[SearchTrial], images: int, of_front: bool = False
) -> Evidence:
    """Return how certain the accuracy of `best` is, the best of `trials` on `images` validation images.

    With `of_front` it is one of a Pareto front: the best of the trials that have no more parameters.
    `luck` is the expected largest of so many errors (Blom 1958, "Statistical estimates and transformed
    beta-variables"). All trials read the same images, so their errors are correlated and it is at most that.
    """
    accuracy = best.accuracy or 0.0
    finished = [one for one in trials if one.state == "finished" and one.accuracy is not None]
    size = best.parameters or 0
    count = sum((one.parameters or 0) <= size for one in finished) if of_front else len(finished)
    error = _standard_error(accuracy, images)
    luck = error * NormalDist().inv_cdf((count - 0.375) / (count + 0.25)) if count > 1 else 0.0
    start = next((one.accuracy for one in finished if one.is_start and one.number != best.number), None)
    gain = None if start is None else accuracy - start
    noise = 0.0 if start is None else SURE * math.hypot(error, _standard_error(start, images))
    interval = wilson_interval(round(accuracy * images), images)
    is_real = gain is not None and (gain > luck + noise or -gain > noise)
    return Evidence(accuracy, images, count, interval, luck, gain, is_real, of_front)


def _standard_error(accuracy: float, images: int) -> float:
    return math.sqrt(accuracy * (1 - accuracy) / images)


def repeat_configs(config: TrainConfig, runs: Sequence[Run]) -> list[TrainConfig]:
    """Return the settings of a trial with further seeds: USUAL_SEEDS in all, with those of `runs`.

    The seed of a run that was stopped, interrupted or failed may come again, see `begun_with`.
    """
    used = {config.seed, *(run.config.seed for run in _repeats(config, runs))}
    return next_seeds(config, used, USUAL_SEEDS - len(used)) if len(used) < USUAL_SEEDS else []


def begun_with(config: TrainConfig, runs: Sequence[Run]) -> Run | None:
    """Return that of `runs` with these settings which ended early and can be continued; None without one."""
    early = (run for run in runs if run.config == config and run.status != "finished" and run.can_continue)
    return next(early, None)


def _repeats(config: TrainConfig, runs: Sequence[Run]) -> list[Run]:
    """Return the runs that differ from `config` in nothing but their seed, and have or may have a result.

    There is one for each seed, a finished one if there is one.
    """
    found: dict[int, Run] = {}
    for run in runs:
        same = run.config.seed != config.seed and replace(run.config, seed=config.seed) == config
        finished = run.status == "finished"
        if same and (finished or (run.status in UNFINISHED and run.config.seed not in found)):
            found[run.config.seed] = run
    return list(found.values())


@dataclass(frozen=True)
class Repeats:
    """A trial's settings with other seeds: `accuracies` on validation images, 0 to 1; runs `coming`."""

    accuracies: tuple[float, ...]
    coming: tuple[Run, ...]

    def statement(self, accuracy: float) -> Message | None:
        """Compare them in words with the `accuracy` that the trial was chosen for; None for under two."""
        if len(self.accuracies) < 2:
            return None
        mean = fmean(self.accuracies)
        words = N_(
            "With {count} other seeds the same settings reach {mean:.2%} on average (standard deviation "
            "{deviation:.2f} percentage points); the chosen trial was {difference:+.2f} points from that."
        )
        values = {
            "count": len(self.accuracies),
            "mean": mean,
            "deviation": 100 * stdev(self.accuracies),
            "difference": 100 * (accuracy - mean),
        }
        return Message(words, values)


def repeats_of(config: TrainConfig, runs: Sequence[Run]) -> Repeats:
    """Return the accuracies of a trial's settings with other seeds, from the `runs` that have them."""
    found = _repeats(config, runs)
    curves = [validation_curve(run) for run in found if run.status == "finished"]
    coming = tuple(run for run in found if run.status in UNFINISHED)
    return Repeats(tuple(curve[max(curve)] for curve in curves if curve), coming)
