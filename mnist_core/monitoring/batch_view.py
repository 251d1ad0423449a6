"""One batch of a training, to look at: images, loss, gradients, and how far its step moved the weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mnist_core.monitoring.prober import UpdateRatios, layer_norms, parameters_by_layer

if TYPE_CHECKING:
    from torch import Tensor

    from mnist_core.models.modules import DigitClassifier

MOST_IMAGES = 32


@dataclass(frozen=True)
class BatchView:
    """The batch of step number `step`, counted from 1, and what its step did.

    `images` uint8 [n, 28, 28], n at most MOST_IMAGES, are some of its `size` images as the network saw them,
    augmented; `labels` [n] are theirs and `predictions` [n] what the network answered before the step. `loss`
    is the mean cross-entropy. `gradient_norms` (before clipping) and `update_ratios`, the norm of the step's
    change divided by that of the weights before it, have one entry per layer with parameters.
    """

    step: int
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    predictions: NDArray[np.int64]
    size: int
    loss: float
    gradient_norms: tuple[float, ...]
    update_ratios: tuple[float, ...]


class BatchWatcher:
    """Measures every step of a training while it watches, and passes each on to the watcher before it."""

    def __init__(self, model: DigitClassifier, others: UpdateRatios) -> None:
        self._model, self._others = model, others
        self._ratios = UpdateRatios(model, 0)
        self._step, self._measured = 0, False
        self._norms: tuple[float, ...] = ()

    @property
    def measured(self) -> bool:
        """Whether a step was measured since the last `take`."""
        return self._measured

    def before_step(self, step: int) -> None:
        """Measure the gradients of step number `step`, counted from 1."""
        self._others.before_step(step)
        self._ratios.before_step(step)
        gradients = [[_gradient(part) for part in layer] for layer in parameters_by_layer(self._model)]
        self._step, self._norms = step, layer_norms(gradients)

    def after_step(self) -> None:
        """Measure how far the step moved the weights."""
        self._measured = True
        self._ratios.after_step()
        self._others.after_step()

    def take(self, inputs: Tensor, labels: Tensor, logits: Tensor) -> BatchView:
        """Return the step measured last with its batch.

        `inputs` [B, 1, 28, 28] are scaled images of the batch, all or the last of them; `labels` [N] and
        `logits` [N, 10] are those of the whole batch.
        """
        import torch.nn.functional as F

        self._measured = False
        shown = slice(len(labels) - len(inputs), len(labels) - len(inputs) + MOST_IMAGES)
        return BatchView(
            step=self._step,
            images=self._model.scaling.pixels(inputs[:MOST_IMAGES]).cpu().numpy(),
            labels=labels[shown].cpu().numpy(),
            predictions=logits[shown].argmax(1).cpu().numpy(),
            size=len(labels),
            loss=F.cross_entropy(logits, labels).item(),
            gradient_norms=self._norms,
            update_ratios=self._ratios.take(),
        )


def _gradient(parameter: Tensor) -> Tensor:
    return parameter.grad if parameter.grad is not None else parameter.new_zeros(())
