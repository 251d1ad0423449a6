"""What the first layer of a network looks for in an image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from mnist_core.model import DigitClassifier

SIDE = 28  # pixels of an image


def first_layer_weights(model: DigitClassifier) -> NDArray[np.float32]:
    """Return the weights of the first layer that has some, as one picture a unit: float32 [units, H, W].

    A fully connected layer weighs all 28 x 28 pixels, a convolution a window of them. Its units are those
    before an activation such as maxout puts several together.
    """
    from torch import nn

    layer = next(module for module in model.network.modules() if isinstance(module, nn.Conv2d | nn.Linear))
    weights = layer.weight.detach().float().cpu().numpy()
    if isinstance(layer, nn.Conv2d):
        found: NDArray[np.float32] = weights[:, 0]
    else:
        found = weights.reshape(-1, SIDE, SIDE)
    return found.copy()
