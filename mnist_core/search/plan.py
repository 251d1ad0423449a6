"""The plan of a search: its start, what it varies, and how trials are chosen, pruned, rated and limited."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from mnist_core.config import TrainConfig, check_choice
from mnist_core.messages import N_, InputError
from mnist_core.search.space import SearchSpace, space_from_json

USUAL_VALIDATION = 5_000  # images held out of a recipe that has none
MOST_TRIALS = 1000
LEAST_EPOCHS_TO_PRUNE = 3


@dataclass(frozen=True)
class Way:
    """One way to choose or prune trials, or one aim: a label and one sentence."""

    label: str
    description: str


SAMPLERS: dict[str, Way] = {
    "tpe": Way(
        N_("TPE"),
        N_("Tries more often what is like the best trials so far (Bergstra et al. 2011)."),
    ),
    "random": Way(
        N_("Random"),
        N_("Draws each trial independently: simple, and better than a grid where few settings matter."),
    ),
    "grid": Way(
        N_("Grid"),
        N_("Tries a few values of each setting in all combinations, which soon become many."),
    ),
}
PRUNERS: dict[str, Way] = {
    "none": Way(N_("None"), N_("Every trial trains to its end.")),
    "median": Way(
        N_("Median"),
        N_("Stops a trial that is worse after an epoch than half of the earlier trials were then."),
    ),
    "hyperband": Way(
        N_("Hyperband"),
        N_("Gives many trials few epochs, and only the best of them more (Li et al. 2018)."),
    ),
}
AIMS: dict[str, Way] = {
    "accuracy": Way(
        N_("Validation accuracy"), N_("One best trial: the most accurate on the validation images.")
    ),
    "size": Way(
        N_("Accuracy and parameters"),
        N_("A Pareto front: trials of which none is both more accurate and smaller than another."),
    ),
}


@dataclass(frozen=True)
class SearchPlan:
    """A search of at most `trials` trials in `space`, each a training with settings derived from `base`.

    No trial begins after `minutes` of training in all; None: no limit. `sampler`, `pruner` and `aim` are keys
    of SAMPLERS, PRUNERS and AIMS; `seed` is the sampler's. `name` is what people call the search.

    Raises InputError if `base` is monitored on the test set, which must not choose; for an unknown name; for
    a number out of range; and for a pruner with two aims or too few epochs.
    """

    base: TrainConfig
    space: SearchSpace
    sampler: str = "tpe"
    pruner: str = "none"
    aim: str = "accuracy"
    trials: int = 20
    minutes: float | None = None
    seed: int = 0
    name: str = ""

    def __post_init__(self) -> None:
        if self.base.monitor != "validation":
            raise InputError(
                N_("A search never chooses by the test set; monitor the validation images instead.")
            )
        for name, known in (("sampler", SAMPLERS), ("pruner", PRUNERS), ("aim", AIMS)):
            check_choice(name, getattr(self, name), known)
        if not 1 <= self.trials <= MOST_TRIALS:
            raise InputError(
                N_("A search can have from 1 to {most} trials, not {count}."),
                most=MOST_TRIALS,
                count=self.trials,
            )
        if self.minutes is not None and not self.minutes > 0:
            raise InputError(N_("The minutes of a search must be more than 0."))
        self._check_pruner()

    def _check_pruner(self) -> None:
        if self.pruner == "none":
            return
        if self.aim != "accuracy":
            raise InputError(N_("A search with two aims can't stop trials early; choose no pruner."))
        if self.base.epochs < LEAST_EPOCHS_TO_PRUNE:
            raise InputError(
                N_(
                    "A pruner compares trials after each epoch, so with {epochs} it has nothing to stop; "
                    "train {least} epochs or more, or choose no pruner."
                ),
                epochs=self.base.epochs,
                least=LEAST_EPOCHS_TO_PRUNE,
            )

    @property
    def directions(self) -> list[str]:
        """Return Optuna's direction, "maximize" or "minimize", for each value of a trial."""
        return ["maximize"] if self.aim == "accuracy" else ["maximize", "minimize"]

    def to_json(self) -> dict[str, Any]:
        """Return the plan as JSON values; `plan_from_json` reads them."""
        return {**vars(self), "base": self.base.to_json(), "space": self.space.to_json()}


def plan_from_json(values: Mapping[str, Any]) -> SearchPlan:
    """Create a plan from the output of `to_json`."""
    base, space = TrainConfig.from_json(values["base"]), space_from_json(values["space"])
    return SearchPlan(**{**values, "base": base, "space": space})


def searchable(config: TrainConfig) -> TrainConfig:
    """Return settings that are monitored on validation images, with USUAL_VALIDATION where it has none.

    The tutorials' recipes train on all images and monitor the test set.
    """
    return replace(config, monitor="validation", validation_size=config.validation_size or USUAL_VALIDATION)
