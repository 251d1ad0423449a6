"""Chapter "Preprocessing: why your drawing was read wrong": from the canvas to 28 x 28 pixels."""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import streamlit as st

from mnist_core.recognition.strokes import Strokes
from ui import resources
from ui.answers import short_answer
from ui.canvas import PEN, SIDE
from ui.drawing_input import calibration, draw
from ui.html.digits import Figure, grid_html
from ui.html.tables import table_html
from ui.i18n import format_text
from ui.i18n import gettext as _
from ui.learn.chapters import Question
from ui.runs.choice import pick_run
from ui.url_controls import url_segments

if TYPE_CHECKING:
    from mnist_core.lessons.canvas_places import PlacedDrawing
    from mnist_core.recognition.recognizer import Prediction
    from mnist_core.runs.run import Run

SIZE_KEY, PLACE_KEY = "size", "place"  # in the URL


class ReadPlaces(NamedTuple):
    """The drawing shown, its digit, and after each step at how many sizes and places it is read."""

    shown: "PlacedDrawing"
    digit: int
    agreeing: list[int]
    places: int


def ask() -> Question:
    """Ask what a network answers for a digit that is small and in a corner."""
    text = _(
        "The network was trained on digits that are 20 pixels tall and stand in the middle of 28 x 28 "
        "pixels. You draw a digit small, in a corner of the canvas, and the canvas is only shrunk to 28 x "
        "28. Is it read?"
    )
    options = {
        "same": _("Yes, as well as in the middle"),
        "some": _("Only at some sizes and places"),
        "none": _("Hardly anywhere"),
    }
    return Question(text, options)


def run() -> ReadPlaces | None:
    """Show a drawing at a chosen size and place, and what is read after each preprocessing step."""
    from mnist_core.lessons.canvas_places import EXAMPLE, agreeing

    with st.container(horizontal=True, gap="large", key="lab_placing"):
        with st.container(key="first_canvas", width=290):
            st.caption(_("Draw a digit, or leave it empty: then the example, a 2, is used."))
            strokes = draw(with_pen_width=False).strokes or EXAMPLE
        with st.container(width="stretch", key="lab_placed"):
            network, size, place = _choose()
            drawings = _read(network, strokes)
            digit = _digit(strokes, drawings)
            shown = drawings[size, place]
            st.html(grid_html([_figure(*each) for each in _numbered(shown)], columns=4, least=7))
    counts = agreeing(drawings, digit)
    _show_counts(counts, len(drawings), shown, digit)
    return ReadPlaces(shown, digit, counts, len(drawings))


def _choose() -> "tuple[Run, str, str]":
    """Show the choices of network, size and place on the canvas; return them."""
    network = pick_run()
    sizes = {"small": _("Small"), "medium": _("Medium"), "large": _("Large")}
    places = {
        "middle": _("Middle"),
        "top_left": _("Top left"),
        "top_right": _("Top right"),
        "bottom_right": _("Bottom right"),
    }
    with st.container(horizontal=True, gap="medium"):
        size = url_segments(_("Put it on the canvas"), sizes, SIZE_KEY, "small")
        place = url_segments(_("Where"), places, PLACE_KEY, "top_left")
    return network, size, place


def _read(network: "Run", strokes: Strokes) -> "dict[tuple[str, str], PlacedDrawing]":
    points = tuple(tuple((float(x), float(y)) for x, y in stroke) for stroke in strokes)
    return _read_all(str(network.checkpoints[-1]), points, network)


@st.cache_data(show_spinner=False, max_entries=64)
def _read_all(
    checkpoint: str, strokes: tuple[tuple[tuple[float, float], ...], ...], _run: "Run"
) -> "dict[tuple[str, str], PlacedDrawing]":
    from mnist_core.lessons.canvas_places import read_all_places

    return read_all_places(resources.model(_run), strokes, SIDE, PEN, calibration(_run))


