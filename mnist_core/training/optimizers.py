"""How each optimizer moves the weights: the update functions of torch.optim, called without its classes.

The classes import torch's compiler when first used (about 80 MB that are never needed here), and at batches
of 15 the Python around Adam's fused kernel took longer than the kernel. Constants that no setting names are
the classes' defaults.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.optim._muon import DEFAULT_A, DEFAULT_B, DEFAULT_C, DEFAULT_NS_STEPS, EPS, muon
from torch.optim.adadelta import adadelta
from torch.optim.adagrad import adagrad
from torch.optim.rmsprop import rmsprop
from torch.optim.sgd import sgd

from mnist_core.choices import SCHEDULES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor, nn

    from mnist_core.config import TrainConfig

Tensors = list[Tensor]
Memory = dict[str, Tensors]
Update = Callable[[Tensors, Tensors, Memory, float, "TrainConfig"], None]


@dataclass(frozen=True)
class UpdateRule:
    """`update` moves parameters by their gradients; `memory` names what it keeps for each, zero at first."""

    update: Update
    memory: tuple[str, ...] = ()


def _sgd(weights: Tensors, gradients: Tensors, memory: Memory, rate: float, config: TrainConfig) -> None:
    _descend(weights, gradients, [None] * len(weights), rate, config, momentum=0, nesterov=False)


def _momentum(weights: Tensors, gradients: Tensors, memory: Memory, rate: float, config: TrainConfig) -> None:
    buffers: list[Tensor | None] = [*memory["momentum_buffer"]]
    _descend(weights, gradients, buffers, rate, config, momentum=config.momentum, nesterov=False)


def _nesterov(weights: Tensors, gradients: Tensors, memory: Memory, rate: float, config: TrainConfig) -> None:
    buffers: list[Tensor | None] = [*memory["momentum_buffer"]]
    _descend(weights, gradients, buffers, rate, config, momentum=config.momentum, nesterov=True)


def _descend(
    weights: Tensors,
    gradients: Tensors,
    buffers: list[Tensor | None],
    rate: float,
    config: TrainConfig,
    momentum: float,
    nesterov: bool,
) -> None:
    sgd(
        weights,
        gradients,
        buffers,
        weight_decay=config.weight_decay,
        momentum=momentum,
        lr=rate,
        dampening=0,
        nesterov=nesterov,
        maximize=False,
        foreach=weights[0].is_cuda,  # faster on CUDA; without a value torch checks at each step
    )


def _adagrad(weights: Tensors, gradients: Tensors, memory: Memory, rate: float, config: TrainConfig) -> None:
    adagrad(
        weights,
        gradients,
        memory["sum"],
        memory["step"] * len(weights),
        lr=rate,
        weight_decay=config.weight_decay,
        lr_decay=0,
        eps=1e-10,
        maximize=False,
    )


def _rmsprop(weights: Tensors, gradients: Tensors, memory: Memory, rate: float, config: TrainConfig) -> None:
    rmsprop(
        weights,
        gradients,
        memory["square_avg"],
        [],
        [],
        memory["step"] * len(weights),
        lr=rate,
        alpha=0.99,
        eps=1e-8,
        weight_decay=config.weight_decay,
        momentum=0,
        centered=False,
    )


def _adadelta(weights: Tensors, gradients: Tensors, memory: Memory, rate: float, config: TrainConfig) -> None:
    adadelta(
        weights,
        gradients,
        memory["square_avg"],
        memory["acc_delta"],
        memory["step"] * len(weights),
        lr=rate,
        rho=0.9,
        eps=1e-6,
        weight_decay=config.weight_decay,
        maximize=False,
    )


def _adam(weights: Tensors, gradients: Tensors, memory: Memory, rate: float, config: TrainConfig) -> None:
    _fused_adam(torch._fused_adam_, weights, gradients, memory, rate, config)


def _adamw(weights: Tensors, gradients: Tensors, memory: Memory, rate: float, config: TrainConfig) -> None:
    _fused_adam(torch._fused_adamw_, weights, gradients, memory, rate, config)


def _fused_adam(
    kernel: Callable[..., None],
    weights: Tensors,
    gradients: Tensors,
    memory: Memory,
    rate: float,
    config: TrainConfig,
) -> None:
    memory["step"][0].add_(1)
    kernel(
        weights,
        gradients,
        memory["exp_avg"],
        memory["exp_avg_sq"],
        [],
        memory["step"] * len(weights),
        amsgrad=False,
        lr=rate,
        beta1=0.9,
        beta2=0.999,
        weight_decay=config.weight_decay,
        eps=1e-8,
        maximize=False,
    )


def _muon(weights: Tensors, gradients: Tensors, memory: Memory, rate: float, config: TrainConfig) -> None:
    muon(
        weights,
        gradients,
        memory["momentum_buffer"],
        lr=rate,
        weight_decay=config.weight_decay,
        momentum=config.momentum,
        nesterov=True,
        ns_coefficients=(DEFAULT_A, DEFAULT_B, DEFAULT_C),
        ns_steps=DEFAULT_NS_STEPS,
        eps=EPS,
        adjust_lr_fn=None,
        has_complex=False,
    )


UPDATE_RULES: dict[str, UpdateRule] = {
    "sgd": UpdateRule(_sgd),
    "momentum": UpdateRule(_momentum, ("momentum_buffer",)),
    "nesterov": UpdateRule(_nesterov, ("momentum_buffer",)),
    "adagrad": UpdateRule(_adagrad, ("sum", "step")),
    "rmsprop": UpdateRule(_rmsprop, ("square_avg", "step")),
    "adadelta": UpdateRule(_adadelta, ("square_avg", "acc_delta", "step")),
    "adam": UpdateRule(_adam, ("exp_avg", "exp_avg_sq", "step")),
    "adamw": UpdateRule(_adamw, ("exp_avg", "exp_avg_sq", "step")),
    "muon": UpdateRule(_muon, ("momentum_buffer",)),
}


class Updater:
    """One optimizer's rule at work on some parameters, `share` of the learning rate at a time."""

    def __init__(self, name: str, parameters: Tensors, config: TrainConfig, share: float = 1.0) -> None:
        self._update = UPDATE_RULES[name].update
        self._parameters, self._config, self._share = parameters, config, share
        self._weights = [parameter.detach() for parameter in parameters]  # not recorded by autograd
        self.memory: Memory = {
            quantity: _zeros(parameters, quantity) for quantity in UPDATE_RULES[name].memory
        }

    def use(self, config: TrainConfig) -> None:
        """Take momentum and weight decay from `config` from now on."""
        self._config = config

    def step(self, learning_rate: float) -> None:
        """Move the parameters by their .grad."""
        gradients = [parameter.grad for parameter in self._parameters if parameter.grad is not None]
        self._update(self._weights, gradients, self.memory, self._share * learning_rate, self._config)


