"""The classes of a data set in words: "7", "A", "trousers"; and the control that chooses a data set."""

from typing import TYPE_CHECKING

import streamlit as st

from mnist_core.dataset_choices import DATASETS, MNIST, is_own_key
from mnist_core.messages import N_
from ui.html.tables import without_links
from ui.i18n import gettext as _
from ui.visitor import listed_sets

if TYPE_CHECKING:
    from mnist_core.data.mnist import Split


MARKUP = {ord(c): ord(c) + 0xFEE0 for c in r"\`*_{}[]<>#$&~|:"}  # to full width; ":" makes icons and links


_THINGS = {
    "digit": N_("digit"),
    "letter": N_("letter"),
    "character": N_("character"),
    "garment": N_("garment"),
    "image": N_("image"),
}


def without_markup(text: str) -> str:
    """Return text that is the same in HTML, Markdown and charts: names of own data sets may hold anything."""
    return without_links(text.translate(MARKUP))


def class_names(dataset: str) -> list[str]:
    """Return what the labels of a data set stand for, in the order of the labels, without markup."""
    return [class_name(dataset, label) for label in range(len(DATASETS[dataset].classes))]


def class_name(dataset: str, label: int) -> str:
    """Return what a label of a data set stands for, without markup."""
    return _shown(dataset, DATASETS[dataset].classes[label])


def dataset_name(dataset: str) -> str:
    """Return what a data set is called, without markup."""
    return _shown(dataset, DATASETS[dataset].label)


def _shown(dataset: str, words: str) -> str:
    """Return words of a data set translated, unless somebody wrote them for their own set."""
    return without_markup(words if is_own_key(dataset) else _(words))


def datasets_to_choose(chosen: str) -> dict[str, str]:
    """Return the published data sets, those of the visitor's list, and the chosen one, with their names."""
    own = (each.key for each in listed_sets())
    return {key: dataset_name(key) for key in dict.fromkeys((*DATASETS, *own, chosen))}


def is_digits(dataset: str) -> bool:
    """Whether the classes are the digits 0 to 9: then a page says "digit", else "class"."""
    return DATASETS[dataset].digits


def kind(dataset: str) -> str:
    """Return what the images of a data set show: "digit", "letter", "character", "garment" or "image"."""
    info = DATASETS[dataset]
    if info.digits or not info.drawn:
        return "digit" if info.digits else "garment"
    if any(len(name) > 1 for name in info.classes):
        return "image"
    return "letter" if all(name.isascii() and name.isalpha() for name in info.classes) else "character"


def thing(dataset: str) -> str:
    """Return `kind` as a word in a sentence, such as "your letter"."""
    return _(_THINGS[kind(dataset)])


def image_alt(split: "Split", place: int, number: object = None) -> str:
    """Return an image of a split in words, for who can't see it; `number` is its own, else its place."""
    name = class_name(split.dataset, int(split.labels[place]))
    words = _("Handwritten {label}, image number {number}")
    if not DATASETS[split.dataset].drawn:
        words = _("{label}, image number {number}")
    return words.format(label=name, number=place if number is None else number)


def show_dataset_description(dataset: str) -> None:
    """Say what a data set is, unless it is MNIST, of which the pages speak anyway."""
    if dataset != MNIST and DATASETS[dataset].description:
        st.caption(_shown(dataset, DATASETS[dataset].description))
