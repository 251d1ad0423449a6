"""One image as a square of pixel values, as a vector, and in each input scaling."""

from html import escape

import numpy as np
import streamlit as st

from mnist_core.choices import INPUT_SCALINGS
from mnist_core.data.mnist import Dataset
from mnist_core.lessons.pixels import scaled as pixels_of_network
from ui.class_names import class_name, image_alt
from ui.explore.selection import (
    INDEX_KEY,
    ExploredSplit,
    choose_number,
    choose_split,
    number_in_url,
    open_image,
    show_large,
)
from ui.html.digits import Figure
from ui.html.tables import pixels_html, table_html, vector_html, vector_strip_html
from ui.i18n import count_text, formatted_number
from ui.i18n import gettext as _
from ui.url_controls import url_choice

STORED = "stored"  # the pixels as they are in MNIST's files, 0 to 255
SCALING_KEY = "scaling"


def show(data: Dataset) -> None:
    """Show the section."""
    picture, facts = st.columns([2, 3], gap="large")
    with picture:
        chosen = choose_split(data)
        index = show_choice(chosen)
        show_picture(chosen, index)
    pixels = chosen.split.images[index]
    with facts:
        st.subheader(_("Pixel statistics"))
        scaling = choose_scaling()
        show_scalings(pixels, scaling)
    values = scaled(pixels, scaling)
    show_square(pixels, values, scaling)
    show_line(pixels, values, scaling)


def show_choice(chosen: ExploredSplit) -> int:
    """Show the image's number and the buttons to other images; return the number."""
    last = len(chosen.split) - 1
    wanted = number_in_url(INDEX_KEY)
    index = choose_number(_("Image no."), last)
    if wanted > last:
        st.warning(
            _("There is no image {number} here; the last one is {last}, and it is shown instead.").format(
                number=count_text(wanted), last=count_text(last)
            )
        )
    with st.container(horizontal=True):
        before, after = (index - 1) % (last + 1), (index + 1) % (last + 1)
        st.button(
            _("Previous"), icon=":material/arrow_back:", on_click=open_image, args=(chosen.image(before),)
        )
        st.button(
            _("Next"), icon=":material/arrow_forward:", on_click=open_image, args=(chosen.image(after),)
        )
    return index


def show_picture(chosen: ExploredSplit, index: int) -> None:
    """Show the image enlarged, with its label."""
    name = escape(class_name(chosen.dataset, int(chosen.split.labels[index])))
    caption, alt = _("Label <b>{label}</b>").format(label=name), image_alt(chosen.split, index)
    show_large(Figure(chosen.split.images[index], caption, alt))


def choose_scaling() -> str:
    """Show the scalings to choose from; return the key of one, or STORED."""
    names = {STORED: _("As stored"), **{key: _(entry.label) for key, entry in INPUT_SCALINGS.items()}}
    return url_choice(st.pills, _("Input scaling"), names, SCALING_KEY, STORED, required=True)


def scaled(pixels: np.ndarray, scaling: str) -> np.ndarray:
    """Return pixels as a network with this input scaling gets them; STORED leaves them as they are."""
    return pixels if scaling == STORED else pixels_of_network(pixels, scaling)


def value_text(value: float, scaling: str) -> str:
    """Return a value with as few digits as distinguish it."""
    return formatted_number(value, ".0f" if scaling == STORED else ".2f")


def show_scalings(pixels: np.ndarray, chosen: str) -> None:
    """Show the values of the background, grey, ink and this image in each scaling; mark the chosen one."""
    st.markdown(
        _("The pixels are scaled before the first layer, because small values around zero train better.")
    )
    head = [_("Scaling"), _("Background"), _("Grey"), _("Ink"), _("Mean"), _("Std")]
    rows = []
    for key in (STORED, *INPUT_SCALINGS):
        name = _("As stored") if key == STORED else _(INPUT_SCALINGS[key].label)
        of_image = scaled(pixels, key)
        values = [*scaled(np.array([0, 128, 255]), key), of_image.mean(), of_image.std()]
        rows.append([name, *(value_text(value, key) for value in values)])
    st.html(table_html(head, rows, strong=[STORED, *INPUT_SCALINGS].index(chosen)))
    if chosen != STORED:
        st.caption(_(INPUT_SCALINGS[chosen].description))
    st.caption(
        _(
            "In the files, background is 0, grey is 128 and ink is 255. Mean and std (standard "
            "deviation) are those of this image."
        )
    )


def show_square(pixels: np.ndarray, values: np.ndarray, scaling: str) -> None:
    """Show the values in rows and columns, each on the grey of its pixel."""
    st.subheader(_("Matrix: 28 rows of 28 numbers"))
    texts = [[value_text(value, scaling) for value in row] for row in values]
    st.html(pixels_html(pixels, texts, _("The values of the pixels, row by row")))
    st.caption(_("A convolutional network gets this matrix, so it knows which pixels are neighbours."))


def show_line(pixels: np.ndarray, values: np.ndarray, scaling: str) -> None:
    """Show the values one after another, as a strip of greys and as numbers."""
    st.subheader(_("Flatten: a vector of 784 numbers"))
    st.html(vector_strip_html(pixels, _("The vector of 784 pixels, as a strip of greys")))
    texts = [value_text(value, scaling) for value in values.ravel()]
    st.html(vector_html(texts, _("The vector of 784 numbers")))
    st.caption(
        _(
            "Flatten puts the rows one after the other: this vector is the input of an MLP. It "
            "does not tell which pixels are neighbours; if the pixels of all images were shuffled "
            "in the same way, an MLP would learn just as well."
        )
    )
