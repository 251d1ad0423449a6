"""Images that somebody brings, with labels, names of classes and writers; and the checks they must pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from unicodedata import normalize

import numpy as np
from numpy.typing import NDArray

from mnist_core.data.mnist_format import IMAGE_SIZE
from mnist_core.messages import N_, InputError, Message
from mnist_core.runtime.limits import SET_IMAGES

FEWEST_CLASSES, MOST_CLASSES = 2, 62  # 62: all digits and letters of both cases
FEWEST_OF_A_CLASS = 3  # images: one each for training, validation and test
LONGEST_CLASS_NAME = 40  # characters
EMOJI_JOINER = "\N{ZERO WIDTH JOINER}"  # makes one emoji of several
NOT_IN_NAMES = '<>{}&"`'  # characters of markup and templates
CLASS_LIST = "classes.txt"  # a file with the names of classes, one a line, in the order of their numbers
PARTS = ("train", "training", "val", "valid", "validation", "test", "testing", "t10k", "further")


@dataclass(frozen=True, eq=False)
class OwnImages:
    """Images uint8 [N, 28, 28], 0 paper to 255 ink, and the class of each: labels int64 [N], from 0.

    `classes` are the names, one for each label. `writers` int64 [N] number who wrote each image, None where
    nothing says so. `columns` are the names of a table's columns, one of which holds the labels. `notes` say
    what was left out or decided while reading.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    writers: NDArray[np.int64] | None = None
    columns: tuple[str, ...] = ()
    notes: tuple[Message, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def counts(self) -> NDArray[np.int64]:
        """The number of images of each class, int64 [classes]."""
        return np.bincount(self.labels, minlength=len(self.classes))

    def samples(self, count: int, seed: int = 0) -> NDArray[np.int64]:
        """Draw up to `count` images, of as many classes as possible: their numbers, int64, class by class."""
        order = np.random.default_rng(seed).permutation(len(self))
        first = np.unique(self.labels[order], return_index=True)[1]
        first.sort()  # in the order of the draw, not of the classes
        others = np.setdiff1d(np.arange(len(order)), first)
        chosen = order[np.concatenate([first, others])[:count]]
        by_class: NDArray[np.int64] = chosen[np.argsort(self.labels[chosen], kind="stable")]
        return by_class


def named(
    images: NDArray[np.uint8],
    labels: Sequence[str],
    place: Callable[[int], str],
    writers: Sequence[str] | None = None,
    columns: Sequence[str] = (),
    notes: Sequence[Message] = (),
) -> OwnImages:
    """Return images with the classes that their labels name: whole numbers in order, then words.

    `place(n)` says where the label of image n stands, for the InputError of an empty label, a fraction, a
    name of over 40 characters, or a word of several letters among numbers.
    """
    distinct, indices = _numbered(labels)
    first = {text: n for n, text in reversed(list(enumerate(labels)))}
    names = [_class_name(text, place(first[text])) for text in distinct]
    _check_mixture(names, lambda n: place(first[distinct[n]]))
    classes = sorted(set(names), key=_class_order)
    places = {name: number for number, name in enumerate(classes)}
    numbers = np.array([places[name] for name in names], np.int64)
    notes = list(notes)
    if classes and not any(name.isdecimal() or len(name) == 1 for name in classes):
        shown = ", ".join(classes[:MOST_CLASSES])
        words = N_("The labels are words, which are now the names of {count} classes: {names}.")
        notes.append(Message(words, {"count": len(classes), "names": shown}))
    who = None if writers is None else _numbered(writers)[1]
    return OwnImages(images, numbers[indices], tuple(classes), who, tuple(columns), tuple(notes))


def _numbered(texts: Sequence[str]) -> tuple[list[str], NDArray[np.int64]]:
    """Return the different texts in order, and the place of each text in them.

    An array of texts would take the length of the longest for each.
    """
    distinct = sorted(set(texts))
    places = {text: place for place, text in enumerate(distinct)}
    return distinct, np.array([places[text] for text in texts], np.int64)


def in_listed_classes(own: OwnImages, names: Sequence[str], numbered: bool, file: str) -> OwnImages:
    """Return images whose classes are those of the list `names` that have images, in its order.

    Labels that are `numbered` are places in the list, from 0; others too, unless each is a name in the list.
    Raises InputError for a label that is not in the list, which is read from `file`.
    """
    names = [checked_class_name(name, file) for name in names]
    if not numbered and set(own.classes) <= set(names):
        places = [names.index(name) for name in own.classes]
    else:
        places = [int(name) if name.isdecimal() else len(names) for name in own.classes]
    if wrong := next((name for name, n in zip(own.classes, places, strict=True) if n >= len(names)), ""):
        raise InputError(
            N_(
                "{file} has {count:,} names of classes, and the label {label} is none of them; correct or "
                "remove it."
            ),
            file=file,
            count=len(names),
            label=wrong,
        )
    if len(set(names)) < len(names) or not all(names):
        raise InputError(N_("Two classes have the same name, or one has none; give each its own."))
    used = sorted(places)
    labels = np.array([used.index(place) for place in places], np.int64)[own.labels]
    return replace(own, labels=labels, classes=tuple(names[place] for place in used))


def part_order(name: str) -> tuple[int, str]:
    """Return the place of a file in the order of PARTS, by the beginning of its name; others come last."""
    small = name.rpartition("/")[2].lower()
    return next((n for n, part in enumerate(PARTS) if small.startswith(part)), len(PARTS)), name


def _class_name(text: str, place: str) -> str:
    """Return a label as the name of a class: `7` for `7`, `07` and `7.0`."""
    name = checked_class_name(text, place)
    if not name:
        raise InputError(N_("{place} has no label; write the class of its image there."), place=place)
    try:
        number = float(name) if name[0] in "+-.0123456789" else None
    except ValueError:
        return name
    if number is None:
        return name
    if number != number // 1 or not 0 <= number < 1e9:
        raise InputError(
            N_("{place} has the label {label}; a label is a whole number from 0 or a word."),
            place=place,
            label=name,
        )
    return str(int(number))


def checked_class_name(text: str, place: str) -> str:
    """Return the name of a class in one line, in Unicode's composed form.

    Raises InputError if it has over 40 characters, or such of markup.
    """
    shown = (c if c.isprintable() or c == EMOJI_JOINER else " " for c in normalize("NFC", text))
    name = " ".join("".join(shown).split()).strip(EMOJI_JOINER)
    if len(name) > LONGEST_CLASS_NAME:
        raise InputError(
            N_("{place} has a label of {count} characters; a name of a class has at most {most}."),
            place=place,
            count=len(name),
            most=LONGEST_CLASS_NAME,
        )
    if wrong := next((c for c in name if c in NOT_IN_NAMES), ""):
        raise InputError(
            N_("{place} has the label {label}; a name of a class can't have the character {wrong}."),
            place=place,
            label=name,
            wrong=wrong,
        )
    return name


def _check_mixture(names: Sequence[str], place: Callable[[int], str]) -> None:
    """Raise InputError for words of several letters among numbers; sets of digits and letters have none."""
    if not any(name.isdecimal() for name in names):
        return
    for number, name in enumerate(names):
        if not name.isdecimal() and len(name) > 1:
            raise InputError(
                N_("{place} has the label {label!r}, and other labels are numbers; use one kind only."),
                place=place(number),
                label=name,
            )


def _class_order(name: str) -> tuple[bool, int, str]:
    return (False, int(name), "") if name.isascii() and name.isdecimal() else (True, 0, name)


def as_images(values: NDArray[np.generic], file: str) -> NDArray[np.uint8]:
    """Return pixels as uint8 [N, 28, 28]: [N, 28, 28], [N, 28, 28, 1], [N, 1, 28, 28] or [N, 784] of numbers.

    They go from 0 (paper) to 255 (ink), or, where none is above 1, to 1. Raises InputError for another shape,
    another type, or a value out of this range; it names the image, counted from 1.
    """
    shape = tuple(side for side in values.shape[1:] if side != 1)
    if shape not in ((IMAGE_SIZE, IMAGE_SIZE), (IMAGE_SIZE**2,)) or not len(values):
        raise InputError(
            N_("{file} has values of the shape {shape}; images need N x 28 x 28 or N x 784."),
            file=file,
            shape=" x ".join(map(str, values.shape)) or "1",
        )
    if values.dtype.kind not in "uifb":
        raise InputError(N_("{file} has pixels that are not numbers."), file=file)
    images: NDArray[Any] = values.reshape(-1, IMAGE_SIZE, IMAGE_SIZE)
    if images.dtype != np.uint8:
        _check_range(images, file)
    if images.max() <= 1:
        images = images.astype(np.float32) * 255
    return images if images.dtype == np.uint8 else images.round().astype(np.uint8)


def _check_range(images: NDArray[np.generic], file: str) -> None:
    """Raise InputError, naming the first wrong image, unless all pixels are numbers from 0 to 255."""
    least, most = images.min(axis=(1, 2)), images.max(axis=(1, 2))
    wrong = np.flatnonzero(~((least >= 0) & (most <= 255)))
    if len(wrong):
        first = wrong[0]
        raise InputError(
            N_(
                "{file}: the pixels of image {number} go from {least:.4g} to {most:.4g}; they must be from 0 "
                "to 255, or from 0 to 1."
            ),
            file=file,
            number=int(first) + 1,
            least=float(least[first]),
            most=float(most[first]),
        )


def check_count(count: int, file: str) -> None:
    """Raise InputError if a source has more images than limits.SET_IMAGES."""
    most = SET_IMAGES.value(True)
    if most is not None and count > most:
        raise InputError(
            N_("{file} has more than {most:,} images, the most of a data set; bring a part of them."),
            file=file,
            most=most,
        )


def check_classes(own: OwnImages) -> None:
    """Raise InputError unless there are 2 to 62 classes of 3 images or more each."""
    count = len(own.classes)
    if count < FEWEST_CLASSES:
        raise InputError(
            N_(
                "All images have the label {name}; a network learns to tell classes apart, so bring two or "
                "more, or choose another column of labels."
            ),
            name=own.classes[0] if own.classes else "",
        )
    if count > MOST_CLASSES:
        raise InputError(
            N_("There are {count:,} different labels, and {most} are allowed; choose another column."),
            count=count,
            most=MOST_CLASSES,
        )
    small = [own.classes[n] for n in np.flatnonzero(own.counts < FEWEST_OF_A_CLASS)]
    if small:
        raise InputError(
            N_(
                "Too few images of {names}: each class needs {least} or more, one each for training, "
                "validation and test."
            ),
            names=", ".join(small),
            least=FEWEST_OF_A_CLASS,
        )
