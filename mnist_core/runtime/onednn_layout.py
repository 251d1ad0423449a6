"""The layout of features in which a processor's convolutions and poolings are fastest: oneDNN's own."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

LEAST_IMAGES = 32
"""Smaller batches are slower blocked: one image at a time takes 1.5 times as long."""

_LAYERS = (nn.Conv2d, nn.MaxPool2d, nn.ReLU, nn.GELU, nn.Identity)
_LEAST_CHANNELS = 16  # as many as a block holds


def fastest_forward(network: nn.Sequential, device: torch.device) -> Callable[[Tensor], Tensor]:
    """Return what `network` computes, in blocked features up to the flattening where that is faster here.

    The tutorials' CNN took 12.6 ms a step instead of 15.7, and its test pass a fifth less; last digits may
    differ. It follows the network's weights and modes, but hooks on its layers would see blocked tensors.
    """
    count = count_blocked(network)
    if not count or device.type != "cpu" or not _blocks_features():
        return network
    features, classifier = network[:count], network[count:]

    def forward(inputs: Tensor) -> Tensor:
        blocked = len(inputs) >= LEAST_IMAGES
        outputs = features(inputs.to_mkldnn()).to_dense() if blocked else features(inputs)
        logits: Tensor = classifier(outputs)
        return logits

    return forward


def count_blocked(network: nn.Sequential) -> int:
    """Count the layers before the flattening; 0 if there are any that are slower blocked, or can't be.

    LeNet-5, with its average pooling, took 1.5 times as long; most activations have no blocked kernel. Batch
    norm would gain little (8 % of `accurate`), and retraining the pretrained model would give other bits.
    """
    before = list(network)[: [type(layer) for layer in network].index(nn.Flatten)]
    return len(before) if all(map(_gains, before)) else 0


def _gains(layer: nn.Module) -> bool:
    narrow = isinstance(layer, nn.Conv2d) and layer.out_channels < _LEAST_CHANNELS
    return type(layer) in _LAYERS and not narrow


def _blocks_features() -> bool:
    """Whether torch has oneDNN here, and it is its kernels for Intel's and AMD's processors."""
    return torch.backends.mkldnn.is_available() and torch.backends.cpu.get_cpu_capability().startswith("AVX")
