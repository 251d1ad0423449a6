"""Parts of a data set for training, validation and test: drawn from each class, or by writer."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnist_core.messages import N_, InputError
from mnist_core.own_data.own_images import OwnImages, check_classes

VALIDATION_SHARE = TEST_SHARE = 0.15
MOST_SHARE = 0.3  # each of validation and test, so that even a class of three leaves an image to train on
FEWEST_WRITERS = 3
DRAWS = 50  # of writers at most, until every part has all classes; else the draw with the most is taken
Indices = NDArray[np.int64]


class Parts(NamedTuple):
    """Numbers of images, from 0, int64 [n] each in random order; every image is in one part."""

    train: Indices
    validation: Indices
    test: Indices


def draw_parts(
    own: OwnImages,
    seed: int = 0,
    by_writer: bool = False,
    validation: float = VALIDATION_SHARE,
    test: float = TEST_SHARE,
) -> Parts:
    """Divide images into parts of about these shares, the same ones for the same seed.

    Each class has its share in each part, and at least one image. By writer, no writer is in two parts, and
    shares are of writers. Raises InputError for classes that are too small, fewer than three writers, or
    writers who can't be divided so that training has all classes.
    """
    if not 0 < min(validation, test) <= max(validation, test) <= MOST_SHARE:
        words = N_("Validation and test can each have up to {most:.0%} of the images, not {given:.0%}.")
        raise InputError(words, most=MOST_SHARE, given=max(validation, test))
    check_classes(own)
    if by_writer:
        return _by_writer(own, seed, validation, test)
    random = np.random.default_rng(seed)
    parts: list[list[Indices]] = [[], [], []]
    for label in range(len(own.classes)):
        # scikit-learn's stratified draw gives a class of few images none in a small part
        images = random.permutation(np.flatnonzero(own.labels == label))
        ends = np.cumsum([max(1, round(share * len(images))) for share in (validation, test)])
        for part, chosen in zip(parts, np.split(images, ends), strict=True):
            part.append(chosen)
    held_out, tested, learned = (random.permutation(np.concatenate(part)) for part in parts)
    return Parts(learned, held_out, tested)


def _by_writer(own: OwnImages, seed: int, validation: float, test: float) -> Parts:
    writers = own.writers
    count = 0 if writers is None else len(np.unique(writers))
    if writers is None or count < FEWEST_WRITERS:
        raise InputError(
            N_("There are {count} writers; a division by writer needs {least} or more."),
            count=count,
            least=FEWEST_WRITERS,
        )
    best, most = None, (0, 0)
    for number in range(DRAWS):
        parts = _draw(writers, seed + DRAWS * number, validation, test)
        covered = [len(np.unique(own.labels[part])) for part in parts]
        if (covered[0], sum(covered)) > most:
            best, most = parts, (covered[0], sum(covered))
        if min(covered) == len(own.classes):
            break
    if best is None or most[0] < len(own.classes):
        raise InputError(
            N_("However the writers are divided, a class is missing from training; divide without writers.")
        )
    return best


def _draw(writers: NDArray[np.int64], seed: int, validation: float, test: float) -> Parts:
    from sklearn.model_selection import GroupShuffleSplit  # slow to import

    everyone = np.arange(len(writers))
    count = len(np.unique(writers))
    tested = max(1, round(test * count))
    held_out = max(1, round(validation * count))
    others, in_test = next(
        GroupShuffleSplit(1, test_size=tested, random_state=seed).split(everyone, groups=writers)
    )
    draw = GroupShuffleSplit(1, test_size=held_out, random_state=seed).split(others, groups=writers[others])
    learned, in_validation = (others[part] for part in next(draw))
    random = np.random.default_rng(seed)
    return Parts(*(random.permutation(part) for part in (learned, in_validation, in_test)))
