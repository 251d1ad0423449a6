"""Perturbations of one drawn digit by a range of amounts: rotation, shift, line width and noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mnist_core.evaluation.corruptions import corrupt
from mnist_core.messages import N_

Grey = NDArray[np.uint8]


@dataclass(frozen=True)
class Perturbation:
    """A perturbation, with amounts from `least` to `most` in steps of `step`; amount 0 changes nothing.

    `apply(image, amount)` takes and returns uint8 [28, 28]; it takes any amount
    between, if `whole` any whole one.
    """

    label: str
    description: str
    unit: str
    least: float
    most: float
    step: float
    apply: Callable[[Grey, float], Grey]
    whole: bool = False

    @property
    def amounts(self) -> NDArray[np.float64]:
        """All amounts from `least` to `most`, [N]."""
        count = round((self.most - self.least) / self.step) + 1
        amounts: NDArray[np.float64] = np.round(np.linspace(self.least, self.most, count), 6)
        return amounts


def perturb(image: Grey, name: str, amounts: NDArray[np.float64]) -> Grey:
    """Perturb `image`, uint8 [28, 28], by amounts [N] as in PERTURBATIONS[name]: uint8 [N, 28, 28]."""
    apply = PERTURBATIONS[name].apply
    return np.stack([apply(image, amount) if amount else image for amount in amounts.tolist()])


def _rotated(image: Grey, degrees: float) -> Grey:
    return np.asarray(Image.fromarray(image).rotate(-degrees, Image.Resampling.BILINEAR))


def _shifted(image: Grey, pixels: float) -> Grey:
    """Shift to the right by `pixels` (below 0: to the left); the uncovered columns are 0."""
    shifted, by = np.zeros_like(image), int(pixels)
    if by > 0:
        shifted[:, by:] = image[:, :-by]
    else:
        shifted[:, :by] = image[:, -by:]
    return shifted


def _thickened(image: Grey, pixels: float) -> Grey:
    return _corrupted(image, "thicker" if pixels > 0 else "thinner", abs(pixels))


def _noised(image: Grey, spread: float) -> Grey:
    return _corrupted(image, "noise", spread)


def _corrupted(image: Grey, name: str, strength: float) -> Grey:
    """Apply CORRUPTIONS[name] as in the robustness test, with the same random draws for every strength."""
    import torch

    images = torch.from_numpy(image[None].copy())
    changed: Grey = corrupt(images, name, strength, torch.Generator().manual_seed(0))[0].numpy()
    return changed


PERTURBATIONS: dict[str, Perturbation] = {
    "turn": Perturbation(
        N_("Rotation"), N_("Above 0 to the right, below 0 to the left."), "°", -90, 90, 5, _rotated
    ),
    "move": Perturbation(
        N_("Shift"),
        N_("Above 0 to the right, below 0 to the left."),
        N_("pixels"),
        -10,
        10,
        1,
        _shifted,
        whole=True,
    ),
    "thicken": Perturbation(
        N_("Line width"),
        N_("Above 0 lines are widened by this much on each side, below 0 narrowed."),
        N_("pixels"),
        -1,
        4,
        0.25,
        _thickened,
    ),
    "noise": Perturbation(
        N_("Noise"),
        N_("Normal noise with this standard deviation, added to each pixel."),
        N_("of 255"),
        0,
        250,
        10,
        _noised,
    ),
}
