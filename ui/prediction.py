"""What the network reads: the digit with its probabilities, or a row of digits with boxes."""

import base64
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from PIL import Image

from mnist_core.dataset_choices import DATASETS
from mnist_core.recognition.recognizer import Prediction
from ui.answers import answer_words, short_answer
from ui.class_names import class_names, is_digits, thing, without_markup
from ui.drawing_input import DrawingInput, ReadDrawing
from ui.fragments import clear_slots
from ui.html.digits import Figure, bars_html, figure_html, grid_html, png_url, sure_text
from ui.html.tables import table_html
from ui.i18n import count_text, ngettext, sentences_text
from ui.i18n import gettext as _

if TYPE_CHECKING:
    from mnist_core.recognition.segmentation import RowDigit


def show_answer(reading: ReadDrawing, instruction: str) -> None:
    """Show what was read; before there is anything, how to begin."""
    if not reading.digits:
        st.subheader(_("No digit yet") if is_digits(reading.run.config.dataset) else _("Nothing to read yet"))
        st.markdown(instruction)
        clear_slots(2)
    elif len(reading.digits) == 1:
        show_one(reading.digits[0].prediction)
    else:
        show_row(reading)


def show_one(prediction: Prediction) -> None:
    """Show the prediction for one digit, or that it is none, with the probabilities."""
    show_label(prediction)
    numbers, picture = st.columns([3, 2])
    with numbers:
        show_probabilities(prediction)
    with picture:
        show_input(prediction)
    clear_slots(1)


def show_label(prediction: Prediction) -> None:
    """Say which digit is read, between which two the network is not sure, or that it is none."""
    words = answer_words(prediction)
    st.subheader(words.heading)
    st.caption(words.sentence)


def show_probabilities(prediction: Prediction) -> None:
    """Show the probabilities as bars with their numbers."""
    st.html(probabilities_html(prediction))
    digits = is_digits(prediction.dataset)
    words = _("Softmax output: the probability of each class. They add up to 100%.")
    st.caption(
        _("Softmax output: the probability of each digit. The ten add up to 100%.") if digits else words
    )


def probabilities_html(prediction: Prediction) -> str:
    """Return the probabilities as bars; those of the answer stand out."""
    strong = {prediction.label, prediction.second} if prediction.is_unsure else {prediction.label}
    names, texts = class_names(prediction.dataset), [sure_text(p) for p in prediction.probabilities]
    return bars_html(names, prediction.probabilities, texts, strong)


def show_input(prediction: Prediction) -> None:
    """Show the image as the network gets it."""
    caption = _("Network input: scaled to 20 pixels and centred in 28 x 28.")
    if is_digits(prediction.dataset):
        caption = _("Network input: scaled to 20 pixels and centred in 28 x 28, as MNIST's digits are.")
    elif not DATASETS[prediction.dataset].drawn:
        caption = _("Network input: the picture without its background, 28 pixels long, on black.")
    alt = _("Your {thing} in 28 x 28 pixels").format(thing=thing(prediction.dataset))
    st.html(figure_html(Figure(prediction.image, caption, alt)), width=168)


def show_row(reading: ReadDrawing) -> None:
    """Show several digits: in a row, each in its box, and one by one."""
    show_row_label(reading)
    alt = _("Segmentation: your writing with a box around each {thing}")
    alt = alt.format(thing=thing(reading.run.config.dataset))
    sketch, figures = st.columns([2, 3], gap="small")
    with sketch:
        st.html(boxes_html(reading.writing, reading.digits, alt))
    with figures:
        st.html(row_html(reading))
    with st.expander(_("All probabilities")):
        st.html(probability_table([digit.prediction for digit in reading.digits]))


def show_row_label(reading: ReadDrawing) -> None:
    """Say which digits are read in a row, and how many of them are doubtful."""
    st.subheader(_("Prediction: {digits}").format(digits=reading.text))
    st.caption(sentences_text([_count_text(reading), *doubts(reading.digits)]))


def _count_text(reading: ReadDrawing) -> str:
    count, lines, digits = len(reading.digits), reading.lines, is_digits(reading.run.config.dataset)
    if lines == 1:
        words = (
            _("{count} digits, from left to right.") if digits else _("{count} images, from left to right.")
        )
        return words.format(count=count)
    words = _("{count} images in {lines} lines, read line by line.")
    if digits:
        words = _("{count} digits in {lines} lines, read line by line.")
    return words.format(count=count, lines=lines)


