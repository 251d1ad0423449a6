"""The parts of a network that torch.nn does not have."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mnist_core.choices import ACTIVATIONS
from mnist_core.dataset_choices import MNIST


class Scaling(nn.Module):
    """The first layer of every model: pixel values to (pixel / 255 - mean) / std."""

    def __init__(self, mean: float, std: float) -> None:
        super().__init__()
        self.mean, self.std = mean, std

    def forward(self, images: Tensor) -> Tensor:
        """Uint8 or float pixels 0..255 [N, 28, 28], left unchanged -> float32 [N, 1, 28, 28]."""
        return (
            images.unsqueeze(1)
            .to(torch.float32, copy=True)
            .mul_(1 / (255 * self.std))
            .sub_(self.mean / self.std)
        )

    def pixels(self, inputs: Tensor) -> Tensor:
        """Scaled images [N, 1, 28, 28] -> uint8 [N, 28, 28]: the pixels before scaling."""
        return ((inputs.squeeze(1) * self.std + self.mean) * 255).round().clamp(0, 255).to(torch.uint8)


class DigitClassifier(nn.Module):
    """A network with its input scaling as the first layer: training and use can't scale differently.

    `dataset` is the key of the data set whose classes its outputs stand for.
    """

    def __init__(self, scaling: Scaling, network: nn.Sequential, dataset: str = MNIST) -> None:
        super().__init__()
        self.dataset = dataset
        self.scaling = scaling
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """Uint8 or float images [N, 28, 28], pixels 0..255 -> logits [N, classes]."""
        logits: Tensor = self.network(self.scaling(images))
        return logits

    @property
    def outputs(self) -> int:
        """How many classes it tells apart: the outputs of its last linear layer."""
        layers = [module for module in self.network.modules() if isinstance(module, nn.Linear)]
        return layers[-1].out_features

    @property
    def convolutional(self) -> bool:
        """Whether it has convolutions, for which other memory layouts and precisions are fastest."""
        return any(isinstance(module, nn.Conv2d) for module in self.modules())


class ResidualBlock(nn.Module):
    """activation(main(x) + skip(x)): at least as good as without the added layers (He et al. 2015).

    `skip` gets each `stride`-th pixel of each row and column. It has no stride of its own: oneDNN's gradient
    of a 1 x 1 convolution with one writes past its memory where a processor has AVX2, not AVX-512, and there
    are fewer than 8 channels (uxlfoundation/oneDNN, issue 6035).
    """

    def __init__(self, main: nn.Module, skip: nn.Module, activation: nn.Module, stride: int = 1) -> None:
        super().__init__()
        self.main, self.skip, self.activation, self.stride = main, skip, activation, stride

    def forward(self, features: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, C', H / stride, W / stride], rounded up."""
        activated: Tensor = self.activation(self.main(features) + self.skipped(features))
        return activated

    def skipped(self, features: Tensor) -> Tensor:
        """Return what the skip connection adds, in the shape of the output of the block."""
        if self.stride > 1:
            features = F.avg_pool2d(features, 1, self.stride)  # a slice's gradient has another memory format
        output: Tensor = self.skip(features)
        return output


class Maxout(nn.Module):
    """Largest of `pieces` neighbouring features (Goodfellow et al. 2013, "Maxout Networks")."""

    def __init__(self, pieces: int) -> None:
        super().__init__()
        self.pieces = pieces

    def forward(self, features: Tensor) -> Tensor:
        """[N, C * pieces, ...] -> [N, C, ...]."""
        return torch.amax(features.unflatten(1, (-1, self.pieces)), dim=2)


def build_activation(name: str) -> nn.Module:
    """Build the activation `name` (a key of ACTIVATIONS); "none" gives an identity."""
    activation = ACTIVATIONS[name]
    if activation.layer is None:
        return nn.Identity()
    layer = Maxout if activation.layer == "Maxout" else getattr(nn, activation.layer)
    module: nn.Module = layer(**activation.options)
    return module
