"""Repairs of images and labels that were stored unlike MNIST's: transposed, inverted, shifted."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mnist_core.messages import N_, InputError
from mnist_core.own_data.own_images import OwnImages, checked_class_name

INK = 255
BORDER_OF_INK = 128  # a mean grey of the outermost pixels from which on images look inverted


@dataclass(frozen=True)
class Mends:
    """Which mends to make, in this order.

    `transpose` exchanges rows and columns, as EMNIST's files need; `turns` are quarter turns to the right, 0
    to 3; `invert` exchanges paper and ink; `shift` is added to labels (see `shifted_labels`); `classes`, if
    not empty, are new names of all classes.
    """

    transpose: bool = False
    turns: int = 0
    invert: bool = False
    shift: int = 0
    classes: tuple[str, ...] = ()

    def apply(self, own: OwnImages) -> OwnImages:
        """Return the mended images; InputError for names of classes that don't fit."""
        images = mended_images(own.images, self)
        shifted = shifted_labels(replace(own, images=images), self.shift)
        return renamed_classes(shifted, self.classes) if self.classes else shifted


def mended_images(images: NDArray[np.uint8], mends: Mends) -> NDArray[np.uint8]:
    """Return images uint8 [N, 28, 28] transposed, turned and inverted; the given ones stay as they are."""
    if mends.transpose:
        images = images.transpose(0, 2, 1)
    if mends.turns % 4:
        images = np.rot90(images, -mends.turns, (1, 2))
    return np.ascontiguousarray(INK - images if mends.invert else images)


def shifted_labels(own: OwnImages, shift: int) -> OwnImages:
    """Add `shift` to labels that are numbers; words are exchanged for the next in order.

    Numbers that begin at 0, and words, go round: below the first comes the last. Other numbers are only
    renamed, so that 1 to 26 shifted by -1 are 0 to 25. Raises InputError for a shift below 0 that way.
    """
    count = len(own.classes)
    if not shift or not count:
        return own
    numbers = [int(name) for name in own.classes if name.isdecimal()]
    if len(numbers) < count or min(numbers) == 0:
        return replace(own, labels=(own.labels + shift) % count)
    if min(numbers) + shift < 0:
        raise InputError(
            N_("The labels begin at {first}; they can't be lowered by more."), first=min(numbers)
        )
    return replace(own, classes=tuple(str(number + shift) for number in numbers))


def renamed_classes(own: OwnImages, names: tuple[str, ...]) -> OwnImages:
    """Return images with new names of their classes; InputError unless each has one, all different."""
    cleaned = tuple(checked_class_name(name, f"{number}") for number, name in enumerate(names, 1))
    if len(cleaned) != len(own.classes):
        raise InputError(
            N_(
                "Number of classes: {count}. Names given: {given}. Give each class one name, with commas "
                "between."
            ),
            count=len(own.classes),
            given=len(cleaned),
        )
    if len(set(cleaned)) < len(cleaned) or not all(cleaned):
        raise InputError(N_("Two classes have the same name, or one has none; give each its own."))
    return replace(own, classes=cleaned)


def look_inverted(images: NDArray[np.uint8]) -> bool:
    """Whether the outermost pixels of most images are ink: MNIST has its ink in the middle, on paper."""
    frame = np.ones(images.shape[1:], bool)
    frame[1:-1, 1:-1] = False
    return bool(np.median(images[:, frame].mean(axis=1)) >= BORDER_OF_INK) if len(images) else False
