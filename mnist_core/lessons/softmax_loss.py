"""Softmax and cross-entropy of ten logits: probabilities, one-hot label, loss and gradient, by PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from mnist_core.lessons.linear_neurons import LinearNeurons


class SoftmaxLoss(NamedTuple):
    """What softmax and cross-entropy make of logits [10] divided by a temperature.

    `exponentials` [10] are e^((logit - largest logit) / temperature), which never overflow; `probabilities`
    [10] are these divided by their sum. `one_hot` [10] is 1 for the label. `cross_entropy` comes from the
    logits, `negative_log_likelihood` from their log-softmax. `gradient` [10] is the slope of the loss by each
    logit.
    """

    exponentials: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    one_hot: NDArray[np.float64]
    cross_entropy: float
    negative_log_likelihood: float
    gradient: NDArray[np.float64]


def softmax_loss(logits: NDArray[np.float64], label: int, temperature: float = 1.0) -> SoftmaxLoss:
    """Return the probabilities and the loss of logits [10] for the label 0 to 9, temperature above 0."""
    leaf = torch.tensor(logits, dtype=torch.float64, requires_grad=True)
    target = torch.tensor([label])
    scaled = (leaf / temperature)[None]
    loss = functional.cross_entropy(scaled, target)
    loss.backward()
    with torch.no_grad():
        likelihood = functional.nll_loss(functional.log_softmax(scaled, dim=1), target)
        probabilities = torch.softmax(scaled, dim=1)[0].numpy()
        exponentials = torch.exp(scaled - scaled.max())[0].numpy()
    assert leaf.grad is not None
    one_hot = functional.one_hot(target[0], 10).double().numpy()
    return SoftmaxLoss(
        exponentials, probabilities, one_hot, loss.item(), likelihood.item(), leaf.grad.numpy()
    )


def logits_of(neurons: LinearNeurons, image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the ten sums [10] for an image uint8 [28, 28]."""
    sums = neurons.weights @ (image.ravel().astype(np.float32) / 255) + neurons.biases
    return sums.astype(np.float64)


def answers(logits: NDArray[np.float64], temperatures: Sequence[float]) -> dict[float, tuple[int, float]]:
    """Return for each temperature the most probable digit and its probability."""
    found = {}
    for temperature in temperatures:
        probabilities = softmax_loss(logits, 0, temperature).probabilities
        digit = int(probabilities.argmax())
        found[temperature] = (digit, float(probabilities[digit]))
    return found
