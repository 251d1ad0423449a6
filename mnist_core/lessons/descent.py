"""Gradient descent on a loss surface of two weights: the path of each optimizer from one start."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnist_core.config import TrainConfig

Floats = NDArray[np.float64]

STEPS = 60
START = (-2.5, 0.5)
CURVATURES = (1.0, 12.0)  # second derivatives of the loss along the valley and across it
ANGLE = math.radians(30)  # of the valley
TURN: Floats = np.array([[math.cos(ANGLE), -math.sin(ANGLE)], [math.sin(ANGLE), math.cos(ANGLE)]])
HESSIAN: Floats = TURN @ np.diag(CURVATURES) @ TURN.T
ARRIVED = 0.01  # share of the loss at the start
WEIGHT_DECAY = {"adamw": 0.01}  # torch.optim's own; without it AdamW is Adam
SPEEDS = ("small", "right", "large")
RATES: dict[str, tuple[float, float, float]] = {
    "sgd": (0.01, 0.1, 0.175),
    "momentum": (0.0003, 0.01, 0.35),
    "nesterov": (0.0003, 0.03, 0.15),
    "adagrad": (0.05, 1.0, 10.0),
    "rmsprop": (0.01, 0.1, 2.0),
    "adadelta": (1.0, 50.0, 300.0),
    "adam": (0.01, 0.2, 10.0),
    "adamw": (0.01, 0.2, 10.0),
    "muon": (0.01, 0.2, 3.0),
}
"""Learning rates of SPEEDS for each optimizer, found by trying."""


class DescentPath(NamedTuple):
    """The weights at the start and after each step, [STEPS + 1, 2], and the loss there."""

    points: Floats
    losses: Floats

    @property
    def arrival(self) -> int | None:
        """The step after which the loss stays below ARRIVED times the first one; None if there is none."""
        above = np.flatnonzero(~(self.losses < ARRIVED * self.losses[0]))
        return int(above[-1]) + 1 if above[-1] + 1 < len(self.losses) else None


def loss(points: Floats) -> Floats:
    """Return the loss w H w / 2 at weights [..., 2]: a valley whose lowest point is at (0, 0)."""
    values: Floats = ((points @ HESSIAN) * points).sum(-1) / 2
    return values


def gradient(point: Floats) -> Floats:
    """Return the derivatives H w of the loss by both weights."""
    slopes: Floats = HESSIAN @ point
    return slopes


def level_line(value: float, corners: int = 72) -> Floats:
    """Return a closed line [corners + 1, 2] on which the loss is `value`."""
    angles = np.linspace(0, 2 * math.pi, corners + 1)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    line: Floats = circle * np.sqrt(2 * value / np.array(CURVATURES)) @ TURN.T
    return line


def descent_path(optimizer: str, rate: float) -> DescentPath:
    """Return the path of an optimizer, a key of OPTIMIZERS, from START; other settings are the product's own.

    The two weights are a matrix of 1 x 2, as Muon moves matrices.
    """
    import torch

    from mnist_core.training.optimizers import Updater

    weights = torch.tensor([START], dtype=torch.float64, requires_grad=True)
    hessian = torch.from_numpy(HESSIAN)
    config = TrainConfig(optimizer=optimizer, weight_decay=WEIGHT_DECAY.get(optimizer, 0.0))
    updater = Updater(optimizer, [weights], config)
    points = [np.array(START)]
    for _step in range(STEPS):
        weights.grad = weights.detach() @ hessian
        updater.step(rate)
        points.append(weights.detach().numpy()[0].copy())
    path = np.stack(points)
    return DescentPath(path, loss(path))


def all_paths() -> Iterator[tuple[str, tuple[DescentPath, ...]]]:
    """Return for each optimizer its paths with the rates of SPEEDS, one optimizer after the other."""
    for optimizer, rates in RATES.items():
        yield optimizer, tuple(descent_path(optimizer, rate) for rate in rates)
