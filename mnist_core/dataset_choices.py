"""The data sets that a training may have: names, classes and sizes, without their files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mnist_core.messages import N_, Message
from mnist_core.runtime.own_set_facts import own_set_facts


@dataclass(frozen=True)
class DatasetInfo:
    """A data set: images of 28 x 28 pixels of `classes`, whose place is the label, 0 to 61 at most.

    `images` are the numbers of its training images, its test images, and its further test images, as
    published. `validation` images are held out where a training on all of it holds out MNIST's usual 5,000.
    `drawn`: its classes are written with a pen. `divided`: the validation images were chosen when the set was
    made, and no training may learn from them. data.datasets knows its files.
    """

    label: str
    description: str
    classes: tuple[str, ...]
    images: tuple[int, int, int] = (60_000, 10_000, 0)
    validation: int = 5_000
    drawn: bool = True
    divided: bool = False

    @property
    def name(self) -> Message | str:
        """What it is called, as a value of a message: translated, but what somebody called their own set."""
        return self.label if self.divided else Message(self.label)

    @property
    def digits(self) -> bool:
        """Whether its classes are the digits 0 to 9, so that a network of another such set can read it."""
        return self.classes == DIGITS


DIGITS = tuple("0123456789")
_CAPITALS = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
MNIST = "mnist"


class _Datasets(dict[str, DatasetInfo]):
    """The published data sets by key; own data sets are found by their keys too, but are in no list.

    The key of an own data set is a secret of those who have a link to it.
    """

    def __missing__(self, key: str) -> DatasetInfo:
        if (facts := own_set_facts(key)) is None:
            raise KeyError(key)
        return _own_info(facts)

    def __contains__(self, key: object) -> bool:
        return super().__contains__(key) or (isinstance(key, str) and own_set_facts(key) is not None)


def _own_info(facts: dict[str, Any]) -> DatasetInfo:
    train, test = facts["images"]
    classes, validation = tuple(facts["classes"]), facts["validation"]
    return DatasetInfo(
        facts["name"], facts["source"] or facts["name"], classes, (train, test, 0), validation, divided=True
    )


DATASETS = _Datasets()
DATASETS |= {
    MNIST: DatasetInfo("MNIST", N_("Handwritten digits of 1998, written by clerks and pupils."), DIGITS),
    "qmnist": DatasetInfo(
        "QMNIST",
        N_("MNIST made again from its sources, with 50,000 further test images (Yadav and Bottou 2019)."),
        DIGITS,
        (60_000, 10_000, 50_000),
    ),
    "emnist-digits": DatasetInfo(
        N_("EMNIST digits"),
        N_("280,000 handwritten digits of the collection that MNIST comes from (Cohen et al. 2017)."),
        DIGITS,
        (240_000, 40_000, 0),
    ),
    "emnist-letters": DatasetInfo(
        N_("EMNIST letters"),
        N_("The 26 letters, capital and small ones in the same class (Cohen et al. 2017)."),
        _CAPITALS,
        (124_800, 20_800, 0),
    ),
    "emnist-balanced": DatasetInfo(
        N_("EMNIST balanced"),
        N_(
            "Digits, capitals, and the small letters that look unlike theirs: 47 classes (Cohen et al. 2017)."
        ),
        (*DIGITS, *_CAPITALS, *"abdefghnqrt"),
        (112_800, 18_800, 0),
    ),
    "kmnist": DatasetInfo(
        "KMNIST",
        N_("Ten old cursive Japanese characters, hiragana in writing of before 1900 (Clanuwat et al. 2018)."),
        tuple("おきすつなはまやれを"),
    ),
    "fashion-mnist": DatasetInfo(
        "Fashion-MNIST",
        N_("Ten kinds of clothes and shoes in photographs of a shop (Xiao et al. 2017)."),
        (
            N_("T-shirt"),
            N_("trousers"),
            N_("pullover"),
            N_("dress"),
            N_("coat"),
            N_("sandal"),
            N_("shirt"),
            N_("sneaker"),
            N_("bag"),
            N_("ankle boot"),
        ),
        drawn=False,
    ),
    "usps": DatasetInfo(
        "USPS",
        N_("Digits cut from addresses on letters, 16 x 16 pixels, enlarged (Hull 1994)."),
        DIGITS,
        (7_291, 2_007, 0),
        1_000,
    ),
}


def number_of_classes(dataset: str) -> int:
    """Return how many classes a data set has, 2 to 62, by its key: the outputs of its networks."""
    return len(DATASETS[dataset].classes)
