"""A network's layers with their shapes and parameters, computed without allocating its weights."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mnist_core.choices import ACTIVATIONS, INPUT_SCALINGS
from mnist_core.config import TrainConfig
from mnist_core.messages import N_, Message

if TYPE_CHECKING:
    from torch import nn

    from mnist_core.models.modules import DigitClassifier

SHAPING = (
    "architecture",
    "widths",
    "channels",
    "activation",
    "dropout",
    "batch_norm",
    "loss",
    "input_scaling",
    "dataset",
)
"""The settings that define the network; the others define how it is trained."""
Shape = tuple[int, ...]
_KINDS = {
    "Conv2d": "convolution",
    "ResidualBlock": "residual",
    "AdaptiveAvgPool2d": "average",
    "Flatten": "flatten",
    "Linear": "linear",
}


@dataclass(frozen=True)
class LayerSummary:
    """One layer in the usual sense: a convolution or linear map, with the modules up to the next one.

    `kind` is image, convolution, residual, average, flatten, linear or output; `parts` are the activation,
    pooling and the like that follow. `shape` is one image's output, [C, H, W] or [units]; `parameters` are
    the numbers that training adjusts.
    """

    kind: str
    title: Message
    parts: tuple[Message, ...]
    shape: tuple[int, ...]
    parameters: int


def describe_layers(config: TrainConfig) -> tuple[LayerSummary, ...]:
    """Return the layers of the network of `config`, the image first; cached by network."""
    return _describe(replace(TrainConfig(), **{name: getattr(config, name) for name in SHAPING}))


def output_values(config: TrainConfig) -> int:
    """Return the number of float32 values in the outputs of all modules for one image in training."""
    return _output_values(replace(TrainConfig(), **{name: getattr(config, name) for name in SHAPING}))


def group_layers(model: DigitClassifier) -> list[list[nn.Module]]:
    """Group a network's modules into layers: one of _KINDS and the activation, pooling etc. that follow."""
    groups: list[list[nn.Module]] = []
    for module in model.network:
        if type(module).__name__ in _KINDS:
            groups.append([])
        groups[-1].append(module)
    return groups


def learning_layers(model: DigitClassifier) -> list[list[nn.Module]]:
    """Return the layers of `group_layers` that have parameters, in the order of `describe_layers`."""
    return [group for group in group_layers(model) if any(map(count_parameters, group))]


@functools.lru_cache(maxsize=500)
def _describe(config: TrainConfig) -> tuple[LayerSummary, ...]:
    from mnist_core.models.architectures import build_meta_model

    model = build_meta_model(config)
    scaling = Message(INPUT_SCALINGS[config.input_scaling].label)
    shape: Shape = (1, 28, 28)
    layers = [LayerSummary("image", Message(N_("Image")), (scaling,), shape, 0)]
    for group in group_layers(model):
        for module in group:
            shape = _shape_after(module, shape)
        layers.append(_summary(group, shape, config))
    return *layers[:-1], replace(layers[-1], kind="output", title=output_title(shape[0]))


def output_title(outputs: int) -> Message:
    """Return the title of a network's last layer."""
    return Message(N_("Fully connected, {count} outputs"), {"count": outputs})


@functools.lru_cache(maxsize=500)
def _output_values(config: TrainConfig) -> int:
    from mnist_core.models.architectures import build_meta_model

    return _values(build_meta_model(config).network, (1, 28, 28))


def _values(module: Any, shape: Shape) -> int:
    """Count the numbers of the outputs of a module and its parts for one image's features `shape`."""
    count = 0
    parts = (
        [module.main, module.activation] if type(module).__name__ == "ResidualBlock" else module.children()
    )
    for part in parts:
        count += _values(part, shape)
        shape = _shape_after(part, shape)
    match type(module).__name__:
        case "Sequential" | "Flatten" | "Identity":
            return count
        case "ResidualBlock":
            return count + 2 * math.prod(shape)  # the skip connection and the sum
        case "MaxPool2d":
            return 3 * math.prod(_shape_after(module, shape))  # its indices have 64 bits
        case "Maxout":
            return 3 * math.prod(shape)  # its gradient compares all of its inputs
    return math.prod(_shape_after(module, shape))


