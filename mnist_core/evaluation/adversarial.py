"""Images changed by a little so that a model errs, with the help of the model's own gradient.

Every pixel moves by `reach` of its 255 values at most (the bound in L-infinity), stays within 0..255 and is a
whole number, so each result could be a file. FGSM: I. Goodfellow, J. Shlens and C. Szegedy, "Explaining and
Harnessing Adversarial Examples" (ICLR 2015). PGD: A. Madry et al., "Towards Deep Learning Models Resistant to
Adversarial Attacks" (ICLR 2018).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mnist_core.evaluation.corruptions import PIXEL_VALUES
from mnist_core.messages import N_

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from mnist_core.models.modules import DigitClassifier

PGD_STEPS = 10
PGD_STEP = (
    2.5 / PGD_STEPS
)  # of the reach, as Madry et al. have it: from anywhere in the box one can get anywhere


@dataclass(frozen=True)
class Attack:
    """One way to attack a model; its `strengths` are how far a pixel may move, 0 to 255, the first none (0).

    `apply(model, images, labels, reach, generator)` takes uint8 images [N, 28, 28], labels int64 [N] and a
    reach above 0, and returns uint8 images. `cost` is how long that takes, and reading the result, as against
    only reading an image.
    """

    label: str
    description: str
    unit: str
    strengths: tuple[float, ...]
    apply: Callable[[DigitClassifier, Tensor, Tensor, float, torch.Generator], Tensor]
    cost: int


def attack(
    model: DigitClassifier,
    images: Tensor,
    labels: Tensor,
    name: str,
    reach: float,
    generator: torch.Generator,
) -> Tensor:
    """Attack `model` in evaluation mode by ATTACKS[name]; returns uint8 [N, 28, 28] on the CPU.

    `images` are uint8 [N, 28, 28], `labels` int64 [N]. A reach of 0 returns the images themselves. Draws come
    from `generator` (on the CPU). The model keeps its mode and gets no gradients.
    """
    if not reach:
        return images
    was_training = model.training
    device = next(model.parameters()).device
    model.eval()
    try:
        return ATTACKS[name].apply(model, images.to(device), labels.to(device), reach, generator).cpu()
    finally:
        model.train(was_training)


def _fgsm(
    model: DigitClassifier, images: Tensor, labels: Tensor, reach: float, generator: torch.Generator
) -> Tensor:
    """Move each pixel by `reach` in the direction that raises the loss."""
    import torch

    pixels = images.float()
    ascent, _right = _ascent(model, pixels, labels)
    return _to_whole(pixels + reach * ascent, *_box(images, reach)).to(torch.uint8)


def _pgd(
    model: DigitClassifier, images: Tensor, labels: Tensor, reach: float, generator: torch.Generator
) -> Tensor:
    """From anywhere within reach, PGD_STEPS such steps of PGD_STEP * reach, each brought back within it.

    An image that the model errs on is left as it is: more steps can't make the attack succeed any more, and
    most images need few. So that it is the image to be read, values are whole after each step.
    """
    import torch

    lowest, highest = _box(images, reach)
    start = (torch.rand(images.shape, generator=generator) * 2 - 1).to(images.device) * reach
    pixels = _to_whole(images + start, lowest, highest)
    left = torch.arange(len(images), device=images.device)
    for _ in range(PGD_STEPS):
        ascent, right = _ascent(model, pixels[left], labels[left])
        left, ascent = left[right], ascent[right]
        if not len(left):
            break
        step = max(1.0, PGD_STEP * reach) * ascent
        pixels[left] = _to_whole(pixels[left] + step, lowest[left], highest[left])
    return pixels.to(torch.uint8)


def _ascent(model: DigitClassifier, pixels: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """The sign (-1, 0 or 1) of the cross-entropy's gradient at float `pixels` [N, 28, 28], 0..255.

    With it comes which of these images are read right, bool [N].
    """
    import torch
    import torch.nn.functional as F

    with torch.enable_grad():
        inputs = pixels.detach().requires_grad_()
        logits = model(inputs)
        loss = F.cross_entropy(logits, labels, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, inputs)
    return gradient.sign(), logits.argmax(1) == labels


def _box(images: Tensor, reach: float) -> tuple[Tensor, Tensor]:
    """Return the least and the largest whole value that each pixel may take, as floats."""
    return (images - float(reach)).clamp(min=0).ceil(), (images + float(reach)).clamp(max=255).floor()


def _to_whole(pixels: Tensor, lowest: Tensor, highest: Tensor) -> Tensor:
    """Round to whole values within bounds."""
    return pixels.round().clamp(lowest, highest)


ATTACKS: dict[str, Attack] = {
    "fgsm": Attack(
        N_("FGSM attack, one step"),
        N_("Each pixel is changed by this much in the direction that raises this model's loss."),
        PIXEL_VALUES,
        (0, 8, 16, 24, 48, 76),
        _fgsm,
        cost=3,
    ),
    "pgd": Attack(
        N_("PGD attack, ten steps"),
        N_(
            "Each pixel is changed by at most this much: ten steps from a random start, or until "
            "the prediction is wrong."
        ),
        PIXEL_VALUES,
        (0, 8, 16, 24, 48, 76),
        _pgd,
        cost=16,
    ),
}
