"""The networks: each takes 28 x 28 images and gives ten logits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mnist_core.messages import N_, InputError, Message

if TYPE_CHECKING:
    from torch import nn

    from mnist_core.config import TrainConfig
    from mnist_core.model import DigitClassifier


def _linear_stack(config: TrainConfig, features: int) -> list[nn.Module]:
    """Hidden fully connected layers of `config.widths`, then the ten outputs."""
    from torch import nn

    from mnist_core.activations import ACTIVATIONS, build_activation

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
    return [*layers, nn.Linear(features, 10)]


def _conv(
    config: TrainConfig, inputs: int, outputs: int, kernel: int = 3, stride: int = 1, pad: bool = True
) -> list[nn.Module]:
    """Convolution, batch norm if asked, activation; padded to keep the size unless told otherwise."""
    from torch import nn

    from mnist_core.activations import ACTIVATIONS, build_activation

    raw = outputs * ACTIVATIONS[config.activation].pieces
    padding = kernel // 2 if pad else 0
    bias = not config.batch_norm
    layers: list[nn.Module] = [nn.Conv2d(inputs, raw, kernel, stride, padding, bias=bias)]
    if config.batch_norm:
        layers.append(nn.BatchNorm2d(raw))
    return [*layers, build_activation(config.activation)]


def _conv_pool(config: TrainConfig, inputs: int, outputs: int) -> list[nn.Module]:
    """A convolution as `_conv` makes it, max pooled before its activation where that is the same."""
    from torch import nn

    from mnist_core.activations import ACTIVATIONS

    *convolution, activation = _conv(config, inputs, outputs)
    if ACTIVATIONS[config.activation].monotone:
        return [*convolution, nn.MaxPool2d(2), activation]
    return [*convolution, activation, nn.MaxPool2d(2)]


def _softmax(config: TrainConfig) -> list[nn.Module]:
    from torch import nn

    return [nn.Flatten(), nn.Linear(784, 10)]


def _mlp(config: TrainConfig) -> list[nn.Module]:
    from torch import nn

    return [nn.Flatten(), *_linear_stack(config, 784)]


def _cnn(config: TrainConfig) -> list[nn.Module]:
    from torch import nn

    layers: list[nn.Module] = []
    for inputs, outputs in zip((1, *config.channels), config.channels, strict=False):
        layers += _conv_pool(config, inputs, outputs)
    return [*layers, nn.Flatten(), *_linear_stack(config, _features(config.channels))]


def _lenet5(config: TrainConfig) -> list[nn.Module]:
    from dataclasses import replace

    from torch import nn

    first = [*_conv(config, 1, 6, kernel=5), nn.AvgPool2d(2)]
    second = [*_conv(config, 6, 16, kernel=5, pad=False), nn.AvgPool2d(2)]
    return [*first, *second, nn.Flatten(), *_linear_stack(replace(config, widths=(120, 84)), 400)]


def _vgg(config: TrainConfig) -> list[nn.Module]:
    from torch import nn

    layers: list[nn.Module] = []
    for inputs, outputs in zip((1, *config.channels), config.channels, strict=False):
        layers += [*_conv(config, inputs, outputs), *_conv_pool(config, outputs, outputs)]
    return [*layers, nn.Flatten(), *_linear_stack(config, _features(config.channels))]


def _resnet(config: TrainConfig) -> list[nn.Module]:
    from torch import nn

    from mnist_core.activations import ACTIVATIONS
    from mnist_core.model import ResidualBlock

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
        skip = nn.Identity() if same else nn.Conv2d(inputs, outputs * pieces, 1, stride=stride)
        layers.append(ResidualBlock(main, skip, activation))
    return [*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), *_linear_stack(config, config.channels[-1])]


def _fast_cnn(config: TrainConfig) -> list[nn.Module]:
    """A strided 5 x 5 stem halves the image at once; each further stage is a 3 x 3 and a pooling."""
    from torch import nn

    layers = _conv(config, 1, config.channels[0], kernel=5, stride=2)
    for inputs, outputs in zip(config.channels, config.channels[1:], strict=False):
        layers += _conv_pool(config, inputs, outputs)
    return [*layers, nn.Flatten(), *_linear_stack(config, _features(config.channels))]


def _features(channels: tuple[int, ...]) -> int:
    """Values left after one halving of the image per stage."""
    return channels[-1] * (28 >> len(channels)) ** 2


@dataclass(frozen=True)
class Architecture:
    """One family of networks; `stages` is the least and most channels it takes, None when it takes none."""

    label: str
    description: str
    layers: Callable[[TrainConfig], list[nn.Module]]
    uses_widths: bool = False
    stages: tuple[int, int] | None = None

    def check(self, channels: tuple[int, ...]) -> None:
        """Raise InputError when this family can't be built with `channels`."""
        if self.stages and not self.stages[0] <= len(channels) <= self.stages[1]:
            raise InputError(
                N_(
                    "{label} takes {least} to {most} channel counts, as each halves the image; {given} given."
                ),
                label=Message(self.label),
                least=self.stages[0],
                most=self.stages[1],
                given=len(channels),
            )


