"""The optimizers that move the weights, and the schedules that move their learning rate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mnist_core.messages import N_

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch
    from torch import nn

    from mnist_core.config import TrainConfig


@dataclass(frozen=True)
class OptimizerEntry:
    """One optimizer: `cls` names its class in torch.optim; `learning_rate` is a sensible start."""

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
    """The torch optimizers of one training, stepped as one, on the config's schedule.

    Muon moves matrices only, so it comes with an AdamW for the other parameters.
    """

    def __init__(self, model: nn.Module, config: TrainConfig, total_steps: int) -> None:
        self._parts = _build_parts(model, config)
        self._base_rates = [part.param_groups[0]["lr"] for part in self._parts]
        self._factor = SCHEDULES[config.schedule].factor
        self._total_steps = total_steps

    def step(self, step: int) -> float:
        """Move the weights by their gradients; `step` counts from 0; returns the learning rate used."""
        factor = self._factor(step / self._total_steps)
        for part, rate in zip(self._parts, self._base_rates, strict=True):
            part.param_groups[0]["lr"] = rate * factor
            part.step()
        return float(self._base_rates[0]) * factor


def _build_parts(model: nn.Module, config: TrainConfig) -> list[torch.optim.Optimizer]:
    import torch

    entry = OPTIMIZERS[config.optimizer]
    options: dict[str, Any] = {"lr": config.learning_rate, "weight_decay": config.weight_decay}
    if entry.uses_momentum:
        options["momentum"] = config.momentum
    parameters = list(model.parameters())
    if entry.cls == "Muon":
        matrices = [p for p in parameters if p.ndim == 2]
        others = [p for p in parameters if p.ndim != 2]
        adamw = torch.optim.AdamW(others, lr=0.1 * config.learning_rate, weight_decay=config.weight_decay)
        return [torch.optim.Muon(matrices, **options), adamw]
    if entry.nesterov:
        options["nesterov"] = True
    if entry.fused:
        options["fused"] = True
    return [getattr(torch.optim, entry.cls)(parameters, **options)]
