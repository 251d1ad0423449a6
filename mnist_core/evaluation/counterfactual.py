"""Counterfactual images: the fewest pixels to add or remove so that a model reads another digit.

S. Wachter, B. Mittelstadt and C. Russell, "Counterfactual Explanations without Opening the Black Box"
(Harvard Journal of Law & Technology 2018). Pixels are chosen one by one by the gradient, as in N. Papernot et
al., "The Limitations of Deep Learning in Adversarial Settings" (IEEE EuroS&P 2016); then those that are not
needed are restored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mnist_core.evaluation.attribution import check_class

if TYPE_CHECKING:
    import torch

    from mnist_core.models.modules import DigitClassifier

Grey = NDArray[np.uint8]
MOST_PIXELS = 120  # most pixels, of 784, that may change; more would be another picture
CANDIDATES = 12  # pixels tried in each step, as the gradient alone is inexact for such large changes
INK = 255


@dataclass(frozen=True, eq=False)
class Counterfactual:
    """An image uint8 [28, 28] that is read as another digit, and what was changed in the original for it."""

    original: Grey
    image: Grey

    @property
    def added(self) -> NDArray[np.bool_]:
        """Where ink was added: bool [28, 28]."""
        return self.image > self.original

    @property
    def removed(self) -> NDArray[np.bool_]:
        """Where ink was removed: bool [28, 28]."""
        return self.image < self.original


def smallest_change(
    model: DigitClassifier,
    image: Grey,
    target: int,
    reads: Callable[[Grey], NDArray[np.int64]],
    watch: Callable[[float], None] = lambda share: None,
) -> Counterfactual | None:
    """Return `image`, uint8 [28, 28], with few pixels set to ink or paper so that it is read as `target`.

    `reads` returns the digits, int64 [N], that are read in images, uint8 [N, 28, 28]: it decides when the
    answer has changed; `model` gives the gradients. `watch` is told after each pixel what share of
    MOST_PIXELS has been changed. The search is greedy, so that fewer pixels may do. None if MOST_PIXELS are
    not enough. Raises InputError for a target that is no digit.
    """
    check_class(target, model)
    changed = image.copy()
    order: list[tuple[int, int]] = []
    while reads(changed[None])[0] != target:
        if len(order) == MOST_PIXELS:
            return None
        place, value = _best_pixel(model, changed, target, order)
        changed[place] = value
        order.append(place)
        watch(len(order) / MOST_PIXELS)
    return Counterfactual(image, _without_needless(image, changed, target, order, reads))


def _best_pixel(
    model: DigitClassifier, image: Grey, target: int, done: list[tuple[int, int]]
) -> tuple[tuple[int, int], int]:
    """Return the place and new value, 0 or 255, of the pixel whose change brings `target` most."""
    import torch

    pixels = torch.from_numpy(image[None].astype(np.float32)).to(next(model.parameters()).device)
    gradient = _margin_gradient(model, pixels, target)[0].cpu().numpy()
    values = np.where(gradient > 0, INK, 0)
    gains = gradient * (values - image.astype(np.float32))
    gains[tuple(np.array(done).T) if done else ([], [])] = -np.inf
    best = np.argsort(-gains, axis=None)[:CANDIDATES]
    rows, columns = np.unravel_index(best, image.shape)
    tried = np.repeat(image[None], len(best), 0)
    tried[np.arange(len(best)), rows, columns] = values[rows, columns]
    with torch.no_grad():
        margins = _margins(model(torch.from_numpy(tried).to(pixels.device)), target)
    chosen = int(margins.argmax())
    place = int(rows[chosen]), int(columns[chosen])
    return place, int(values[place])


def _margin_gradient(model: DigitClassifier, pixels: torch.Tensor, target: int) -> torch.Tensor:
    import torch

    with torch.enable_grad():
        inputs = pixels.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(_margins(model(inputs), target).sum(), inputs)
    return gradient


def _margins(outputs: torch.Tensor, target: int) -> torch.Tensor:
    """Return the output for `target` less the largest of the others: [N] of [N, classes]."""
    others = outputs.float().clone()
    others[:, target] = -np.inf
    margins: torch.Tensor = outputs.float()[:, target] - others.amax(1)
    return margins


def _without_needless(
    image: Grey,
    changed: Grey,
    target: int,
    places: list[tuple[int, int]],
    reads: Callable[[Grey], NDArray[np.int64]],
) -> Grey:
    """Restore pixels of `image` in the order they were changed, as long as `target` is still read."""
    for place in places:
        without = changed.copy()
        without[place] = image[place]
        if reads(without[None])[0] == target:
            changed = without
    return changed
