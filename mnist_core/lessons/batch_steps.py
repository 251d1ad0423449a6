"""Batch sizes: steps per epoch, noise of the gradient, time and loss, from one image to the whole set."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnist_core.config import TrainConfig

if TYPE_CHECKING:
    from torch import Tensor, nn

IMAGES = 1024
SIZES = (1, 8, 64, 256, IMAGES)
EPOCHS = 3
HIDDEN = 32  # units
LOOKS = 16  # most measurements of the loss per epoch
DRAWS = 50  # batches from which the noise is estimated


class BatchRun(NamedTuple):
    """A training with batches of `size`: the `losses` on all images after so many `epochs`, the start first.

    `noise` is how far the gradient of a batch is from that of all images at the start, root mean square, as a
    multiple of the latter's length. `seconds` is the time of the fastest epoch, as other
    programs slow some of them, without measuring the loss.
    """

    size: int
    noise: float
    seconds: float
    epochs: tuple[float, ...]
    losses: tuple[float, ...]

    @property
    def steps(self) -> int:
        """The steps of an epoch."""
        return steps_per_epoch(IMAGES, self.size)

    def loss_after(self, epochs: float) -> float:
        """The loss after a number of epochs at which it was measured."""
        return self.losses[self.epochs.index(epochs)]


def steps_per_epoch(images: int, size: int) -> int:
    """Return how many batches of `size` hold `images`, the last one perhaps smaller."""
    return -(-images // size)


def expected_noise(one: float, images: int, size: int) -> float:
    """Return the noise of batches of `size` if that of single images is `one`, drawn without replacement."""
    return one * math.sqrt((images - size) / (size * (images - 1)))


def batch_runs(images: NDArray[np.uint8], labels: NDArray[np.uint8], rate: float) -> Iterator[BatchRun]:
    """Train an MLP 784-32-10 (ReLU, SGD) on IMAGES of images [N, 28, 28] with each of SIZES."""
    import torch

    from mnist_core.models.modules import Scaling

    inputs = Scaling(0.1307, 0.3081)(torch.from_numpy(images[:IMAGES].copy())).flatten(1)
    targets = torch.from_numpy(labels[:IMAGES].astype(np.int64))
    for size in SIZES:
        yield _run(inputs, targets, size, rate)


def _network() -> nn.Sequential:
    from torch import nn

    from mnist_core.runtime.random_stream import RandomStream

    with RandomStream(0):
        return nn.Sequential(nn.Linear(784, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 10))


def _run(inputs: Tensor, targets: Tensor, size: int, rate: float) -> BatchRun:
    import torch
    from torch.nn import functional

    from mnist_core.training.optimizers import Updater

    network, generator = _network(), torch.Generator().manual_seed(0)
    updater = Updater("sgd", list(network.parameters()), TrainConfig(optimizer="sgd"))
    noise = gradient_noise(inputs, targets, size)
    steps = steps_per_epoch(len(inputs), size)
    pause = max(1, steps // LOOKS)
    epochs, losses, seconds = [0.0], [_loss(network, inputs, targets)], [0.0] * EPOCHS
    for epoch in range(EPOCHS):
        order = torch.randperm(len(inputs), generator=generator)  # each image once
        for step, batch in enumerate(order.split(size), 1):
            began = time.perf_counter()
            network.zero_grad()
            functional.cross_entropy(network(inputs[batch]), targets[batch]).backward()
            updater.step(rate)
            seconds[epoch] += time.perf_counter() - began
            if step % pause == 0:
                epochs.append(epoch + step / steps)
                losses.append(_loss(network, inputs, targets))
    return BatchRun(size, noise, min(seconds), tuple(epochs), tuple(losses))


def _loss(network: nn.Module, inputs: Tensor, targets: Tensor) -> float:
    import torch
    from torch.nn import functional

    with torch.no_grad():
        return float(functional.cross_entropy(network(inputs), targets))


def gradient_noise(inputs: Tensor, targets: Tensor, size: int) -> float:
    """Return BatchRun's `noise` for inputs [N, 784]: of all single images, else of DRAWS random batches."""
    import torch

    network, generator = _network(), torch.Generator().manual_seed(1)
    whole = _gradient(network, inputs, targets)
    if size == 1:
        batches = list(torch.arange(len(inputs)).split(1))
    else:
        batches = [torch.randperm(len(inputs), generator=generator)[:size] for _draw in range(DRAWS)]
    squares = [
        float((_gradient(network, inputs[batch], targets[batch]) - whole).square().sum()) for batch in batches
    ]
    return math.sqrt(sum(squares) / len(squares)) / float(whole.norm())


def _gradient(network: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
    """Return the gradient of the mean loss by all weights, in one row."""
    import torch
    from torch.nn import functional

    loss = functional.cross_entropy(network(inputs), targets)
    return torch.cat([part.ravel() for part in torch.autograd.grad(loss, list(network.parameters()))])
