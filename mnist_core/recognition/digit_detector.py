"""A small convolutional network that tells images of digits from letters, signs, shapes and scribbles.

It sees the image itself: a network that was trained on digits alone ignores much of what sets signs apart.
Its output for a digit is the log odds that the image shows that digit rather than what is no digit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor, nn

CHANNELS = (16, 32, 64)  # of the convolutions, each followed by a pooling that halves the image
EPOCHS = 4
BATCH_SIZE = 128
LEARNING_RATE = 0.01  # the largest of a one-cycle schedule, for AdamW
DROPOUT = 0.2  # share of the last layer's inputs

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class DigitDetector:
    """A trained detector: the weights and bias of each layer, batch normalization included.

    The convolutions' weights are [out, in, 3, 3]; the last layer's are [10, features].
    """

    layers: tuple[tuple[Floats, Floats], ...]

    def log_odds(self, images: NDArray[np.uint8]) -> Floats:
        """Return the log odds [N, 10] that images [N, 28, 28] show each digit rather than no digit."""
        import torch
        import torch.nn.functional as F

        *convolutions, last = [tuple(map(torch.from_numpy, layer)) for layer in self.layers]
        parts = []
        with torch.inference_mode():
            for batch in torch.from_numpy(np.array(images)).unsqueeze(1).split(500):
                seen = batch.float() / 255
                for weights, bias in convolutions:
                    seen = F.max_pool2d(F.relu(F.conv2d(seen, weights, bias, padding=1)), 2)
                parts.append(F.linear(seen.flatten(1), *last))
        odds: Floats = torch.cat(parts).numpy() if parts else np.zeros((0, 10), np.float32)
        return odds

    def to_lists(self) -> list[dict[str, Any]]:
        """Return its layers as lists of numbers with four digits, for a JSON file."""
        return [
            {
                "shape": list(weights.shape),
                "weights": [float(f"{weight:.4g}") for weight in weights.ravel()],
                "bias": bias.tolist(),
            }
            for weights, bias in self.layers
        ]


def detector_from_lists(layers: list[dict[str, Any]]) -> DigitDetector:
    """Read what `to_lists` returned; raises ValueError, KeyError or TypeError if it is damaged."""
    return DigitDetector(
        tuple(
            (
                np.array(layer["weights"], np.float32).reshape(layer["shape"]),
                np.array(layer["bias"], np.float32),
            )
            for layer in layers
        )
    )


def train_detector(
    images: NDArray[np.uint8], labels: NDArray[np.integer], is_digit: NDArray[np.bool_], seed: int
) -> DigitDetector:
    """Train a detector on images [N, 28, 28] that a model predicts as `labels` [N].

    Of each image only the output of its label is trained, towards `is_digit` [N].
    """
    import torch
    from torch.nn.functional import binary_cross_entropy_with_logits

    seen, outputs = torch.from_numpy(images).unsqueeze(1), torch.from_numpy(labels.astype(np.int64))
    goals = torch.from_numpy(is_digit.astype(np.float32))
    size = min(BATCH_SIZE, len(images))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = _network()
        optimizer = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=0.01)
        steps = EPOCHS * (len(images) // size)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, steps, pct_start=0.2)
        for step in range(steps):
            place = step % (len(images) // size)
            if place == 0:
                order = torch.randperm(len(images))
            batch = order[place * size : (place + 1) * size]
            odds = network(seen[batch].float() / 255).gather(1, outputs[batch, None])[:, 0]
            optimizer.zero_grad()
            binary_cross_entropy_with_logits(odds, goals[batch]).backward()
            optimizer.step()
            schedule.step()
    return DigitDetector(tuple(_layers(network.eval())))


def _network() -> nn.Sequential:
    import torch
    from torch import nn

    layers: list[nn.Module] = []
    for before, after in zip((1, *CHANNELS), CHANNELS, strict=False):
        convolution = nn.Conv2d(before, after, 3, padding=1, bias=False)
        layers += [convolution, nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2)]
    layers += [nn.Flatten(), nn.Dropout(DROPOUT), nn.Linear(9 * CHANNELS[-1], 10)]
    return nn.Sequential(*layers).to(memory_format=torch.channels_last)


def _layers(network: nn.Sequential) -> Iterator[tuple[Floats, Floats]]:
    """Give the weights and biases of the layers, each batch normalization merged into its convolution."""
    from torch import nn

    modules = list(network)
    for module, following in pairwise([*modules, None]):
        if isinstance(module, nn.Conv2d) and isinstance(following, nn.BatchNorm2d):
            yield _merged(module.weight, following)
        elif isinstance(module, nn.Linear):
            yield module.weight.detach().numpy().copy(), module.bias.detach().numpy().copy()


def _merged(weights: Tensor, normalization: nn.BatchNorm2d) -> tuple[Floats, Floats]:
    """Return the weights and bias of a convolution that normalizes too, by the normalization's statistics."""
    mean, variance = (normalization.get_buffer(name) for name in ("running_mean", "running_var"))
    scale = normalization.weight / (variance + normalization.eps).sqrt()
    merged, bias = weights * scale[:, None, None, None], normalization.bias - mean * scale
    return merged.detach().contiguous().numpy().copy(), bias.detach().numpy().copy()
