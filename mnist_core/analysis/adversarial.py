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

from mnist_core.analysis.corruptions import PIXEL_VALUES
from mnist_core.messages import N_

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from mnist_core.model import DigitClassifier

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
    pixels = images.float()
    return _to_pixels(pixels + reach * _ascent(model, pixels, labels), images, reach)


def _pgd(
    model: DigitClassifier, images: Tensor, labels: Tensor, reach: float, generator: torch.Generator
) -> Tensor:
    """From anywhere within reach, PGD_STEPS such steps of PGD_STEP * reach, each brought back within it."""
    import torch

    lowest, highest = _box(images, reach)
    start = (torch.rand(images.shape, generator=generator) * 2 - 1).to(images.device) * reach
    pixels = (images + start).clamp(lowest, highest)
    for _ in range(PGD_STEPS):
        step = PGD_STEP * reach * _ascent(model, pixels, labels)
        pixels = (pixels + step).clamp(lowest, highest)
    return _to_pixels(pixels, images, reach)


def _ascent(model: DigitClassifier, pixels: Tensor, labels: Tensor) -> Tensor:
    """-1, 0 or 1: the sign of the cross-entropy's gradient at each of float `pixels` [N, 28, 28], 0..255."""
    import torch
    import torch.nn.functional as F

    with torch.enable_grad():
        inputs = pixels.detach().requires_grad_()
        loss = F.cross_entropy(model(inputs), labels, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, inputs)
    return gradient.sign()


def _box(images: Tensor, reach: float) -> tuple[Tensor, Tensor]:
    """Return the least and the largest value that each pixel may take."""
    return (images - float(reach)).clamp(min=0), (images + float(reach)).clamp(max=255)


def _to_pixels(pixels: Tensor, images: Tensor, reach: float) -> Tensor:
    """Round to whole values, uint8, within reach of the images."""
    import torch

    lowest, highest = _box(images, reach)
    return pixels.round().clamp(lowest.ceil(), highest.floor()).to(torch.uint8)


ATTACKS: dict[str, Attack] = {
    "fgsm": Attack(
        N_("Adversarial step (FGSM)"),
        N_("Each pixel moved so far in the direction that raises this model's loss."),
        PIXEL_VALUES,
        (0, 8, 16, 24, 48, 76),
        _fgsm,
        cost=3,
    ),
    "pgd": Attack(
        N_("Adversarial steps (PGD)"),
        N_("Each pixel moved at most so far, in ten steps from a random start, to raise this model's loss."),
        PIXEL_VALUES,
        (0, 8, 16, 24, 48, 76),
        _pgd,
        cost=16,
    ),
}
