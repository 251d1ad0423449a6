"""A toy in two dimensions: neurons that draw lines, and one that joins them to a quadrilateral."""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from mnist_core.config import TrainConfig
from mnist_core.runtime.job import Steps
from mnist_core.training.optimizers import Updater

EDGE = 3.0  # coordinates are from -EDGE to EDGE
CORNERS = np.array([[-2.1, -1.35], [1.05, -2.25], [2.25, 1.2], [-0.9, 2.1]])  # counter-clockwise
GAP = 0.09  # no point lies nearer to a side
MOST_LINES = 4
PER_CLASS = 200  # points
SHOWN_STEPS = (0, 10, 30, 100, 200)  # steps of the training after which the network is kept
LEARNING_RATE = 0.3


class Points(NamedTuple):
    """Points float32 [N, 2], and whether each lies inside the quadrilateral, bool [N]."""

    places: NDArray[np.float32]
    inside: NDArray[np.bool_]


class LineNetwork(NamedTuple):
    """Lines w1 x1 + w2 x2 + b = 0 of `weights` [K, 2] and `biases` [K]; and the neuron that joins them."""

    weights: NDArray[np.float32]
    biases: NDArray[np.float32]
    join_weights: NDArray[np.float32]
    join_bias: float

    @property
    def is_and(self) -> bool:
        """Whether the joining neuron says yes only if all lines do."""
        every = float(self.join_weights.sum()) + self.join_bias
        return every > 0 > every - float(self.join_weights.min())


class LineTraining(NamedTuple):
    """The network after each of SHOWN_STEPS, and its accuracy, 0 to 1, on the points it was trained on."""

    networks: list[LineNetwork]
    accuracies: list[float]


def toy_points() -> Points:
    """Return PER_CLASS points inside the quadrilateral and as many outside; always the same ones."""
    places = np.random.default_rng(0).uniform(-EDGE, EDGE, (4000, 2))
    depth = _depth_inside(places)
    inside, outside = places[depth > GAP][:PER_CLASS], places[depth < -GAP][:PER_CLASS]
    return Points(
        np.concatenate([inside, outside]).astype(np.float32), np.repeat([True, False], [PER_CLASS] * 2)
    )


def _depth_inside(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distance [N] of places [N, 2] to the nearest side's line; negative outside."""
    sides = np.roll(CORNERS, -1, axis=0) - CORNERS
    offsets = places[:, None] - CORNERS
    distances = (sides[:, 0] * offsets[..., 1] - sides[:, 1] * offsets[..., 0]) / np.hypot(*sides.T)
    depths: NDArray[np.float64] = distances.min(axis=1)
    return depths


def train_lines() -> Steps[dict[int, LineTraining]]:
    """Train networks of one to MOST_LINES lines on `toy_points`: the steps of a Job; return them by lines."""
    found = {}
    for lines in range(1, MOST_LINES + 1):
        training = _train(lines)
        while lines not in found:
            try:
                yield (lines - 1 + next(training)) / MOST_LINES, None
            except StopIteration as end:
                found[lines] = end.value
    return found


def _train(lines: int) -> Generator[float, None, LineTraining]:
    """Train a network 2-`lines`-1 of sigmoid neurons by full-batch Adam; yield the fraction done, 0 to 1.

    It begins with lines in evenly spread directions; the joining neuron begins as an AND and is trained too.
    """
    points = toy_points()
    places, inside = torch.from_numpy(points.places), torch.from_numpy(points.inside).float()
    parameters = _initial_parameters(lines)
    updater = Updater("adam", parameters, TrainConfig())
    found = LineTraining([], [])
    for step in range(SHOWN_STEPS[-1] + 1):
        total = _total(parameters, places)
        if step in SHOWN_STEPS:
            found.networks.append(_network(parameters))
            found.accuracies.append(float(((total > 0) == (inside > 0)).float().mean()))
        for parameter in parameters:
            parameter.grad = None
        functional.binary_cross_entropy_with_logits(total, inside).backward()
        updater.step(LEARNING_RATE)
        yield step / SHOWN_STEPS[-1]
    return found


def _initial_parameters(lines: int) -> list[torch.Tensor]:
    angles = 0.5 + 2 * math.pi * torch.arange(lines) / lines
    values = [
        torch.stack([angles.cos(), angles.sin()], dim=1),
        torch.full((lines,), 0.5),
        torch.full((lines,), 2.0),
        torch.tensor(-2.0 * (lines - 0.5)),
    ]
    return [value.requires_grad_() for value in values]


def _total(parameters: list[torch.Tensor], places: torch.Tensor) -> torch.Tensor:
    weights, biases, join_weights, join_bias = parameters
    return torch.sigmoid(places @ weights.T + biases) @ join_weights + join_bias


def _network(parameters: list[torch.Tensor]) -> LineNetwork:
    weights, biases, join_weights, join_bias = (value.detach().clone() for value in parameters)
    return LineNetwork(weights.numpy(), biases.numpy(), join_weights.numpy(), float(join_bias))


def says_inside(network: LineNetwork, places: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return whether the network classifies each of `places` [..., 2] as inside: bool [...]."""
    outputs = 1 / (1 + np.exp(-(places @ network.weights.T + network.biases)))
    inside: NDArray[np.bool_] = outputs @ network.join_weights + network.join_bias > 0
    return inside
