"""Training of layers with and without an activation: without one they collapse into a single matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import nn

from mnist_core.config import TrainConfig
from mnist_core.data.mnist import Split
from mnist_core.models.architectures import build_model
from mnist_core.models.modules import DigitClassifier
from mnist_core.runtime.job import Steps
from mnist_core.training.events import EpochDone, StepDone
from mnist_core.training.trainer import fit

TRAINING, HELD_OUT = 6000, 2000  # images: the first of a split, and the next ones
EPOCHS, BATCH_SIZE, LEARNING_RATE = 5, 50, 0.003


class Layer(NamedTuple):
    """A fully connected layer: weights W float64 [outputs, inputs], biases b float64 [outputs]."""

    weights: NDArray[np.float64]
    biases: NDArray[np.float64]

    @property
    def parameters(self) -> int:
        """The numbers that training adjusts."""
        return self.weights.size + self.biases.size


class Collapse(NamedTuple):
    """Accuracies, 0 to 1, on held-out images; the layers without activation, and the layer they collapse to.

    `difference` is the largest absolute difference between the logits of `layers` and of `collapsed` on these
    images. `trained_on` and `held_out` are numbers of images.
    """

    with_activation: float
    without_activation: float
    single_layer: float
    layers: list[Layer]
    collapsed: Layer
    difference: float
    trained_on: int
    held_out: int


def train_collapse(split: Split, widths: Sequence[int]) -> Steps[Collapse]:
    """Train hidden layers of `widths` with ReLU and without, and a single layer; the steps of a Job."""
    count = min(TRAINING, len(split) * 3 // 4)
    train, held_out = split[:count], split[count : count + HELD_OUT]
    config = TrainConfig(
        widths=tuple(widths),
        batch_size=BATCH_SIZE,
        epochs=EPOCHS,
        learning_rate=LEARNING_RATE,
        train_size=count,
        input_scaling="unit",
    )
    settings = [config, replace(config, activation="none"), replace(config, architecture="softmax")]
    models = [build_model(each) for each in settings]
    accuracies = [0.0] * len(models)
    for number, (model, each) in enumerate(zip(models, settings, strict=True)):
        for event in fit(model, each, train, held_out):
            if isinstance(event, StepDone):
                steps = EPOCHS * -(-count // BATCH_SIZE)
                yield (number + event.step / steps) / len(models), None
            elif isinstance(event, EpochDone):
                accuracies[number] = event.monitor_accuracy
    layers = layers_of(models[1])
    collapsed = collapse(layers)
    pixels = as_vectors(held_out.images)
    difference = float(np.abs(apply(layers, pixels) - apply([collapsed], pixels)).max())
    with_activation, without_activation, single_layer = accuracies
    return Collapse(
        with_activation,
        without_activation,
        single_layer,
        layers,
        collapsed,
        difference,
        count,
        len(held_out),
    )


def layers_of(model: DigitClassifier) -> list[Layer]:
    """Return the fully connected layers of a network in order."""
    return [
        Layer(module.weight.detach().double().numpy(), module.bias.detach().double().numpy())
        for module in model.network
        if isinstance(module, nn.Linear)
    ]


def collapse(layers: Sequence[Layer]) -> Layer:
    """Multiply out layers without an activation: W2 (W1 x + b1) + b2 = (W2 W1) x + (W2 b1 + b2)."""
    weights, biases = layers[0]
    for layer in layers[1:]:
        weights, biases = layer.weights @ weights, layer.weights @ biases + layer.biases
    return Layer(weights, biases)


def apply(layers: Sequence[Layer], vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Apply layers without activation, in order, to vectors [N, inputs]; return [N, outputs]."""
    for layer in layers:
        vectors = vectors @ layer.weights.T + layer.biases
    return vectors


def as_vectors(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Flatten images [N, 28, 28] to vectors [N, 784] from 0 to 1, the input scaling of these networks."""
    return images.reshape(len(images), -1) / 255
