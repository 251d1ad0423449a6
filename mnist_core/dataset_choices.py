"""The data sets that a training may have: names, classes and sizes, and where own data sets lie.

An own set's folder is `KEY` in their directory, or `.trash/KEY` once it was deleted. Its facts stay there
when its images are gone, so that runs on it can still be opened.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from mnist_core.messages import N_, Message


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
DIRECTORY_VARIABLE, RUNS_VARIABLE = "DIGITLAB_SETS", "DIGITLAB_RUNS"
OWN_FACTS_FILE = "own.json"
TRASH = ".trash"
PREFIX = "own-"
_KEY = re.compile(rf"{PREFIX}[0-9a-f]{{16}}")
_PROJECT = Path(__file__).resolve().parent.parent


class Datasets(Mapping[str, DatasetInfo]):
    """Data sets by key: the published ones; own ones are found by their keys too, but are in no list.

    The key of an own data set is a secret of those who have a link to it.
    """

    def __init__(self, published: dict[str, DatasetInfo]) -> None:
        self.published = published

    def __getitem__(self, key: str) -> DatasetInfo:
        if key in self.published:
            return self.published[key]
        if (facts := own_set_facts(key) if isinstance(key, str) else None) is None:
            raise KeyError(key)
        train, test = facts["images"]
        about, classes = facts["source"] or facts["name"], tuple(facts["classes"])
        images, validation = (train, test, 0), facts["validation"]
        return DatasetInfo(facts["name"], about, classes, images, validation, divided=True)

    def __iter__(self) -> Iterator[str]:
        return iter(self.published)

    def __len__(self) -> int:
        return len(self.published)


def own_sets_directory() -> Path:
    """Return the directory of own data sets: DIGITLAB_SETS, else `.sets` in the directory of the runs."""
    if given := os.environ.get(DIRECTORY_VARIABLE):
        return Path(given).expanduser()
    return Path(os.environ.get(RUNS_VARIABLE) or _PROJECT / "runs").expanduser() / ".sets"


def is_own_key(text: str) -> bool:
    """Whether a text has the form of an own data set's key: "own-" and 16 hexadecimal digits."""
    return _KEY.fullmatch(text) is not None


def own_set_folder(key: str) -> Path | None:
    """Return the folder of an own data set, deleted or not; None if there is none."""
    directory = own_sets_directory()
    places = (directory / key, directory / TRASH / key) if is_own_key(key) else ()
    return next((place for place in places if (place / OWN_FACTS_FILE).is_file()), None)


def is_here(key: str) -> bool:
    """Whether a data set can be chosen: a published one, or an own one that was not deleted."""
    return key in DATASETS.published or own_set_folder(key) == own_sets_directory() / key


def own_set_facts(key: str) -> dict[str, Any] | None:
    """Return the facts of an own data set, as they were written; None if there is none that can be read."""
    folder = own_set_folder(key)
    if folder is None:
        return None
    try:
        return _read(folder / OWN_FACTS_FILE, (folder / OWN_FACTS_FILE).stat().st_mtime_ns)
    except (OSError, ValueError):
        return None


@lru_cache(maxsize=256)
def _read(file: Path, changed: int) -> dict[str, Any]:
    """Read the facts, again only when the file has changed: settings are checked at every click."""
    facts = json.loads(file.read_text("utf-8"))
    if not isinstance(facts, dict):
        raise ValueError(f"{file} has no facts")
    return facts


_PUBLISHED = {
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
DATASETS = Datasets(_PUBLISHED)


def number_of_classes(dataset: str) -> int:
    """Return how many classes a data set has, 2 to 62, by its key: the outputs of its networks."""
    return len(DATASETS[dataset].classes)
