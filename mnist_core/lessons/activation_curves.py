"""Activation functions of the registry: their curves and slopes, and what each does to a layer's outputs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mnist_core.choices import ACTIVATIONS
from mnist_core.lessons.pixels import scaled
from mnist_core.models.modules import build_activation

LOWEST, HIGHEST, POINTS = -4.0, 4.0, 161  # a curve has a point at each twentieth
FLAT = 0.05  # a slope below this passes almost no gradient
UNITS, IMAGES = 50, 200  # of the layer that `layer_outputs` measures


class Curve(NamedTuple):
    """Inputs x, outputs f(x) and slopes f'(x), each [POINTS]."""

    inputs: NDArray[np.float32]
    outputs: NDArray[np.float32]
    slopes: NDArray[np.float32]

    def at(self, x: float) -> tuple[float, float]:
        """Return output and slope at the point nearest to x."""
        place = int(np.abs(self.inputs - x).argmin())
        return float(self.outputs[place]), float(self.slopes[place])


class LayerOutputs(NamedTuple):
    """Sums and outputs [N] of all units on all images; shares, 0 to 1, of outputs that are 0, and flat.

    `flat` is the share of units where the slope is below FLAT; `mean_slope` is the mean of all slopes.
    """

    sums: NDArray[np.float32]
    outputs: NDArray[np.float32]
    zero: float
    flat: float
    mean_slope: float


def curve(name: str) -> Curve:
    """Return the curve of an activation (a key of ACTIVATIONS), in evaluation mode.

    PReLU has the slope that it begins with, RReLU the mean of its slopes. Maxout is shown for a unit whose
    two maps are x and -x: it is then the absolute value.
    """
    inputs = torch.linspace(LOWEST, HIGHEST, POINTS, requires_grad=True)
    pieces = torch.stack([inputs, -inputs], dim=1) if ACTIVATIONS[name].pieces == 2 else inputs[:, None]
    outputs = build_activation(name).eval()(pieces)[:, 0]
    return Curve(inputs.detach().numpy(), outputs.detach().numpy(), _slopes(outputs, inputs).numpy())


def layer_outputs(name: str, images: NDArray[np.uint8], spread: float) -> LayerOutputs:
    """Return what a layer of UNITS with random weights makes of images [N, 28, 28] in [0, 255].

    The weights are normal with standard deviation `spread` / 28, so the sums of standardized pixels have a
    standard deviation of about `spread`.
    """
    pixels = torch.from_numpy(scaled(images, "standard").reshape(len(images), -1))
    pieces = ACTIVATIONS[name].pieces
    generator = torch.Generator().manual_seed(0)
    weights = torch.randn(784, UNITS * pieces, generator=generator) * (spread / 28)
    sums = (pixels @ weights).requires_grad_()
    outputs = build_activation(name).eval()(sums)
    slopes = _slopes(outputs, sums).reshape(len(images), UNITS, pieces).sum(dim=2)
    return LayerOutputs(
        sums.detach().ravel().numpy(),
        outputs.detach().ravel().numpy(),
        float((outputs == 0).float().mean()),
        float((slopes.abs() < FLAT).float().mean()),
        float(slopes.mean()),
    )


def _slopes(outputs: Tensor, inputs: Tensor) -> Tensor:
    return torch.autograd.grad(outputs.sum(), inputs)[0]