def _shape_after(module: Any, shape: Shape) -> Shape:
    """Return the output shape of a module for one image's features `shape`, [C, H, W] or [units].

    By formula: running the module on torch's meta device would import 90 MB of symbolic shapes.
    """
    after = _SHAPES_AFTER.get(type(module).__name__)
    return after(module, shape) if after else shape


def _windows(module: Any, shape: Shape) -> Shape:
    """Return the output height and width of a square window: (side + 2 padding - size) // stride + 1."""
    size, stride, padding = (
        value[0] if isinstance(value, tuple) else value
        for value in (module.kernel_size, module.stride, module.padding)
    )
    return tuple((side + 2 * padding - size) // stride + 1 for side in shape[1:])


_SHAPES_AFTER: dict[str, Callable[[Any, Shape], Shape]] = {
    "Conv2d": lambda layer, shape: (layer.out_channels, *_windows(layer, shape)),
    "MaxPool2d": lambda layer, shape: (shape[0], *_windows(layer, shape)),
    "AvgPool2d": lambda layer, shape: (shape[0], *_windows(layer, shape)),
    "AdaptiveAvgPool2d": lambda layer, shape: (shape[0], 1, 1),
    "Flatten": lambda layer, shape: (math.prod(shape),),
    "Linear": lambda layer, shape: (layer.out_features,),
    "Maxout": lambda layer, shape: (shape[0] // layer.pieces, *shape[1:]),
    "ResidualBlock": lambda layer, shape: _shape_after(layer.activation, _shape_after(layer.main, shape)),
    "Sequential": lambda layer, shape: functools.reduce(
        lambda now, part: _shape_after(part, now), layer, shape
    ),
}


def layer_kind(first: nn.Module) -> str:
    """Return the kind of the layer that begins with `first`, as LayerSummary has it."""
    return _KINDS[type(first).__name__]


def _summary(group: list[nn.Module], shape: Shape, config: TrainConfig) -> LayerSummary:
    first, *others = group
    kind = layer_kind(first)
    parts = [_part(module, config) for module in others if type(module).__name__ != "Identity"]
    if kind == "residual":
        parts = [Message(ACTIVATIONS[config.activation].label)]
    parameters = sum(map(count_parameters, group))
    return LayerSummary(kind, layer_title(first, shape), tuple(parts), shape, parameters)


def layer_title(module: Any, shape: Shape) -> Message:
    """Return the title of the layer that begins with `module` and has output `shape` for one image."""
    kind = layer_kind(module)
    if kind == "convolution":
        size, stride = module.kernel_size[0], module.stride[0]
        values = {"size": size, "stride": stride, "count": module.out_channels}
        if stride > 1:
            return Message(_COUNTED["strided"][module.out_channels == 1], values)
        return Message(_COUNTED[kind][module.out_channels == 1], values)
    if kind == "residual":
        return Message(_COUNTED[kind][shape[0] == 1], {"count": shape[0]})
    if kind == "linear":
        return Message(_COUNTED[kind][module.out_features == 1], {"count": module.out_features})
    return Message({"average": N_("Global average pool"), "flatten": N_("Flatten")}[kind])


_COUNTED = {  # of several, of one
    "convolution": (N_("Conv {size}x{size}, {count} channels"), N_("Conv {size}x{size}, 1 channel")),
    "strided": (
        N_("Conv {size}x{size}, stride {stride}, {count} channels"),
        N_("Conv {size}x{size}, stride {stride}, 1 channel"),
    ),
    "residual": (
        N_("Residual block, two conv 3x3, {count} channels"),
        N_("Residual block, two conv 3x3, 1 channel"),
    ),
    "linear": (N_("Fully connected, {count} units"), N_("Fully connected, 1 unit")),
}


def _part(module: Any, config: TrainConfig) -> Message:
    """Return the name of a module that follows a layer's first one."""
    match type(module).__name__:
        case "BatchNorm1d" | "BatchNorm2d":
            return Message(N_("Batch norm"))
        case "MaxPool2d":
            return Message(N_("Max pool {size}x{size}"), {"size": module.kernel_size})
        case "AvgPool2d":
            return Message(N_("Average pool {size}x{size}"), {"size": module.kernel_size})
        case "Dropout":
            return Message(N_("Dropout {share}"), {"share": f"{module.p:.0%}"})
        case "LogSoftmax":
            return Message(N_("Log-softmax"))
    return Message(ACTIVATIONS[config.activation].label)


def count_parameters(model: nn.Module) -> int:
    """Count the trainable parameters."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
