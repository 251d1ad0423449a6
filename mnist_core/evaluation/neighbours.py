"""Nearest training images of an image, by the Euclidean distance of the last layer's inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mnist_core.evaluation.attribution import BATCH, Floats, Indices

if TYPE_CHECKING:
    from torch import nn

    from mnist_core.models.modules import DigitClassifier


def hidden_features(model: DigitClassifier, images: NDArray[np.uint8]) -> Floats:
    """Return the last linear layer's inputs for `images` uint8 [N, 28, 28]: float32 [N, F].

    They are the last hidden layer's outputs; without a hidden layer, the scaled pixels.
    """
    import torch

    body = _body(model)
    device = next(model.parameters()).device
    found: Floats = np.empty((len(images), _last_linear(model).in_features), np.float32)
    with torch.inference_mode():
        for start in range(0, len(images), BATCH):
            batch = torch.from_numpy(np.array(images[start : start + BATCH])).to(device)
            found[start : start + BATCH] = body(batch).float().cpu().numpy()
    return found


def nearest(features: Floats, feature: Floats, count: int) -> tuple[Indices, Floats]:
    """Return indices and distances of the `count` rows of `features` [N, F] nearest to `feature` [F].

    Distances are Euclidean, in ascending order; ties keep the order of rows.
    """
    distances = np.empty(len(features), np.float32)
    for start in range(0, len(features), 500):  # the difference of all rows at once would double the memory
        part = slice(start, start + 500)
        distances[part] = np.sqrt(((features[part] - feature) ** 2).sum(1))
    order = np.argsort(distances, kind="stable")[:count]
    return order, distances[order]


def nearest_images(
    model: DigitClassifier, image: NDArray[np.uint8], images: NDArray[np.uint8], count: int
) -> tuple[Indices, Floats]:
    """Return indices and distances of the `count` of `images`, uint8 [N, 28, 28], nearest to `image`.

    Distances are between `hidden_features`, in ascending order.
    """
    return nearest(hidden_features(model, images), hidden_features(model, image[None])[0], count)


def _body(model: DigitClassifier) -> nn.Module:
    """Return the model's layers before its last linear layer.

    Several threads may share a model, so no hook is used: they would see each other's images.
    """
    from torch import nn

    modules = list(model.network)
    return nn.Sequential(model.scaling, *modules[: modules.index(_last_linear(model))])


def _last_linear(model: DigitClassifier) -> nn.Linear:
    from torch import nn

    return [module for module in model.network if isinstance(module, nn.Linear)][-1]
