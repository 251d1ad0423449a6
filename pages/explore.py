"""Explore: what the images are, before anything is trained on them."""

import numpy as np
import streamlit as st

from mnist_core.data import Split
from ui import resources
from ui.digits import Figure, bars_html, grid_html
from ui.state import choice_in_url, come_through_entry, link
from ui.translation import gettext as _

SHOWN = 9
SEED_KEY = "seed"  # in the URL: which shuffle is shown; none means the first images


def shuffle_seed() -> int:
    """Return the shuffle in the URL, 0 for none."""
    text = st.query_params.get(SEED_KEY, "")
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def reshuffle() -> None:
    """Show another nine images."""
    st.query_params[SEED_KEY] = str(shuffle_seed() + 1)


def show_first() -> None:
    """Show the first nine images again."""
    st.query_params.pop(SEED_KEY, None)


def chosen_indices(split: Split, digit: int | None, seed: int) -> np.ndarray:
    """Return the places in the split of the images to show: the first, or a draw that `seed` repeats."""
    matching = np.arange(len(split)) if digit is None else np.flatnonzero(split.labels == digit)
    if seed:
        return np.random.default_rng(seed).permutation(matching)[:SHOWN]
    return matching[:SHOWN]


def show_filters() -> tuple[str, int | None]:
    """Show the two filters; return the split's name and the digit, None for all."""
    splits = {"train": _("Training images"), "test": _("Test images")}
    digits = {"all": _("All digits"), **{str(digit): str(digit) for digit in range(10)}}
    bare = {"label_visibility": "collapsed"}
    with st.container(horizontal=True, vertical_alignment="center"):
        split = choice_in_url(
            st.segmented_control, _("Images"), splits, "split", "train", required=True, **bare
        )
        digit = choice_in_url(st.selectbox, _("Digit"), digits, "digit", "all", width=150, **bare)
    return split, None if digit == "all" else int(digit)


def show_grid(split: Split, digit: int | None) -> None:
    """Show nine images with their labels, and the buttons that choose which nine."""
    seed = shuffle_seed()
    indices = chosen_indices(split, digit, seed)
    if not len(indices):
        st.info(_("No image here is a {digit}. Choose another digit, or all of them.").format(digit=digit))
        return
    st.html(grid_html((labelled(split, int(index)) for index in indices), columns=3))
    with st.container(horizontal=True):
        st.button(_("Reshuffle"), icon=":material/shuffle:", on_click=reshuffle)
        st.button(_("Back to the first nine"), on_click=show_first, disabled=not seed)
    st.caption(_("The bold figure is the label: the digit the writer meant. Numbers count from 0."))


def labelled(split: Split, index: int) -> Figure:
    """Return an image with its label and its number."""
    label = split.labels[index]
    number = _("no. {number}").format(number=f"{index:,}")
    alt = _("A handwritten {label}, image number {number}").format(label=label, number=index)
    return Figure(split.images[index], f"<b>{label}</b> &nbsp;{number}", alt)


def show_counts(split: Split, digit: int | None) -> None:
    """Show how many images there are of each digit, as bars and in words; `digit` stands out."""
    counts = np.bincount(split.labels, minlength=10)
    st.subheader(_("How many of each digit"))
    names, texts = [str(d) for d in range(10)], [f"{count:,}" for count in counts]
    st.html(bars_html(names, counts / counts.max(), texts, strong=digit))
    st.caption(
        _("Most often {most} ({most_count:,} times), least often {least} ({least_count:,}).").format(
            most=counts.argmax(), most_count=counts.max(), least=counts.argmin(), least_count=counts.min()
        )
    )


def show_shape(split: Split, train: int, test: int) -> None:
    """Show the numbers behind the images: shape, type, range and how many."""
    st.subheader(_("What a network gets"))
    shape = _(
        "A batch of these {n} images is a tensor of shape `[N, C, H, W]` = `[{n}, 1, {height}, {width}]`: "
        "**N** images, **C** colour channels (1, for grey), **H** pixels high, **W** pixels wide."
    ).format(n=SHOWN, height=split.images.shape[1], width=split.images.shape[2])
    values = _(
        "Its type is `{dtype}`: each pixel a whole number from **{low}** (paper, shown black) to **{high}** "
        "(ink, shown white). The network turns them into decimal numbers (`float32`) before it begins."
    ).format(dtype=split.images.dtype, low=split.images[:1000].min(), high=split.images[:1000].max())
    sizes = _(
        "**{train:,}** training images to learn from, and **{test:,}** test images to judge by."
    ).format(train=train, test=test)
    st.markdown(f"- {shape}\n- {values}\n- {sizes}")


come_through_entry()
st.title(_("Handwritten digits"))
st.markdown(
    _(
        "In this lab you look at the digits of MNIST, train a neural network on them and watch it learn, "
        "see where it errs, and let it read your own writing."
    )
)
with st.container(horizontal=True):
    link("pages/train.py", _("Train a network"), ":material/model_training:")
    link("pages/draw.py", _("Draw a digit"), ":material/draw:")
data = resources.dataset()
pictures, facts = st.columns([5, 4], gap="large")
with pictures:
    split_name, chosen = show_filters()
    current = data.train if split_name == "train" else data.test
    show_grid(current, chosen)
with facts:
    show_counts(current, chosen)
    show_shape(current, len(data.train), len(data.test))