def _zeros(parameters: Tensors, quantity: str) -> Tensors:
    """Return zeros for each weight, with the weights' memory layout, or one count of steps.

    The functions of torch.optim take a count for each parameter; all get the same tensor, which saves time.
    """
    if quantity == "step":
        return [torch.zeros((), device=parameters[0].device)]
    return [torch.zeros_like(parameter, requires_grad=False) for parameter in parameters]


class Optimizer:
    """Moves the weights of one training, on the config's schedule.

    Muon moves matrices only; an AdamW at a tenth of its rate moves the other parameters. Gradients whose norm
    over all parameters is above `config.gradient_clipping` are scaled down to it (Pascanu, Mikolov and
    Bengio 2013, "On the difficulty of training recurrent neural networks").
    """

    def __init__(self, model: nn.Module, config: TrainConfig) -> None:
        self._parameters: Tensors = list(model.parameters())
        self._largest_norm = config.gradient_clipping
        self._updaters = _build_updaters(self._parameters, config)
        self._factor = SCHEDULES[config.schedule].factor

    def step(self, learning_rate: float, progress: float) -> float:
        """Move the weights by their gradients; return the learning rate used.

        That is `learning_rate` times the schedule's factor at `progress`, 0 to 1, through the run.
        """
        rate = learning_rate * self._factor(progress)
        if self._largest_norm:
            torch.nn.utils.clip_grad_norm_(self._parameters, self._largest_norm)
        for updater in self._updaters:
            updater.step(rate)
        return rate

    def use(self, config: TrainConfig) -> None:
        """Take momentum and weight decay from `config` from now on; all else stays."""
        for updater in self._updaters:
            updater.use(config)

    def state(self) -> dict[str, Tensor]:
        """Return its state by name; the tensors are its own, not copies."""
        return {
            f"{place}.{quantity}.{number}": tensor
            for place, updater in enumerate(self._updaters)
            for quantity, tensors in updater.memory.items()
            for number, tensor in enumerate(tensors)
        }

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Restore what `state` returned."""
        for name, tensor in self.state().items():
            tensor.copy_(state[name])


def _build_updaters(parameters: list[Tensor], config: TrainConfig) -> list[Updater]:
    if config.optimizer != "muon":
        return [Updater(config.optimizer, parameters, config)]
    matrices = [parameter for parameter in parameters if parameter.ndim == 2]
    others = [parameter for parameter in parameters if parameter.ndim != 2]
    return [Updater("muon", matrices, config), Updater("adamw", others, config, share=0.1)]
