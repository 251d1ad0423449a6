"""The 3 x 3 grid of images with their labels, counts per digit, and the shape of a batch."""

from collections.abc import Callable
from functools import partial
from html import escape

import numpy as np
import streamlit as st

from mnist_core.data.mnist import Dataset, Split
from ui.class_names import class_name, class_names, is_digits
from ui.explore.selection import (
    ExploredSplit,
    choose_digit,
    choose_split,
    chosen_digit,
    labelled,
    number_in_url,
    open_image,
)
from ui.fragments import send_to_browser
from ui.html.digits import bars_html, grid_html
from ui.i18n import count_text, format_text
from ui.i18n import gettext as _
from ui.url_state import set_url_parameters

SHOWN = 9
SEED_KEY = "seed"  # in the URL: which random choice is shown; none means the first images
JUMP_KEY = "jump"
GRID, COUNTS = "grid", "counts"  # fragments


def show(data: Dataset) -> None:
    """Show the section."""
    with st.container(horizontal=True, vertical_alignment="center"):
        chosen = choose_split(data)
        choose_digit(chosen.dataset, GRID, COUNTS)
    pictures, facts = st.columns([5, 4], gap="large")
    with pictures:
        show_pictures(chosen)
    with facts:
        show_counts_here(chosen.split)
        show_shape(chosen.split, len(data.train), len(data.test))


def show_beside(data: Dataset, show_first: Callable[[], None]) -> None:
    """Show the section with `show_first`'s content before the images; on a phone the images are below it."""
    with st.container(key="first_columns", horizontal=True, gap="large"):
        first = st.container(key="first_drawing")
        pictures = st.container(key="first_pictures")
    with pictures:
        chosen = choose_split(data)
        choose_digit(chosen.dataset, GRID, COUNTS)
        show_pictures(chosen)
    with first:
        show_first()
    with st.container(key="first_facts", horizontal=True, gap="large"):
        show_counts_here(chosen.split)
        show_shape(chosen.split, len(data.train), len(data.test))


def show_pictures(chosen: ExploredSplit) -> None:
    """Show nine images, and the field that leads to any other."""
    show_grid(chosen)
    show_jump(chosen)
    if is_digits(chosen.dataset):
        st.caption(_("Bold: the label, the digit that the writer meant. Image numbers start at 0."))
    else:
        st.caption(_("Bold: the label, the class of the image. Image numbers start at 0."))


def reshuffle() -> None:
    """Show another nine images."""
    set_url_parameters({SEED_KEY: str(number_in_url(SEED_KEY) + 1)})


def return_to_first() -> None:
    """Show the first nine images again."""
    set_url_parameters({SEED_KEY: None})


def chosen_indices(split: Split, digit: int | None, seed: int) -> np.ndarray:
    """Return the places in the split of the images to show: the first, or a draw that `seed` repeats."""
    matching = np.arange(len(split)) if digit is None else np.flatnonzero(split.labels == digit)
    if seed:
        return np.random.default_rng(seed).permutation(matching)[:SHOWN]
    return matching[:SHOWN]


@partial(st.fragment, key=GRID)
def show_grid(chosen: ExploredSplit) -> None:
    """Show nine images with their labels, and the buttons that choose which nine."""
    digit, seed = chosen_digit(chosen.dataset), number_in_url(SEED_KEY)
    indices = chosen_indices(chosen.split, digit, seed)
    if not len(indices):
        words = _("There are no images of {digit} here. Choose another class, or all classes.")
        if is_digits(chosen.dataset):
            words = _("There are no images of {digit} here. Choose another digit, or all digits.")
        st.info(words.format(digit=class_name(chosen.dataset, digit or 0)))
        return
    st.html(grid_html((labelled(chosen.split, int(index)) for index in indices), columns=3, least=4))
    send_to_browser("grid", (chosen.name, digit))
    with st.container(horizontal=True):
        st.button(_("New random sample"), icon=":material/shuffle:", on_click=reshuffle)
        st.button(_("First nine images"), on_click=return_to_first, disabled=not seed)


def show_jump(chosen: ExploredSplit) -> None:
    """Show a field that leads to the image with the number typed."""

    def jump() -> None:
        if st.session_state[JUMP_KEY] is not None:
            open_image(chosen.image(st.session_state[JUMP_KEY]))

    last = len(chosen.split) - 1
    st.number_input(
        _("Show an image with its pixel values"),
        0,
        last,
        value=None,
        step=1,
        key=JUMP_KEY,
        on_change=jump,
        placeholder=_("No. 0 to {last}").format(last=count_text(last)),
        width=230,
    )


@partial(st.fragment, key=COUNTS)
def show_counts_here(split: Split) -> None:
    """Show the counts, where the chosen digit stands out."""
    show_counts(split, chosen_digit(split.dataset))


def show_counts(split: Split, digit: int | None) -> None:
    """Show how many images there are of each class, as bars and in words; `digit` stands out."""
    counts, names = split.counts, class_names(split.dataset)
    digits = is_digits(split.dataset)
    heading = (
        _("Class distribution: images of each digit")
        if digits
        else _("Class distribution: images of each class")
    )
    bars = bars_html(names, counts / counts.max(), [count_text(count) for count in counts], strong=digit)
    words = _(
        "Most frequent: {most} ({most_count:,} images). Least frequent: {least} ({least_count:,} images)."
    )
    if counts.min() == counts.max():
        words = _("Every class has equally many images: {most_count:,}.")
    said = format_text(
        words,
        most=names[counts.argmax()],
        most_count=counts.max(),
        least=names[counts.argmin()],
        least_count=counts.min(),
    )
    st.html(f'<h3 class="lab-heading">{heading}</h3>{bars}<p class="lab-note">{escape(said)}</p>')


def show_shape(split: Split, train: int, test: int) -> None:
    """Show shape, type, range and number of the images."""
    heading = _("Input tensor: what a network gets")
    shape = _(
        "A batch of these {n} images is a tensor of shape `[N, C, H, W]` = `[{n}, 1, {height}, {width}]`: "
        "**N** images, **C** colour channels (1, for grey), **H** pixels high, **W** pixels wide."
    ).format(n=SHOWN, height=split.images.shape[1], width=split.images.shape[2])
    values = _(
        "Its dtype is `{dtype}`: each pixel is an integer from **{low}** (background, shown "
        "black) to **{high}** (ink, shown white). The network converts them to floating point "
        "(`float32`) first."
    ).format(dtype=split.images.dtype, low=split.images[:1000].min(), high=split.images[:1000].max())
    sizes = format_text(
        _("Training set: **{train:,}** images. Test set: **{test:,}** images."), train=train, test=test
    )
    st.markdown(f"### {heading}\n- {shape}\n- {values}\n- {sizes}")