def doubts(digits: "Sequence[RowDigit]") -> list[str]:
    """Return sentences on how many digits of a row it is not sure of, and how many touched."""
    unsure = sum(digit.prediction.is_unsure for digit in digits)
    none = sum(not digit.prediction.is_digit for digit in digits)
    cut = sum(digit.cut for digit in digits)
    if all(is_digits(digit.prediction.dataset) for digit in digits):
        not_sure = ngettext(
            "Not sure of {n} digit: / means or.", "Not sure of {n} digits: / means or.", unsure
        )
        no_digit = ngettext("{n} does not look like a digit: ?", "{n} do not look like digits: ?", none)
        apart = _("{n} digits touched and were cut apart.")
    else:
        not_sure, apart = _("Not sure of {n}: / means or."), _("{n} touched and were cut apart.")
        no_digit = ngettext("{n} is only a dot: ?", "{n} are only dots: ?", none)
    found = [(unsure, not_sure), (none, no_digit), (cut, apart)]
    return [words.format(n=count) for count, words in found if count]


def row_html(reading: ReadDrawing) -> str:
    """Return the digits of a row as the network sees them, with their predictions."""
    return grid_html([_figure(*each) for each in enumerate(reading.digits, 1)], columns=4)


def _figure(place: int, digit: "RowDigit") -> Figure:
    """A digit of a row as the network sees it, with its answer."""
    alt = _("Number {n} of the row: {answer}")
    heading = answer_words(digit.prediction).heading
    return Figure(digit.prediction.image, short_answer(digit.prediction), alt.format(n=place, answer=heading))


def probability_table(predictions: list[Prediction]) -> str:
    """Return the probabilities in whole percent: a row for each digit that was found."""
    shares = np.stack([prediction.probabilities for prediction in predictions])
    head = ["%", *class_names(predictions[0].dataset)]
    rows = [
        [f"{number}.", *(count_text(100 * share) for share in row)] for number, row in enumerate(shares, 1)
    ]
    return table_html(head, rows, strengths=shares, style="lab-shares", words=_("All probabilities"))


SURE, UNSURE = "#5ab0f2", "#f0913a"
# Dashes distinguish unsure from sure without colour; a dark outline keeps digits readable on light paper.
STYLE = f"""<style>
.box {{ fill: none; stroke: {SURE}; }} .unsure .box {{ stroke: {UNSURE}; stroke-dasharray: 8 5; }}
text {{ fill: {SURE}; font: bold 1px sans-serif; paint-order: stroke; stroke: #000; stroke-width: 3px; }}
.unsure text {{ fill: {UNSURE}; }}
</style>"""
MOST_SIDE = 640  # pixels of a picture that is shown
MOST_POINTS = 1500  # of a drawing that is shown


def boxes_html(writing: DrawingInput, digits: "Sequence[RowDigit]", alt: str) -> str:
    """Return the input as a picture with its digits' boxes and predictions; `alt` describes it in words."""
    width, height = writing.size
    marks = "".join(_box_svg(writing, digit, max(width, height)) for digit in digits)
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}">{STYLE}{_ink_svg(writing)}{marks}</svg>'
    )
    url = "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
    return f'<img class="lab-sketch" src="{url}" alt="{escape(alt)}">'


def _ink_svg(writing: DrawingInput) -> str:
    width, height = writing.size
    if writing.pixels is not None:
        return f'<image href="{png_url(_smaller(writing.pixels))}" width="{width}" height="{height}"/>'
    every = 1 + sum(map(len, writing.strokes)) // MOST_POINTS
    lines = "".join(f'<polyline points="{_points(stroke, every)}"/>' for stroke in writing.strokes)
    return (
        f'<rect width="{width}" height="{height}"/>'
        f'<g fill="none" stroke="#fff" stroke-width="{writing.pen}" stroke-linecap="round" '
        f'stroke-linejoin="round">{lines}</g>'
    )


def _points(stroke: Sequence[Sequence[float]], every: int) -> str:
    thinned = [*stroke[:-1:every], stroke[-1], stroke[-1]]  # a single point becomes a line too
    return " ".join(f"{x:.0f},{y:.0f}" for x, y in thinned)


def _smaller(pixels: np.ndarray) -> np.ndarray:
    picture = Image.fromarray(pixels)
    picture.thumbnail((MOST_SIDE, MOST_SIDE))
    return np.asarray(picture)


def _box_svg(writing: DrawingInput, digit: "RowDigit", side: int) -> str:
    """Return a box around the ink, half a pen wider than the strokes, and the answer at its upper left."""
    reach = writing.pen / 2 if writing.pixels is None else 0
    left, top = digit.box.left - reach, digit.box.top - reach
    width = digit.box.right - digit.box.left + 2 * reach
    height = digit.box.bottom - digit.box.top + 2 * reach
    style = "unsure" if digit.unsure else "sure"
    size = 0.06 * side
    baseline = max(top - 0.15 * size, size)
    answer = without_markup(digit.prediction.text)
    text = f'<text x="{left:.1f}" y="{baseline:.1f}" style="font-size:{size:.1f}px">{answer}</text>'
    return (
        f'<g class="{style}"><rect class="box" x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" '
        f'height="{height:.1f}" stroke-width="{0.008 * side:.2f}"/>'
        f"{text}</g>"
    )
