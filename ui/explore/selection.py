"""Which split, digit and image the Explore page shows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import streamlit as st

from mnist_core.data.mnist import Dataset, ImageReference, Split
from ui import url_state
from ui.html.digits import Figure, figure_html, grid_html, image_number_text
from ui.i18n import gettext as _
from ui.url_controls import url_choice, url_number, url_segments
from ui.url_state import option_in_url, set_url_parameters

VIEW_KEY, SPLIT_KEY, DIGIT_KEY, INDEX_KEY = "view", "split", "digit", "index"
ALL, DIGITS = "all", tuple("0123456789")


@dataclass(frozen=True, eq=False)
class ExploredSplit:
    """A split, its name ("train" or "test"), and where the data is from ("mnist" or "sample")."""

    split: Split
    name: str
    source: str

    def image(self, number: int) -> ImageReference:
        """Return the name of an image of the split."""
        return ImageReference(self.name, number)


def choose_split(data: Dataset) -> ExploredSplit:
    """Show the choice of the split; return the chosen one."""
    splits = {"train": _("Training set"), "test": _("Test set")}
    name = url_segments(_("Images"), splits, SPLIT_KEY, "train", label_visibility="collapsed")
    return ExploredSplit(data.file(name), name, data.source)


def choose_digit(*fragments: str) -> int | None:
    """Show the choice of a digit; None for all.

    `fragments` are the keys of the fragments to rerun when it changes; all of the page without any.
    """
    digits = {ALL: _("All digits"), **{digit: digit for digit in DIGITS}}
    url_choice(
        st.pills,
        _("Digit"),
        digits,
        DIGIT_KEY,
        ALL,
        fragments,
        required=True,
        wrap=True,
        label_visibility="collapsed",
    )
    return chosen_digit()


def chosen_digit() -> int | None:
    """Return which digit is chosen, None for all."""
    digit = option_in_url(DIGITS, DIGIT_KEY, ALL)
    return None if digit == ALL else int(digit)


def number_in_url(key: str) -> int:
    """Return the whole number under `key` in the URL, 0 for none."""
    return url_state.number_in_url(key) or 0


def choose_number(label: str, last: int) -> int:
    """Show a field for an image's number, 0 to `last`, kept in the URL; return the number."""
    return url_number(label, INDEX_KEY, last, 200)


def open_image(image: ImageReference) -> None:
    """Open the section that shows one image."""
    set_url_parameters({VIEW_KEY: "image", INDEX_KEY: str(image.number), SPLIT_KEY: image.file})


def labelled(split: Split, index: int) -> Figure:
    """Return an image with its label and its number."""
    label = split.labels[index]
    alt = _("A handwritten {label}, image number {number}").format(label=label, number=index)
    return Figure(split.images[index], f"<b>{label}</b> &nbsp;{image_number_text(index)}", alt)


def show_pictures(chosen: ExploredSplit, indices: Iterable[int], columns: int, key: str) -> None:
    """Show images of a split with labels, numbers and a link to each; `key` names the group."""
    places = [int(index) for index in indices]
    st.html(grid_html((labelled(chosen.split, index) for index in places), columns))
    show_image_links([chosen.image(place) for place in places], key)


def show_image_links(images: Sequence[ImageReference], key: str) -> None:
    """Show a field that opens one of the images in full size."""

    def turn() -> None:
        picked, st.session_state[key] = st.session_state[key], None
        if picked is not None:
            open_image(picked)

    st.selectbox(
        _("Show an image with its pixel values"),
        list(images),
        index=None,
        format_func=lambda image: image_number_text(image.number),
        key=key,
        on_change=turn,
        placeholder=_("Choose an image"),
        width=220,
    )


def show_large(figure: Figure, width: int = 340) -> None:
    """Show one image as large as possible, at most `width` pixels wide."""
    with st.container(width=width):
        st.html(figure_html(figure))
