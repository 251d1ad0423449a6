"""Attribution and activations: saliency of pixels, outputs of the layers, weights of the first layer.

Both attributions are written here in plain torch: captum's import brings matplotlib with it, and each method
is a few lines.

Models must be in evaluation mode and aren't changed, so several threads may share one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mnist_core.messages import N_, InputError, Message

if TYPE_CHECKING:
    import torch
    from torch import nn

    from mnist_core.models.modules import DigitClassifier

SIDE = 28  # pixels of an image
WINDOW = 5  # pixels a side of the square that occlusion hides: a little more than a stroke is wide
FEWEST_STEPS, MOST_STEPS = 32, 1024  # images on the straight line from paper to the image
COMPLETE_TO = 0.005  # largest error of the attributions' sum, as a share of what it should be
BATCH = 20  # images, so that memory stays small: the gradients of a large network take 3 MB each

Floats = NDArray[np.float32]
Indices = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class LayerActivation:
    """One layer's output for one image: float32 maps [C, H, W], or units [F].

    `kind` is image, convolution, residual, average, flatten, linear or output, and `title` says the layer in
    words, both as describe_layers has them. `inner` are the outputs of a residual block's convolutions, each
    after its norm and activation; the last one's before the skip connection is added.
    """

    kind: str
    title: Message
    values: Floats
    inner: tuple[LayerActivation, ...] = ()


def integrated_gradients(
    model: DigitClassifier,
    image: NDArray[np.uint8],
    target: int,
    against: int | None = None,
    tolerance: float = COMPLETE_TO,
) -> Floats:
    """Return each pixel's contribution to the output for digit `target`, relative to paper; float32 [28, 28].

    The pixel times the mean gradient on the straight line from an empty image to `image` (uint8 [28, 28]), by
    the midpoint rule. The sum is the output for `image` less that for an empty one, up to the share
    `tolerance`: the steps are doubled until it is, or MOST_STEPS are reached. With a digit `against`, all of
    this is about the output for `target` less that for `against`, and the share is of both outputs' changes
    together, as their difference may be near 0. Sundararajan, Taly and Yan, "Axiomatic Attribution for Deep
    Networks" (ICML 2017). Raises InputError for a target that is no digit.
    """
    weights = _output_weights(model, target, against)
    pixels = _pixels(model, image)
    differences = _differences(model, pixels) * weights
    difference, scale = float(differences.sum()), float(differences.abs().sum())
    steps, missing = FEWEST_STEPS, np.inf
    while abs(missing) > tolerance * scale and steps <= MOST_STEPS:
        found = pixels * _mean_gradient(model, pixels, weights, steps)
        missing = float(found.sum()) - difference
        steps *= 2
    return _array(found[0])


def _output_weights(model: DigitClassifier, target: int, against: int | None) -> torch.Tensor:
    """Return what the outputs [classes] are multiplied by: 1 for `target`, -1 for `against`, else 0."""
    import torch

    weights = torch.zeros(model.outputs)
    for digit, weight in ((target, 1.0), (against, -1.0)):
        if digit is not None:
            check_class(digit, model)
            weights[digit] = weight
    return weights.to(next(model.parameters()).device)


def _mean_gradient(
    model: DigitClassifier, pixels: torch.Tensor, weights: torch.Tensor, steps: int
) -> torch.Tensor:
    """Return the weighted outputs' mean gradient [28, 28] at the middles of `steps` parts of the line."""
    import torch

    total = torch.zeros_like(pixels[0])
    middles = (torch.arange(steps, device=pixels.device) + 0.5) / steps
    for part in middles.split(BATCH):
        images = (part[:, None, None] * pixels).requires_grad_()
        (gradients,) = torch.autograd.grad((model(images).float() @ weights).sum(), images)
        total += gradients.sum(0)
    return total / steps


def occlusion(model: DigitClassifier, image: NDArray[np.uint8], target: int, window: int = WINDOW) -> Floats:
    """Return how much the output for digit `target` falls if a square of paper covers a pixel: [28, 28].

    Float32; each pixel has the mean over all squares of `window` pixels a side, 1 to 28, that hide it.
    `image` is uint8 [28, 28]. Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks" (ECCV
    2014). Raises InputError for a target that is no digit, or a window that doesn't fit.
    """
    import torch

    check_class(target, model)
    if not 1 <= window <= SIDE:
        raise InputError(N_("The square must be 1 to 28 pixels a side, not {window}."), window=window)
    pixels = _pixels(model, image)
    squares = _squares(window, pixels.device)
    total = torch.zeros_like(pixels[0])
    with torch.no_grad():
        output = model(pixels).float()[0, target]
        for part in squares.split(BATCH):
            falls = output - model(pixels * ~part).float()[:, target]
            total += (falls[:, None, None] * part).sum(0)
    return _array(total / squares.sum(0))


