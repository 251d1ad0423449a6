"""Vanishing and exploding gradients: the size of the gradient at each layer of a deep MLP."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnist_core.choices import INITIALIZATIONS, Initialization
from mnist_core.messages import N_

if TYPE_CHECKING:
    from torch import Tensor, nn

WIDTH = 64  # units of each hidden layer
TIMES = 2.0  # the weights of LARGE are this many times Kaiming's
LARGE = "large"
STARTS: dict[str, Initialization] = {
    **{
        name: INITIALIZATIONS[name] for name in ("small_normal", "default", "xavier_normal", "kaiming_normal")
    },
    LARGE: Initialization(
        N_("Twice Kaiming"),
        N_("Weights twice as large as Kaiming's: with ReLU each layer doubles what passes through."),
        "He et al. 2015",
    ),
}
"""The initializations of the experiment, small weights first."""


class Flow(NamedTuple):
    """The gradient in a network with hidden layers numbered from 1, the one nearest to the image.

    `sizes` [depth] are root mean squares, over units and images, of the derivative of an image's loss by
    the sums z of a layer. `slope` is the root mean square of the activation's derivative at the sums of the
    layers but the last; `gain` is by how much the weights between hidden layers lengthen a random vector,
    on average.
    """

    sizes: tuple[float, ...]
    slope: float
    gain: float

    @property
    def ratio(self) -> float:
        """The gradient at the first layer as a multiple of that at the last hidden layer."""
        return self.sizes[0] / self.sizes[-1]

    @property
    def factor(self) -> float:
        """The mean factor of the gradient from one hidden layer to the one before it."""
        return math.pow(self.ratio, 1 / (len(self.sizes) - 1))

    @property
    def expected(self) -> float:
        """The factor for random weights without skip connections: slope times gain (He et al. 2015)."""
        return self.slope * self.gain


def gradient_flow(
    images: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    depth: int,
    activation: str,
    initialization: str,
    skip: bool,
) -> Flow:
    """Measure the gradient of the cross-entropy of `images` [N, 28, 28] in an untrained MLP.

    It has `depth` >= 2 hidden layers of WIDTH units. `activation` is a key of ACTIVATIONS, `initialization`
    one of STARTS or INITIALIZATIONS. With `skip`, each hidden layer but the first adds its input to its
    output (He et al. 2015, "Deep residual learning").
    """
    import torch
    from torch.nn import functional

    from mnist_core.models.modules import Scaling, build_activation
    from mnist_core.runtime.random_stream import RandomStream

    with RandomStream(0):
        layers = _layers(depth, initialization)
    activate = build_activation(activation)
    features = Scaling(0.1307, 0.3081)(torch.from_numpy(images)).flatten(1).double()
    sums: list[Tensor] = []
    for number, layer in enumerate(layers[:-1]):
        sums.append(layer(features))
        activated = activate(sums[-1])
        features = features + activated if skip and number else activated
    loss = functional.cross_entropy(layers[-1](features), torch.from_numpy(labels).long(), reduction="sum")
    gradients = torch.autograd.grad(loss, sums)
    return Flow(
        tuple(_root_mean_square(gradient) for gradient in gradients),
        _root_mean_square(torch.cat([_slopes(activate, each) for each in sums[:-1]])),
        _root_mean_square(torch.cat([layer.weight for layer in layers[1:-1]])) * math.sqrt(WIDTH),
    )


def _layers(depth: int, initialization: str) -> list[nn.Linear]:
    from torch import nn

    sizes = [784, *[WIDTH] * depth, 10]
    layers = [nn.Linear(a, b).double() for a, b in pairwise(sizes)]
    large = initialization == LARGE
    entry = INITIALIZATIONS["kaiming_normal" if large else initialization]
    for layer in layers:
        if entry.function:
            getattr(nn.init, entry.function)(layer.weight, **entry.options)
            nn.init.zeros_(layer.bias)
        if large:
            layer.weight.data *= TIMES
    return layers


def _slopes(activate: nn.Module, sums: Tensor) -> Tensor:
    import torch

    at = sums.detach().requires_grad_()
    return torch.autograd.grad(activate(at).sum(), at)[0]


def _root_mean_square(values: Tensor) -> float:
    return float(values.detach().square().mean().sqrt())