def _digit(strokes: Strokes, drawings: "dict[tuple[str, str], PlacedDrawing]") -> int:
    """Return the drawing's digit: known for the example, else the prediction after all steps."""
    from mnist_core.lessons.canvas_places import EXAMPLE, EXAMPLE_DIGIT

    if strokes is EXAMPLE:
        return EXAMPLE_DIGIT
    read = [drawing.predictions[-1].label for drawing in drawings.values()]
    return int(np.bincount([label for label in read if label is not None]).argmax())


def _numbered(shown: "PlacedDrawing") -> "list[tuple[str, np.ndarray, Prediction]]":
    names = [f"{number}. {_(step.name)}" for number, step in enumerate(shown.steps, 1)]
    images = [step.image for step in shown.steps]
    return list(zip(names, images, shown.predictions, strict=True))


def _figure(name: str, image: np.ndarray, prediction: "Prediction") -> Figure:
    """Return a step's image with its prediction."""
    return Figure(image, f"{name}<br>{short_answer(prediction)}", name)


def _show_counts(counts: list[int], places: int, shown: "PlacedDrawing", digit: int) -> None:
    """Show after each step at how many sizes and places the digit is read."""
    head = [_("If preprocessing ended here"), format_text(_("read as {digit}"), digit=digit)]
    rows = [
        [f"{number}. {_(step.name)}", _("{count} of {all}").format(count=count, all=places)]
        for number, (step, count) in enumerate(zip(shown.steps, counts, strict=True), 1)
    ]
    st.html(table_html(head, rows, strong=len(rows) - 1, words=_("After each step")))
    words = _("All {places} sizes and places of the two controls were tried: 3 sizes at 4 places.")
    st.caption(words.format(places=places))


def answer(result: ReadPlaces) -> str:
    """Return at how many sizes and places the digit is read, only shrunk and after all steps."""
    words = _(
        "Only shrunk: {few} of {all} sizes and places read as {digit}. After all steps: {many} of {all}."
    )
    return words.format(
        few=result.agreeing[0], many=result.agreeing[-1], all=result.places, digit=result.digit
    )


def explain(result: ReadPlaces) -> None:
    """Say why the steps are needed, with the centre of mass of this drawing."""
    st.markdown(
        _(
            "A network knows only what its training images look like. MNIST's digits were scaled to a "
            "longer side of 20 pixels and moved so that their **centre of mass** is in the middle of 28 x "
            "28. A drawing must get the same **preprocessing**: crop to the bounding box, scale to 20 pixels "
            "with MNIST's line width, centre. Then it no longer matters where and how large you drew."
        )
    )
    first, last = result.shown.steps[0].image, result.shown.steps[-1].image
    st.latex(
        r"\bar{x} = \frac{\sum_i x_i \, p_i}{\sum_i p_i} \qquad "
        r"\bar{y} = \frac{\sum_i y_i \, p_i}{\sum_i p_i}"
    )
    words = _(
        "p is the ink of a pixel, x its column and y its row, from 0. In this drawing, only shrunk, the "
        "centre of mass is at ({x1:.1f}, {y1:.1f}); after all steps at ({x2:.1f}, {y2:.1f}). That of MNIST's "
        "digits is about (14, 14)."
    )
    (x1, y1), (x2, y2) = _centre(first), _centre(last)
    st.markdown(format_text(words, x1=x1, y1=y1, x2=x2, y2=y2))
    st.markdown(
        _(
            "What is left when a prepared drawing is still read wrong: a form that the training images lack. "
            "Training on shifted and turned images (augmentation) can help against it."
        )
    )


def _centre(image: np.ndarray) -> tuple[float, float]:
    """Return the centre of mass of uint8 [28, 28]: column and row, from 0."""
    ink = image.astype(float)
    total = max(ink.sum(), 1.0)
    places = np.arange(len(image))
    return float((ink.sum(axis=0) * places).sum() / total), float((ink.sum(axis=1) * places).sum() / total)


def training(result: ReadPlaces) -> dict[str, Any]:
    """Return a quick network that trains on shifted, turned and scaled images."""
    return {"recipe": "quick", "augmentation": "affine"}