def _squares(window: int, device: torch.device) -> torch.Tensor:
    """Return the masks of all squares of `window` pixels per side within an image: bool [squares, 28, 28]."""
    import torch

    first = torch.arange(SIDE - window + 1, device=device)[:, None]
    places = torch.arange(SIDE, device=device)
    lines = (first <= places) & (places < first + window)  # [28 - window + 1, 28]
    return (lines[:, None, :, None] & lines[None, :, None, :]).flatten(0, 1)


def activations(model: DigitClassifier, image: NDArray[np.uint8]) -> list[LayerActivation]:
    """Return each layer's output for `image`, uint8 [28, 28], after its activation and pooling.

    The first is the image as it is scaled, the last the outputs; the layers are describe_layers' own.
    """
    import torch

    from mnist_core.models.summary import group_layers, layer_kind, layer_title, output_title

    with torch.no_grad():
        features = model.scaling(_pixels(model, image))
        found = [LayerActivation("image", Message(N_("Image")), _array(features[0]))]
        for group in group_layers(model):
            inner = _inner_activations(group[0], features)
            for module in group:
                features = module(features)
            title = layer_title(group[0], tuple(features.shape[1:]))
            found.append(LayerActivation(layer_kind(group[0]), title, _array(features[0]), inner))
    values = found[-1].values
    return [*found[:-1], LayerActivation("output", output_title(len(values)), values)]


def _inner_activations(module: nn.Module, features: torch.Tensor) -> tuple[LayerActivation, ...]:
    """Return the outputs of a residual block's two convolutions for its input; none for other modules."""
    from torch import nn

    from mnist_core.models.modules import ResidualBlock

    if not isinstance(module, ResidualBlock):
        return ()
    outputs: list[Floats] = []
    for part in module.main.children():
        features = part(features)
        if not isinstance(part, nn.Conv2d):
            outputs.pop()  # a norm or an activation belongs to the convolution before it
        outputs.append(_array(features[0]))
    titles = N_("First convolution of the block"), N_("Second convolution, before the skip is added")
    return tuple(
        LayerActivation("convolution", Message(title), values)
        for title, values in zip(titles, outputs, strict=True)
    )


def _pixels(model: DigitClassifier, image: NDArray[np.uint8]) -> torch.Tensor:
    import torch

    return torch.from_numpy(image[None].astype(np.float32)).to(next(model.parameters()).device)


def _differences(model: DigitClassifier, pixels: torch.Tensor) -> torch.Tensor:
    """Return the outputs [classes] for `pixels` less those for paper."""
    import torch

    with torch.no_grad():
        outputs = model(torch.cat([pixels, torch.zeros_like(pixels)])).float()
    differences: torch.Tensor = outputs[0] - outputs[1]
    return differences


def _array(values: torch.Tensor) -> Floats:
    found: Floats = values.detach().float().cpu().numpy()
    return found


def check_class(target: int, model: DigitClassifier) -> None:
    """Raise InputError if `target` is no class of the model: 0 to 9 for digits."""
    if not 0 <= target < model.outputs:
        raise InputError(
            N_("A class of this network is 0 to {last}, not {target}."),
            last=model.outputs - 1,
            target=target,
        )


def first_layer_weights(model: DigitClassifier) -> NDArray[np.float32]:
    """Return the weights of the first layer that has some, one image per unit: float32 [units, H, W].

    A fully connected layer has a weight for each of 28 x 28 pixels, a convolution for those of its kernel.
    Units are counted before an activation such as maxout combines several.
    """
    from torch import nn

    layer = next(module for module in model.network.modules() if isinstance(module, nn.Conv2d | nn.Linear))
    weights = layer.weight.detach().float().cpu().numpy()
    if isinstance(layer, nn.Conv2d):
        found: NDArray[np.float32] = weights[:, 0]
    else:
        found = weights.reshape(-1, SIDE, SIDE)
    return found.copy()
