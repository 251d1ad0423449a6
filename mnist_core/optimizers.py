"""The optimizers that move the weights, and the schedules that move their learning rate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mnist_core.messages import N_

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor, nn

    from mnist_core.config import TrainConfig
    from mnist_core.learning.update_rules import Updater


@dataclass(frozen=True)
class OptimizerEntry:
    """One optimizer; `learning_rate` is a sensible start. Its rule has the same name in update_rules.

    `cls` is the class in torch.optim that does the same, with `nesterov` and `fused` as options.
    """

    label: str
    description: str
    cls: str
    learning_rate: float
    uses_momentum: bool = False
    nesterov: bool = False
    fused: bool = False


OPTIMIZERS: dict[str, OptimizerEntry] = {
    "sgd": OptimizerEntry(
        N_("SGD"), N_("Gradient descent: a step of learning rate times gradient, nothing more."), "SGD", 0.1
    ),
    "momentum": OptimizerEntry(
        N_("SGD + momentum"),
        N_("Steps build up speed in directions that persist."),
        "SGD",
        0.05,
        uses_momentum=True,
    ),
    "nesterov": OptimizerEntry(
        N_("Nesterov"),
        N_("Momentum that looks ahead to where it is going before it measures the slope."),
        "SGD",
        0.05,
        uses_momentum=True,
        nesterov=True,
    ),
    "adagrad": OptimizerEntry(
        N_("AdaGrad"),
        N_("Each weight its own rate, which only shrinks as its gradients add up."),
        "Adagrad",
        0.01,
    ),
    "rmsprop": OptimizerEntry(
        N_("RMSprop"),
        N_("AdaGrad that forgets: divides by a running mean of recent gradients."),
        "RMSprop",
        0.001,
    ),
    "adadelta": OptimizerEntry(
        N_("Adadelta"), N_("RMSprop that also scales by the size of its recent steps."), "Adadelta", 1.0
    ),
    "adam": OptimizerEntry(
        N_("Adam"), N_("Momentum and RMSprop together: a good first choice."), "Adam", 0.001, fused=True
    ),
    "adamw": OptimizerEntry(
        N_("AdamW"), N_("Adam with weight decay applied to the weights directly."), "AdamW", 0.001, fused=True
    ),
    "muon": OptimizerEntry(
        N_("Muon"),
        N_("Makes each weight matrix's step orthogonal; biases and the rest are moved by AdamW."),
        "Muon",
        0.02,
        uses_momentum=True,
    ),
}


@dataclass(frozen=True)
class Schedule:
    """One schedule: `factor(progress)` multiplies the learning rate; progress runs from 0 to 1."""

    label: str
    description: str
    factor: Callable[[float], float]


def _one_cycle(progress: float, warm_up: float = 0.25, start: float = 1 / 25, end: float = 1e-5) -> float:
    if progress < warm_up:
        return start + (1 - start) * 0.5 * (1 - math.cos(math.pi * progress / warm_up))
    return end + (1 - end) * 0.5 * (1 + math.cos(math.pi * (progress - warm_up) / (1 - warm_up)))


SCHEDULES: dict[str, Schedule] = {
    "constant": Schedule(N_("Constant"), N_("The same learning rate throughout."), lambda progress: 1.0),
    "step": Schedule(
        N_("Step"),
        N_("A tenth of the rate after half of the run, a hundredth after three quarters."),
        lambda progress: 1.0 if progress < 0.5 else 0.1 if progress < 0.75 else 0.01,
    ),
    "cosine": Schedule(
        N_("Cosine"),
        N_("Falls from the full rate to zero along half a cosine wave."),
        lambda progress: 0.5 * (1 + math.cos(math.pi * progress)),
    ),
    "one_cycle": Schedule(
        N_("One-cycle"),
        N_("Rises over the first quarter, then falls to nearly zero: fast and accurate (Smith 2018)."),
        _one_cycle,
    ),
}


class Optimizer:
    """Moves the weights of one training, on the config's schedule.

    Muon moves matrices only; an AdamW at a tenth of its rate moves the other parameters.
    """

    def __init__(self, model: nn.Module, config: TrainConfig) -> None:
        self._updaters = _build_updaters(list(model.parameters()), config)
        self._factor = SCHEDULES[config.schedule].factor

    def step(self, learning_rate: float, progress: float) -> float:
        """Move the weights by their gradients; return the learning rate used.

        That is `learning_rate` times the schedule's factor at `progress`, 0 to 1, through the run.
        """
        rate = learning_rate * self._factor(progress)
        for updater in self._updaters:
            updater.step(rate)
        return rate

    def state(self) -> dict[str, Tensor]:
        """Return what it remembers, by names; the tensors are its own."""
        return {
            f"{place}.{quantity}.{number}": tensor
            for place, updater in enumerate(self._updaters)
            for quantity, tensors in updater.memory.items()
            for number, tensor in enumerate(tensors)
        }

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Take over what `state` returned."""
        for name, tensor in self.state().items():
            tensor.copy_(state[name])


def _build_updaters(parameters: list[Tensor], config: TrainConfig) -> list[Updater]:
    from mnist_core.learning.update_rules import Updater

    if config.optimizer != "muon":
        return [Updater(config.optimizer, parameters, config)]
    matrices = [parameter for parameter in parameters if parameter.ndim == 2]
    others = [parameter for parameter in parameters if parameter.ndim != 2]
    return [Updater("muon", matrices, config), Updater("adamw", others, config, share=0.1)]
