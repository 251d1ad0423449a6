"""Chapter "A picture is 784 numbers": flatten, pixel range, the three input scalings."""

from typing import Any, NamedTuple

import numpy as np
import streamlit as st

from mnist_core.choices import INPUT_SCALINGS
from mnist_core.lessons.pixels import SIDE, Pixel, brightest_pixel, scaled, vector_index
from ui.html.tables import table_html
from ui.i18n import format_text
from ui.i18n import gettext as _
from ui.learn.chapters import Question
from ui.learn.chosen_digit import ChosenDigit, choose_digit
from ui.learn.linked_cells import CellGrid, Source, number_text, show_linked_cells
from ui.url_controls import url_segments

SCALING_KEY = "scaling"


class Flattened(NamedTuple):
    """The digit, the input scaling by name, and the pixel that the formulas are about."""

    digit: ChosenDigit
    scaling: str
    pixel: Pixel


def ask() -> Question:
    """Ask how far apart two neighbours are in the vector."""
    text = _(
        "A fully connected network reads a picture as one vector: row after row. Two pixels lie one directly "
        "below the other. How many places apart are they in the vector?"
    )
    return Question(text, {"one": _("1 place"), "row": _("28 places"), "varies": _("It depends on the row")})


def run() -> Flattened:
    """Show a digit as a matrix and as a vector whose cells are linked."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        digit = choose_digit()
        names = {name: _(entry.label) for name, entry in INPUT_SCALINGS.items()}
        scaling = url_segments(_("Input scaling"), names, SCALING_KEY, "standard")
    pixel = brightest_pixel(digit.image)
    show_linked_cells(
        _grids(digit.image, scaling),
        ("picture", vector_index(pixel.row, pixel.column)),
        "lab_cells_image",
        _("Point at a pixel, tap it, or move with the arrow keys: its place in the vector is marked."),
    )
    return Flattened(digit, scaling, pixel)


def _grids(image: np.ndarray, scaling: str) -> list[CellGrid]:
    """Return the picture and its vector: each pixel linked to its place in the other."""
    notes = [number_text(value, 2) for value in scaled(image, scaling).ravel()]
    where = _(
        "Row {row}, column {column}: number 28 x {row} + {column} = {index} of the vector. Value {value}, "
        "after the scaling {note}."
    )
    picture = where.replace("{index}", "{place}")
    vector = _("Number {place} of the vector. Value {value}, after the scaling {note}.")
    places = range(image.size)
    common: dict[str, Any] = {"decimals": 0, "look": "grey", "largest": 255, "notes": notes}
    return [
        CellGrid(
            "picture",
            _("Picture: 28 rows and 28 columns"),
            image,
            sources=[Source({"vector": [place]}) for place in places],
            sentence=picture,
            cell=13,
            **common,
        ),
        CellGrid(
            "vector",
            _("Vector: 784 numbers, one after the other"),
            image.reshape(1, -1),
            sources=[Source({"picture": [place]}) for place in places],
            sentence=vector,
            scrolling=True,
            **common,
        ),
    ]


def answer(result: Flattened) -> str:
    """Return how far apart the two places are."""
    row, column, _value = result.pixel
    distance = vector_index(row + 1, column) - vector_index(row, column)
    return _("{distance} places, in every row").format(distance=distance)


def explain(result: Flattened) -> None:
    """Show the two formulas with the numbers of the brightest pixel, and the scalings side by side."""
    row, column, value = result.pixel
    index, below = vector_index(row, column), vector_index(row + 1, column)
    words = _(
        "**Flatten** puts the rows one after the other. The brightest pixel of this digit, in row r = {row} "
        "and column c = {column} (counted from 0), becomes number {index}; the pixel below it becomes number "
        "{below}. A fully connected network does not know that they are neighbours; a convolution does."
    )
    st.markdown(format_text(words, row=row, column=column, index=index, below=below))
    st.latex(rf"i = {SIDE} \cdot r + c = {SIDE} \cdot {row} + {column} = {index}")
    st.markdown(
        _(
            "**Pixel range**: the file stores whole numbers from 0 (background) to 255 (ink). The first "
            "layer trains better on small values around 0, so an **input scaling** comes before it: divide "
            "by 255, subtract a mean, divide by a standard deviation, the same for all pixels."
        )
    )
    entry = INPUT_SCALINGS[result.scaling]
    after = float(scaled(np.array([value], np.uint8), result.scaling)[0])
    st.latex(
        rf"x' = \frac{{x / 255 - \text{{mean}}}}{{\text{{std}}}}"
        rf" = \frac{{{value} / 255 - {entry.mean:g}}}{{{entry.std:g}}} = {after:.2f}"
    )
    _show_scalings(result)
    words = _(
        "**Tensor**: a batch of N such pictures has the shape `[N, C, H, W]` = `[N, 1, {side}, {side}]`: "
        "N pictures, C channels (1 for grey), H rows, W columns. Its dtype is `{dtype}` in the file and "
        "`float32` after the scaling."
    )
    st.markdown(words.format(side=SIDE, dtype=result.digit.image.dtype))


def _show_scalings(result: Flattened) -> None:
    """Show background, grey, ink and this picture in each scaling; mark the chosen one."""
    head = [_("Scaling"), _("Background"), _("Grey"), _("Ink"), _("Mean"), _("Std")]
    rows = []
    for name, entry in INPUT_SCALINGS.items():
        of_image = scaled(result.digit.image, name)
        marks = scaled(np.array([0, 128, 255], np.uint8), name)
        values = [*marks, of_image.mean(), of_image.std()]
        rows.append([_(entry.label), *(number_text(value, 2) for value in values)])
    st.html(
        table_html(head, rows, strong=[*INPUT_SCALINGS].index(result.scaling), words=_("The input scalings"))
    )
    st.caption(_("Grey is 128. Mean and std (standard deviation) are those of this picture."))


def training(result: Flattened) -> dict[str, Any]:
    """Return tutorial 5's network with the chosen scaling."""
    return {"recipe": "tutorial-5", "input_scaling": result.scaling, "epochs": 1}
