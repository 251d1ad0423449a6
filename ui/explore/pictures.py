"""Images with their labels and numbers, and the way from there to one of them in full size."""

from collections.abc import Iterable, Sequence

import streamlit as st

from mnist_core.data import Split
from ui.digits import Figure, figure_html, grid_html
from ui.explore.choices import Chosen, open_image
from ui.translation import gettext as _


def number_text(index: int) -> str:
    """Return an image's number as people read it."""
    return _("no. {number}").format(number=f"{index:,}")


def labelled(split: Split, index: int) -> Figure:
    """Return an image with its label and its number."""
    label = split.labels[index]
    alt = _("A handwritten {label}, image number {number}").format(label=label, number=index)
    return Figure(split.images[index], f"<b>{label}</b> &nbsp;{number_text(index)}", alt)


def show_pictures(chosen: Chosen, indices: Iterable[int], columns: int, key: str) -> None:
    """Show images of a split with labels and numbers, and a way to each; `key` names the group."""
    places = [int(index) for index in indices]
    st.html(grid_html((labelled(chosen.split, index) for index in places), columns))
    show_ways(places, chosen.name, key)


def show_ways(indices: Sequence[int], split: str, key: str) -> None:
    """Show a field that opens one of the images in full size."""

    def turn() -> None:
        picked, st.session_state[key] = st.session_state[key], None
        if picked is not None:
            open_image(picked, split)

    st.selectbox(
        _("See one with its pixel values"),
        list(indices),
        index=None,
        format_func=number_text,
        key=key,
        on_change=turn,
        placeholder=_("Choose an image"),
        width=220,
    )


def show_large(figure: Figure, width: int = 340) -> None:
    """Show one image as large as there is room for, at most `width` pixels."""
    with st.container(width=width):
        st.html(figure_html(figure))
