"""Which images the Explore page is about: split, digit, image number and section, all in the URL."""

from dataclasses import dataclass

import streamlit as st

from mnist_core.data import Dataset, Split
from ui import state
from ui.controls import choice_in_url, number_choice
from ui.state import chosen_in_url
from ui.translation import gettext as _
from ui.url import put_in_url

VIEW_KEY, SPLIT_KEY, DIGIT_KEY, INDEX_KEY = "view", "split", "digit", "index"
ALL, DIGITS = "all", tuple("0123456789")


@dataclass(frozen=True, eq=False)
class Chosen:
    """A split, its name ("train" or "test"), and where the data is from ("mnist" or "sample")."""

    split: Split
    name: str
    source: str


def choose_split(data: Dataset) -> Chosen:
    """Show which images are looked at, and let others be chosen."""
    splits = {"train": _("Training images"), "test": _("Test images")}
    name = choice_in_url(
        st.segmented_control,
        _("Images"),
        splits,
        SPLIT_KEY,
        "train",
        required=True,
        label_visibility="collapsed",
    )
    return Chosen(data.train if name == "train" else data.test, name, data.source)


def choose_digit(*anew: str) -> int | None:
    """Show which digit is looked at, and let another be chosen; None for all.

    `anew` are the keys of the fragments that another one concerns, if not all around.
    """
    digits = {ALL: _("All digits"), **{digit: digit for digit in DIGITS}}
    choice_in_url(
        st.pills,
        _("Digit"),
        digits,
        DIGIT_KEY,
        ALL,
        anew,
        required=True,
        wrap=True,
        label_visibility="collapsed",
    )
    return chosen_digit()


def chosen_digit() -> int | None:
    """Return which digit is looked at, None for all."""
    digit = chosen_in_url(DIGITS, DIGIT_KEY, ALL)
    return None if digit == ALL else int(digit)


def number_in_url(key: str) -> int:
    """Return the whole number under `key` in the URL, 0 for none."""
    return state.number_in_url(key) or 0


def choose_number(label: str, last: int) -> int:
    """Show a field for an image's number, 0 to `last`, kept in the URL; return the number."""
    return number_choice(label, INDEX_KEY, last, 200)


def open_image(index: int, split: str) -> None:
    """Turn to the section that shows one image."""
    put_in_url({VIEW_KEY: "image", INDEX_KEY: str(index), SPLIT_KEY: split})
