"""Looks inside a network while it learns, at fixed steps and without disturbing it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mnist_core.config import TrainConfig
from mnist_core.data import Split
from mnist_core.layers import learning_layers
from mnist_core.model import DigitClassifier
from mnist_core.monitoring.probes import Probe, watched_digits
from mnist_core.monitoring.update_ratios import layer_norms, parameters_by_layer

PROBE_IMAGES = 128
LOOKS_PER_EPOCH = 12
IMAGES_BETWEEN = 5_000  # a look costs about PROBE_IMAGES images of training: 2.5 % of so many
FEWEST_LOOKS, MOST_LOOKS = 20, 500  # of a whole run, however short or long


def steps_between_looks(config: TrainConfig, train_images: int) -> int:
    """Return how many steps lie between looks: about 12 looks an epoch, but seldom enough to be cheap."""
    all_images = train_images * config.epochs
    images = max(train_images / LOOKS_PER_EPOCH, IMAGES_BETWEEN, all_images / MOST_LOOKS)
    return max(1, round(min(images, all_images / FEWEST_LOOKS) / config.batch_size))


class Prober:
    """Looks at one model in training, always on the same images of `monitor`.

    A look leaves everything as it found it: parameters, their .grad, the model's mode, random generators. So
    a run's numbers are the same to the bit with and without looks.
    """

    def __init__(self, model: DigitClassifier, config: TrainConfig, monitor: Split) -> None:
        self._model = model
        self._layers = parameters_by_layer(model)
        self._relus = [_relus(group) for group in learning_layers(model)]
        watched = watched_digits(monitor.labels)
        others = np.setdiff1d(np.arange(min(len(monitor), PROBE_IMAGES)), watched)
        chosen = np.concatenate([watched, others])[:PROBE_IMAGES]
        self._watched = len(watched)
        self._images = torch.from_numpy(monitor.images[chosen])
        self._labels = torch.from_numpy(monitor.labels[chosen]).long()
        self._loss = F.nll_loss if config.loss == "nll" else F.cross_entropy

    def look(self, step: int, update_ratios: tuple[float, ...] = ()) -> Probe:
        """Look at the model as it is, after `step` steps; `update_ratios` are noted with it."""
        device = self._layers[0][0].device
        with torch.enable_grad(), self._evaluating(), _OutputsOf(self._relus) as alive:
            logits = self._model(self._images.to(device))
            loss = self._loss(logits, self._labels.to(device))
            gradients = iter(torch.autograd.grad(loss, [p for layer in self._layers for p in layer]))
        by_layer = [[next(gradients) for _ in layer] for layer in self._layers]
        probabilities = logits[: self._watched].detach().float().softmax(1).cpu().numpy()
        norms = layer_norms(by_layer), layer_norms(self._layers)
        return Probe(step, *norms, alive.dead_shares(), probabilities, update_ratios)

    @contextmanager
    def _evaluating(self) -> Iterator[None]:
        was_training = self._model.training
        self._model.eval()
        try:
            yield
        finally:
            self._model.train(was_training)


class _OutputsOf:
    """Notes within `with` which units of each layer's ReLUs were ever above zero."""

    def __init__(self, relus: list[list[nn.Module]]) -> None:
        self._relus = relus

    def __enter__(self) -> _OutputsOf:
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
