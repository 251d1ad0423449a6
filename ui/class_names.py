"""The classes of a data set in words: "7", "A", "trousers"; and the control that chooses a data set."""

from typing import TYPE_CHECKING

import streamlit as st

from mnist_core.dataset_choices import DATASETS, MNIST
from ui.i18n import gettext as _
from ui.visitor import listed_sets

if TYPE_CHECKING:
    from mnist_core.data.mnist import Split


MARKUP = {ord(c): ord(c) + 0xFEE0 for c in r"\`*_{}[]<>#$&~|"}  # to their full-width forms


def without_markup(text: str) -> str:
    """Return text that is the same in HTML, Markdown and charts: names of own data sets may hold anything."""
    return text.translate(MARKUP)


def class_names(dataset: str) -> list[str]:
    """Return what the labels of a data set stand for, in the order of the labels, without markup."""
    return [without_markup(_(name)) for name in DATASETS[dataset].classes]


def class_name(dataset: str, label: int) -> str:
    """Return what a label of a data set stands for, without markup."""
    return without_markup(_(DATASETS[dataset].classes[label]))


def dataset_name(dataset: str) -> str:
    """Return what a data set is called, without markup."""
    return without_markup(_(DATASETS[dataset].label))


def datasets_to_choose(chosen: str) -> dict[str, str]:
    """Return the published data sets, those of the visitor's list, and the chosen one, with their names."""
    own = (each.key for each in listed_sets())
    return {key: dataset_name(key) for key in dict.fromkeys((*DATASETS, *own, chosen))}


def is_digits(dataset: str) -> bool:
    """Whether the classes are the digits 0 to 9: then a page says "digit", else "class"."""
    return DATASETS[dataset].digits


def image_alt(split: "Split", place: int, number: object = None) -> str:
    """Return an image of a split in words, for who can't see it; `number` is its own, else its place."""
    name = class_name(split.dataset, int(split.labels[place]))
    words = _("A handwritten {label}, image number {number}")
    if not DATASETS[split.dataset].drawn:
        words = _("{label}, image number {number}")
    return words.format(label=name, number=place if number is None else number)


def show_dataset_description(dataset: str) -> None:
    """Say what a data set is, unless it is MNIST, of which the pages speak anyway."""
    if dataset != MNIST and DATASETS[dataset].description:
        st.caption(without_markup(_(DATASETS[dataset].description)))
