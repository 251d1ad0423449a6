"""Ten neurons on the pixels, one for each digit: trained independently (sigmoid), or together (softmax)."""

from __future__ import annotations

from collections.abc import Generator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from mnist_core.config import TrainConfig
from mnist_core.data.mnist import Split
from mnist_core.runtime.job import Steps
from mnist_core.training.optimizers import Updater

TRAINING, HELD_OUT = 3000, 1000  # images: the first of a split, and the next ones
STEPS, LEARNING_RATE, MOMENTUM = 150, 0.1, 0.95


class LinearNeurons(NamedTuple):
    """Weights float32 [10, 784] and biases float32 [10] for pixels from 0 to 1.

    `right` is the share, 0 to 1, of held-out images that each neuron answers rightly if its activation is a
    sigmoid, [10]: "yes" (a sum above 0) for its own digit, "no" for the others; `others` is the share of
    images of other digits, which one that always says "no" answers rightly. `accuracy` is the share of these
    images whose digit has the largest sum.
    """

    weights: NDArray[np.float32]
    biases: NDArray[np.float32]
    right: NDArray[np.float32]
    others: NDArray[np.float32]
    accuracy: float


class Neuron(NamedTuple):
    """One neuron on an image: weights [784], products pixel x weight [784], bias, sum of all, its sigmoid."""

    weights: NDArray[np.float32]
    products: NDArray[np.float32]
    bias: float
    total: float
    output: float


def train_neurons(split: Split, loss: str) -> Steps[LinearNeurons]:
    """Train on the first images of a split by full-batch gradient descent with momentum; a job's steps.

    All weights begin at 0, so those of pixels that never have ink stay 0. `loss` is "sigmoid", where each
    neuron learns to tell its digit from all others, or "softmax".
    """
    count = min(TRAINING, len(split) * 3 // 4)
    return (yield from _train(split[:count], split[count : count + HELD_OUT], loss))


def _train(train: Split, held_out: Split, loss: str) -> Generator[tuple[float, None], None, LinearNeurons]:
    layer = torch.nn.utils.skip_init(torch.nn.Linear, 784, 10)
    torch.nn.init.zeros_(layer.weight)
    torch.nn.init.zeros_(layer.bias)
    updater = Updater("momentum", [*layer.parameters()], TrainConfig(momentum=MOMENTUM))
    pixels, labels = _tensors(train)
    for step in range(STEPS):
        layer.zero_grad()
        _loss(layer(pixels), labels, loss).backward()
        updater.step(LEARNING_RATE)
        yield step / STEPS, None
    pixels, labels = _tensors(held_out)
    with torch.no_grad():
        sums = layer(pixels)
    own = functional.one_hot(labels, 10) == 1
    right = ((sums > 0) == own).float().mean(dim=0)
    accuracy = (sums.argmax(dim=1) == labels).float().mean().item()
    weights, biases = layer.weight.detach().numpy(), layer.bias.detach().numpy()
    others = 1 - own.float().mean(dim=0)
    return LinearNeurons(weights, biases, right.numpy(), others.numpy(), accuracy)


def _tensors(split: Split) -> tuple[torch.Tensor, torch.Tensor]:
    pixels = torch.from_numpy(split.images.reshape(len(split), -1).astype(np.float32) / 255)
    return pixels, torch.from_numpy(split.labels.astype(np.int64))


def _loss(sums: torch.Tensor, labels: torch.Tensor, name: str) -> torch.Tensor:
    if name == "softmax":
        return functional.cross_entropy(sums, labels)
    return functional.binary_cross_entropy_with_logits(sums, functional.one_hot(labels, 10).float())


def neuron_on(neurons: LinearNeurons, digit: int, image: NDArray[np.uint8]) -> Neuron:
    """Return the neuron for `digit` with its products and sum for an image uint8 [28, 28]."""
    weights = neurons.weights[digit]
    products = weights * (image.ravel().astype(np.float32) / 255)
    bias = float(neurons.biases[digit])
    total = float(products.sum()) + bias
    return Neuron(weights, products, bias, total, float(1 / (1 + np.exp(-total))))
