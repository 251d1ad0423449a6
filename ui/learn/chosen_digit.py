"""Which digit of MNIST the chapters calculate with: the same one from chapter to chapter."""

from typing import NamedTuple

import numpy as np
import streamlit as st

from ui import resources
from ui.i18n import gettext as _
from ui.url_controls import url_choice
from ui.url_state import number_in_url, option_in_url, set_url_parameters

DIGIT_KEY, EXAMPLE_KEY = "digit", "example"  # in the URL: which digit, and which of its images, from 0
FIRST_DIGIT = "5"
EXAMPLES = 20  # images to choose from of each digit, the first in the training set
DIGITS = {digit: digit for digit in "0123456789"}


class ChosenDigit(NamedTuple):
    """An image uint8 [28, 28], its label, and its number in the training set."""

    image: np.ndarray
    label: int
    number: int


def choose_digit() -> ChosenDigit:
    """Show the choice of a digit, and a button that takes the next image of it; return the image."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="lab_choose_digit"):
        url_choice(st.pills, _("Digit"), DIGITS, DIGIT_KEY, FIRST_DIGIT, required=True, wrap=True)
        st.button(
            _("Another image"), icon=":material/arrow_forward:", key="lab_next_example", on_click=_take_next
        )
    return chosen_digit()


def chosen_digit() -> ChosenDigit:
    """Return the image that the URL names, without a control."""
    split = resources.dataset().file("train")
    label = int(option_in_url(DIGITS, DIGIT_KEY, FIRST_DIGIT))
    numbers = np.flatnonzero(split.labels[:MOST_SEARCHED] == label)[:EXAMPLES]
    number = int(numbers[(number_in_url(EXAMPLE_KEY) or 0) % len(numbers)])
    return ChosenDigit(split.images[number], label, number)


MOST_SEARCHED = 1000  # images: holds EXAMPLES of each digit, in MNIST and in the offline sample


def _take_next() -> None:
    following = ((number_in_url(EXAMPLE_KEY) or 0) + 1) % EXAMPLES
    set_url_parameters({EXAMPLE_KEY: str(following) if following else None})
