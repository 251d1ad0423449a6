"""How far a single step of training moves each layer, as a share of the layer's size.

The ratio of A. Karpathy's notes on learning, "Ratio of weights:updates" (CS231n, Stanford), which give about
1e-3 as a rule of thumb (`probes.USUAL_RATIO`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from mnist_core.layers import learning_layers
from mnist_core.model import DigitClassifier

Layers = Sequence[Sequence[Tensor]]


class UpdateRatios:
    """Weighs the first step from `due` on: the norm of each layer's change by that of its parameters before.

    A training tells it of every step (`StepWatcher`). It copies the weights only for the steps it weighs: 0.2
    to 1 ms each, less than half of what a look takes.
    """

    def __init__(self, model: DigitClassifier, due: int) -> None:
        self._layers: Layers = parameters_by_layer(model)
        self._before: Layers | None = None
        self._latest: tuple[float, ...] = ()
        self.due = due

    def before_step(self, step: int) -> None:
        """Copy the weights if step number `step`, counted from 1, is to be weighed."""
        if step >= self.due and not self._latest:
            self._before = [[part.detach().clone() for part in layer] for layer in self._layers]

    def after_step(self) -> None:
        """Weigh the step that was just done, if it is to be."""
        if self._before is not None:
            self._latest, self._before = _ratios(self._before, self._layers), None

    def take(self) -> tuple[float, ...]:
        """Return the ratio of each layer, empty if no step was weighed since the last take."""
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
