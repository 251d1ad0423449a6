"""Probing a network during training, at fixed steps and without changing its training.

Update ratios are those of A. Karpathy's notes on learning, "Ratio of weights:updates" (CS231n, Stanford),
which give about 1e-3 as a rule of thumb (`probes.USUAL_RATIO`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from mnist_core.config import TrainConfig
from mnist_core.data.mnist import Split
from mnist_core.models.modules import DigitClassifier
from mnist_core.models.summary import learning_layers
from mnist_core.monitoring.activation_view import evaluating
from mnist_core.monitoring.probes import Probe, watched_digits

PROBE_IMAGES = 128
PROBES_PER_EPOCH = 12
IMAGES_BETWEEN = 5_000  # a probe costs as much as training on PROBE_IMAGES images: 2.5 % of this
FEWEST_PROBES, MOST_PROBES = 20, 500  # in a whole run


def steps_between_probes(config: TrainConfig, train_images: int) -> int:
    """Return the number of steps between probes: about 12 probes an epoch, fewer where that would be slow."""
    all_images = train_images * config.epochs
    images = max(train_images / PROBES_PER_EPOCH, IMAGES_BETWEEN, all_images / MOST_PROBES)
    return max(1, round(min(images, all_images / FEWEST_PROBES) / config.batch_size))


class Prober:
    """Probes one model in training, always on the same images of `monitor`.

    `own_digit`, uint8 [28, 28], is read at each probe too if it is given; it has no label, so no other number
    depends on it.

    A probe changes nothing: neither parameters nor their .grad, the model's mode or random generators. So a
    run's numbers are equal to the bit with and without probes.
    """

    def __init__(
        self,
        model: DigitClassifier,
        config: TrainConfig,
        monitor: Split,
        own_digit: NDArray[np.uint8] | None = None,
    ) -> None:
        self._model = model
        self._own_digit = None if own_digit is None else torch.from_numpy(own_digit[None].copy())
        self._layers = parameters_by_layer(model)
        self._relus = [_relus(group) for group in learning_layers(model)]
        watched = watched_digits(monitor.labels)
        others = np.setdiff1d(np.arange(min(len(monitor), PROBE_IMAGES)), watched)
        chosen = np.concatenate([watched, others])[:PROBE_IMAGES]
        self._watched = len(watched)
        self._images = torch.from_numpy(monitor.images[chosen])
        self._labels = torch.from_numpy(monitor.labels[chosen]).long()
        self._loss = F.nll_loss if config.loss == "nll" else F.cross_entropy

    def probe(self, step: int, update_ratios: tuple[float, ...] = ()) -> Probe:
        """Measure the model after `step` steps; `update_ratios` are stored with it."""
        device = self._layers[0][0].device
        with torch.enable_grad(), evaluating(self._model), _ActiveUnits(self._relus) as alive:
            logits = self._model(self._images.to(device))
            loss = self._loss(logits, self._labels.to(device))
            gradients = iter(torch.autograd.grad(loss, [p for layer in self._layers for p in layer]))
        by_layer = [[next(gradients) for _ in layer] for layer in self._layers]
        probabilities = logits[: self._watched].detach().float().softmax(1).cpu().numpy()
        norms = layer_norms(by_layer), layer_norms(self._layers)
        return Probe(step, *norms, alive.dead_shares(), probabilities, update_ratios, self._read_own_digit())

    def _read_own_digit(self) -> tuple[float, ...]:
        if self._own_digit is None:
            return ()
        with torch.no_grad(), evaluating(self._model):
            logits = self._model(self._own_digit.to(self._layers[0][0].device))
        return tuple(logits[0].float().softmax(0).tolist())


class _ActiveUnits:
    """A context manager that records which units of each layer's ReLUs are above zero for any image."""

    def __init__(self, relus: list[list[nn.Module]]) -> None:
        self._relus = relus

    def __enter__(self) -> _ActiveUnits:
        self._alive: dict[nn.Module, Tensor] = {}
        self._hooks = [relu.register_forward_hook(self._note) for layer in self._relus for relu in layer]
        return self

    def __exit__(self, *exception: object) -> None:
        for hook in self._hooks:
            hook.remove()

    def _note(self, relu: nn.Module, inputs: Any, output: Tensor) -> None:
        self._alive[relu] = (output.detach() > 0).transpose(0, 1).flatten(1).any(1)

    def dead_shares(self) -> tuple[float | None, ...]:
        """For each layer the share of its units that stayed at zero; None where it has no ReLU."""
        return tuple(self._dead(layer) if layer else None for layer in self._relus)

    def _dead(self, layer: list[nn.Module]) -> float:
        return 1 - float(torch.cat([self._alive[relu] for relu in layer]).float().mean())


def _relus(group: list[nn.Module]) -> list[nn.Module]:
    return [module for top in group for module in top.modules() if isinstance(module, nn.ReLU)]


Layers = Sequence[Sequence[Tensor]]


class UpdateRatios:
    """Measures the first step from `due` on: the norm of each layer's change divided by its norm before.

    A training calls it at every step (`StepWatcher`). It copies the weights only for the steps it measures:
    0.2 to 1 ms each, less than half of what a probe takes.
    """

    def __init__(self, model: DigitClassifier, due: int) -> None:
        self._layers: Layers = parameters_by_layer(model)
        self._before: Layers | None = None
        self._latest: tuple[float, ...] = ()
        self.due = due

    def before_step(self, step: int) -> None:
        """Copy the weights if step number `step`, counted from 1, is to be measured."""
        if step >= self.due and not self._latest:
            self._before = [[part.detach().clone() for part in layer] for layer in self._layers]

    def after_step(self) -> None:
        """Measure the step just done, if its weights were copied."""
        if self._before is not None:
            self._latest, self._before = _ratios(self._before, self._layers), None

    def take(self) -> tuple[float, ...]:
        """Return the ratio of each layer; empty if no step was measured since the last call."""
        latest, self._latest = self._latest, ()
        return latest


@torch.no_grad()
def _ratios(before: Layers, after: Layers) -> tuple[float, ...]:
    changes = [
        [new - old for new, old in zip(*layer, strict=True)] for layer in zip(after, before, strict=True)
    ]
    norms = zip(layer_norms(changes), layer_norms(before), strict=True)
    return tuple(change / norm if norm else math.nan for change, norm in norms)


def parameters_by_layer(model: DigitClassifier) -> list[list[nn.Parameter]]:
    """Return the parameters of each layer that has any, in the order of `learning_layers`."""
    return [
        [parameter for module in group for parameter in module.parameters()]
        for group in learning_layers(model)
    ]


def layer_norms(layers: Iterable[Iterable[Tensor]]) -> tuple[float, ...]:
    """Return the Euclidean norm of all of each layer's numbers together."""
    return tuple(math.hypot(*(float(part.detach().norm()) for part in layer)) for layer in layers)
