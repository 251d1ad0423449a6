"""Builders of the network architectures: 28 x 28 images to a logit for each class of the data set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import torch
from torch import nn

from mnist_core.choices import ACTIVATIONS, INITIALIZATIONS, INPUT_SCALINGS
from mnist_core.config import TrainConfig
from mnist_core.dataset_choices import number_of_classes
from mnist_core.models.modules import DigitClassifier, ResidualBlock, Scaling, build_activation
from mnist_core.runtime.random_stream import RandomStream


def _linear_stack(config: TrainConfig, features: int) -> list[nn.Module]:
    """Fully connected hidden layers of `config.widths`, then a linear layer with an output for each class."""
    layers: list[nn.Module] = []
    for width in config.widths:
        raw = width * ACTIVATIONS[config.activation].pieces
        layers.append(nn.Linear(features, raw, bias=not config.batch_norm))
        if config.batch_norm:
            layers.append(nn.BatchNorm1d(raw))
        layers.append(build_activation(config.activation))
        if config.dropout:
            layers.append(nn.Dropout(config.dropout))
        features = width
    return [*layers, nn.Linear(features, number_of_classes(config.dataset))]


def _conv(
    config: TrainConfig, inputs: int, outputs: int, kernel: int = 3, stride: int = 1, pad: bool = True
) -> list[nn.Module]:
    """Convolution, batch norm if configured, activation; `pad` keeps the image size at stride 1."""
    raw = outputs * ACTIVATIONS[config.activation].pieces
    padding = kernel // 2 if pad else 0
    bias = not config.batch_norm
    layers: list[nn.Module] = [nn.Conv2d(inputs, raw, kernel, stride, padding, bias=bias)]
    if config.batch_norm:
        layers.append(nn.BatchNorm2d(raw))
    return [*layers, build_activation(config.activation)]


def _conv_pool(config: TrainConfig, inputs: int, outputs: int) -> list[nn.Module]:
    """The layers of `_conv` and a 2 x 2 max pooling."""
    return [*_conv(config, inputs, outputs), nn.MaxPool2d(2)]


def _softmax(config: TrainConfig) -> list[nn.Module]:
    return [nn.Flatten(), nn.Linear(784, number_of_classes(config.dataset))]


def _mlp(config: TrainConfig) -> list[nn.Module]:
    return [nn.Flatten(), *_linear_stack(config, 784)]


def _cnn(config: TrainConfig) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for inputs, outputs in zip((1, *config.channels), config.channels, strict=False):
        layers += _conv_pool(config, inputs, outputs)
    return [*layers, nn.Flatten(), *_linear_stack(config, _features(config.channels))]


def _lenet5(config: TrainConfig) -> list[nn.Module]:
    first = [*_conv(config, 1, 6, kernel=5), nn.AvgPool2d(2)]
    second = [*_conv(config, 6, 16, kernel=5, pad=False), nn.AvgPool2d(2)]
    return [*first, *second, nn.Flatten(), *_linear_stack(replace(config, widths=(120, 84)), 400)]


def _vgg(config: TrainConfig) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for inputs, outputs in zip((1, *config.channels), config.channels, strict=False):
        layers += [*_conv(config, inputs, outputs), *_conv_pool(config, outputs, outputs)]
    return [*layers, nn.Flatten(), *_linear_stack(config, _features(config.channels))]


def _resnet(config: TrainConfig) -> list[nn.Module]:
    pieces = ACTIVATIONS[config.activation].pieces
    layers = _conv(config, 1, config.channels[0])
    for stage, (inputs, outputs) in enumerate(
        zip((config.channels[0], *config.channels), config.channels, strict=False)
    ):
        stride = 1 if stage == 0 else 2
        first = _conv(config, inputs, outputs, stride=stride)
        *second, activation = _conv(config, outputs, outputs)
        main = nn.Sequential(*first, *second)
        same = stride == 1 and inputs == outputs * pieces
        skip = nn.Identity() if same else nn.Conv2d(inputs, outputs * pieces, 1)
        layers.append(ResidualBlock(main, skip, activation, stride))
    return [*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), *_linear_stack(config, config.channels[-1])]


def _fast_cnn(config: TrainConfig) -> list[nn.Module]:
    """A 5 x 5 convolution with stride 2, then a 3 x 3 convolution and max pooling for each further stage."""
    layers = _conv(config, 1, config.channels[0], kernel=5, stride=2)
    for inputs, outputs in zip(config.channels, config.channels[1:], strict=False):
        layers += _conv_pool(config, inputs, outputs)
    return [*layers, nn.Flatten(), *_linear_stack(config, _features(config.channels))]


def _features(channels: tuple[int, ...]) -> int:
    """Number of values after flattening: each stage halves height and width."""
    return channels[-1] * (28 >> len(channels)) ** 2


BUILDERS: dict[str, Callable[[TrainConfig], list[nn.Module]]] = {
    "softmax": _softmax,
    "mlp": _mlp,
    "cnn": _cnn,
    "lenet5": _lenet5,
    "vgg": _vgg,
    "resnet": _resnet,
    "fast_cnn": _fast_cnn,
}
"""The layers of each of ARCHITECTURES, from images [N, 1, 28, 28] to logits [N, classes]."""


def build_model(config: TrainConfig) -> DigitClassifier:
    """Build the model of `config`, its weights drawn from `config.seed` as `config.initialization` says.

    It maps uint8 images [N, 28, 28] to float32 logits, one for each class of `config.dataset`. Its memory
    format is channels last, in which convolutions and pooling are fastest on the CPU: evaluating a CNN on
    the test set took 0.9 s, not 2.5 s.
    """
    with RandomStream(config.seed):
        model = _assemble(config)
        _initialize(model, config.initialization)
        return model.to(memory_format=torch.channels_last)


def build_meta_model(config: TrainConfig) -> DigitClassifier:
    """Build the model of `config` on torch's meta device: shapes without values.

    It draws no random numbers, so it never waits for the lock on torch's random generator.
    """
    with torch.device("meta"):
        return _assemble(config)


def layers_with_dropout(model: DigitClassifier, config: TrainConfig) -> nn.Sequential:
    """Return the layers of `model` with dropout at the rate `config.dropout`, to train it with.

    `model` was built with the same settings, except that its dropout may differ. If it was built without
    dropout, only the returned sequence has dropout layers, so that the model's weights keep their names; all
    other layers are shared with `model`.
    """
    present = [module for module in model.modules() if isinstance(module, nn.Dropout)]
    for dropout in present:
        dropout.p = config.dropout
    if present or not config.dropout:
        return model.network
    shared = iter(model.network)
    wanted = build_meta_model(config).network
    return nn.Sequential(
        *(nn.Dropout(layer.p) if isinstance(layer, nn.Dropout) else next(shared) for layer in wanted)
    )


def pooled_first(network: nn.Sequential) -> nn.Sequential:
    """Return the same layers in the order in which they take less time: max pooling before ReLU.

    Outputs and gradients are the same to the bit: the largest value of a window stays the largest under ReLU,
    which then has a quarter of the values.
    """
    layers = list(network)
    for place, (first, second) in enumerate(pairwise(network)):
        if type(first) is nn.ReLU and type(second) is nn.MaxPool2d:
            layers[place], layers[place + 1] = second, first
    return nn.Sequential(*layers)


def _initialize(model: nn.Module, name: str) -> None:
    """Set the weights of linear and convolutional layers by INITIALIZATIONS[name], and biases to 0."""
    entry = INITIALIZATIONS[name]
    if entry.function is None:
        return
    for module in model.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            getattr(nn.init, entry.function)(module.weight, **entry.options)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def _assemble(config: TrainConfig) -> DigitClassifier:
    scaling = INPUT_SCALINGS[config.input_scaling]
    layers = BUILDERS[config.architecture](config)
    if config.loss == "nll":
        layers.append(nn.LogSoftmax(dim=1))
    return DigitClassifier(Scaling(scaling.mean, scaling.std), nn.Sequential(*layers), config.dataset)