ARCHITECTURES: dict[str, Architecture] = {
    "softmax": Architecture(
        N_("Softmax regression"),
        N_("One linear map from 784 pixels to ten scores: no hidden layer."),
        _softmax,
    ),
    "mlp": Architecture(
        N_("MLP"),
        N_("Fully connected layers of any widths; it does not know which pixels are neighbours."),
        _mlp,
        True,
    ),
    "cnn": Architecture(
        N_("CNN"),
        N_("3 x 3 convolution, activation and pooling for each channel count, then fully connected layers."),
        _cnn,
        True,
        (1, 4),
    ),
    "lenet5": Architecture(
        N_("LeNet-5"),
        N_("LeCun's network of 1998: two 5 x 5 convolutions, average pooling, layers of 120 and 84."),
        _lenet5,
    ),
    "vgg": Architecture(
        N_("Small VGG"),
        N_("Pairs of 3 x 3 convolutions before each pooling, as in VGG (2014)."),
        _vgg,
        True,
        (1, 4),
    ),
    "resnet": Architecture(
        N_("Small ResNet"),
        N_("Pairs of 3 x 3 convolutions with a skip connection, as in ResNet (2015)."),
        _resnet,
        True,
        (1, 4),
    ),
    "fast_cnn": Architecture(
        N_("Fast CNN"),
        N_("Our own: halves the image in its first convolution, for the most accuracy per second."),
        _fast_cnn,
        True,
        (2, 4),
    ),
}


def build_model(config: TrainConfig) -> DigitClassifier:
    """Build the network of `config` with weights drawn from `config.seed`.

    It takes uint8 images [N, 28, 28] and gives float logits [N, 10]. Features lie with channels last, as
    convolutions and pooling are fastest: a CNN's test pass took 0.9 s instead of 2.5.
    """
    import torch

    from mnist_core.learning.randomness import RandomStream

    with RandomStream(config.seed):
        return _assemble(config).to(memory_format=torch.channels_last)


def build_outline(config: TrainConfig) -> DigitClassifier:
    """Build the network of `config` on torch's meta device: shapes without numbers.

    It draws nothing, so it need not wait for the random generator, which a training may be holding.
    """
    import torch

    with torch.device("meta"):
        return _assemble(config)


def _assemble(config: TrainConfig) -> DigitClassifier:
    from torch import nn

    from mnist_core.model import DigitClassifier, Scaling
    from mnist_core.scaling import INPUT_SCALINGS

    scaling = INPUT_SCALINGS[config.input_scaling]
    layers = ARCHITECTURES[config.architecture].layers(config)
    if config.loss == "nll":
        layers.append(nn.LogSoftmax(dim=1))
    return DigitClassifier(Scaling(scaling.mean, scaling.std), nn.Sequential(*layers))


def count_parameters(model: nn.Module) -> int:
    """Count the numbers that training adjusts."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
