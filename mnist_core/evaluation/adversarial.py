"""Adversarial attacks on a model by its gradient: FGSM and PGD, bounded in the L-infinity norm.

Every pixel changes by at most `epsilon` (of 255), stays within 0..255 and is rounded to a whole number, so
each result is a valid uint8 image. FGSM: I. Goodfellow, J. Shlens and C. Szegedy, "Explaining and
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
PGD_STEP_SIZE = 2.5 / PGD_STEPS  # times epsilon, as in Madry et al.: enough to cross the whole epsilon box


@dataclass(frozen=True)
class Attack:
    """An attack; its `strengths` are the values of epsilon, 0 to 255, the first 0 (unchanged).

    `apply(model, images, labels, epsilon, generator)` takes uint8 images [N, 28, 28], labels int64 [N] and an
    epsilon above 0, and returns uint8 images. `cost` is the time of the attack and of one inference on its
    result, in multiples of one inference.
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
    epsilon: float,
    generator: torch.Generator,
) -> Tensor:
    """Attack `model` in evaluation mode by ATTACKS[name]; returns uint8 [N, 28, 28] on the CPU.

    `images` are uint8 [N, 28, 28], `labels` int64 [N]. An epsilon of 0 returns `images` unchanged. Random
    numbers come from `generator` (on the CPU). The model's mode and .grad don't change.
    """
    if not epsilon:
        return images
    was_training = model.training
    device = next(model.parameters()).device
    model.eval()
    try:
        return ATTACKS[name].apply(model, images.to(device), labels.to(device), epsilon, generator).cpu()
    finally:
        model.train(was_training)


def _fgsm(
    model: DigitClassifier, images: Tensor, labels: Tensor, epsilon: float, generator: torch.Generator
) -> Tensor:
    """Move each pixel by `epsilon` in the direction that increases the loss."""
    import torch

    pixels = images.float()
    ascent, _right = _gradient_sign(model, pixels, labels)
    return _round_within(pixels + epsilon * ascent, *_epsilon_bounds(images, epsilon)).to(torch.uint8)


def _pgd(
    model: DigitClassifier, images: Tensor, labels: Tensor, epsilon: float, generator: torch.Generator
) -> Tensor:
    """From a random start within epsilon, up to PGD_STEPS steps, each projected back into the epsilon box.

    An image stops at the first step that the model misclassifies; most need few steps. Pixels are rounded
    after each step, so that the model is evaluated on the image that is returned.
    """
    import torch

    lowest, highest = _epsilon_bounds(images, epsilon)
    start = (torch.rand(images.shape, generator=generator) * 2 - 1).to(images.device) * epsilon
    pixels = _round_within(images + start, lowest, highest)
    left = torch.arange(len(images), device=images.device)
    for _ in range(PGD_STEPS):
        ascent, right = _gradient_sign(model, pixels[left], labels[left])
        left, ascent = left[right], ascent[right]
        if not len(left):
            break
        step = max(1.0, PGD_STEP_SIZE * epsilon) * ascent
        pixels[left] = _round_within(pixels[left] + step, lowest[left], highest[left])
    return pixels.to(torch.uint8)


def _gradient_sign(model: DigitClassifier, pixels: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return the sign (-1, 0 or 1) of the cross-entropy's gradient at float `pixels` [N, 28, 28], 0..255.

    The second result is whether each image is classified correctly, bool [N].
    """
    import torch
    import torch.nn.functional as F

    with torch.enable_grad():
        inputs = pixels.detach().requires_grad_()
        logits = model(inputs)
        loss = F.cross_entropy(logits, labels, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, inputs)
    return gradient.sign(), logits.argmax(1) == labels


def _epsilon_bounds(images: Tensor, epsilon: float) -> tuple[Tensor, Tensor]:
    """Return the smallest and largest whole value that each pixel may have, as floats."""
    return (images - float(epsilon)).clamp(min=0).ceil(), (images + float(epsilon)).clamp(max=255).floor()


def _round_within(pixels: Tensor, lowest: Tensor, highest: Tensor) -> Tensor:
    """Round to whole numbers and clip to the bounds."""
    return pixels.round().clamp(lowest, highest)


ATTACKS: dict[str, Attack] = {
    "fgsm": Attack(
        N_("FGSM attack, one step"),
        N_("Each pixel is changed by this much, so that the loss rises."),
        PIXEL_VALUES,
        (0, 8, 16, 24, 48, 76),
        _fgsm,
        cost=3,
    ),
    "pgd": Attack(
        N_("PGD attack, ten steps"),
        N_("Each pixel is changed by at most this much, in up to ten steps from a random start."),
        PIXEL_VALUES,
        (0, 8, 16, 24, 48, 76),
        _pgd,
        cost=16,
    ),
}
