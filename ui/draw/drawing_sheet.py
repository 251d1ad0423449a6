"""Labelled drawings kept in the visitor's session: label correction, JSON lines."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from mnist_core.messages import N_, InputError, Message
from mnist_core.recognition.labelled_drawings import LabelledDrawing, read_labelled_drawing, sheet_lines
from mnist_core.recognition.strokes import strokes_to_image
from mnist_core.runtime.limits import DRAWINGS, SHEET_BYTES
from ui.class_names import is_digits
from ui.draw.contrast import open_contrast
from ui.drawing_input import ReadDrawing
from ui.html.tables import markdown
from ui.i18n import gettext as _

if TYPE_CHECKING:
    from mnist_core.recognition.segmentation import RowDigit

SHEET_KEY = "own_sheet"
ANSWER_KEY = "label_answer"  # the outcome of the last correction: a message and its icon
NUMBER_KEY = "label_number"


def sheet() -> list[LabelledDrawing]:
    """Return the digits kept so far."""
    return st.session_state.setdefault(SHEET_KEY, [])


def entry(digit: "RowDigit", label: int) -> LabelledDrawing:
    """Make an entry of one digit: its strokes to a tenth of a pixel, or the image read from a picture."""
    if digit.strokes is None:
        return LabelledDrawing(digit.prediction.image, label)
    strokes = [[[round(float(x), 1), round(float(y), 1)] for x, y in stroke] for stroke in digit.strokes]
    return LabelledDrawing(strokes_to_image(strokes), label, strokes)


def keep(digits: list[LabelledDrawing]) -> None:
    """Add digits to the sheet, or correct their labels if they were added last."""
    last = sheet()[-len(digits) :]
    if len(last) == len(digits) and all(
        np.array_equal(old.image, new.image) for old, new in zip(last, digits, strict=False)
    ):
        st.session_state[SHEET_KEY] = [*sheet()[: -len(digits)], *digits]
    else:
        add(digits)


def add(drawings: list[LabelledDrawing]) -> None:
    """Add drawings to the sheet; InputError when they don't all fit."""
    _check_room(len(drawings))
    st.session_state[SHEET_KEY] = [*sheet(), *drawings]


def _check_room(more: int) -> None:
    most = DRAWINGS.value(True)
    if most is not None and len(sheet()) + more > most:
        raise InputError(
            N_("A test set holds at most {most} drawings; download this one and start another."), most=most
        )


def remove(place: int) -> None:
    """Remove a drawing from the test set."""
    st.session_state[SHEET_KEY] = [one for number, one in enumerate(sheet()) if number != place]


def clear() -> None:
    """Empty the sheet."""
    st.session_state[SHEET_KEY] = []


def to_text(entries: Sequence[LabelledDrawing]) -> str:
    """Return digits as JSON lines, of strokes or of pixels, as recognition.labelled_drawings reads them."""
    return "".join(one.to_line() for one in entries)


def from_text(content: bytes) -> list[LabelledDrawing]:
    """Read JSON lines as to_text writes them; InputError, naming the line, if they aren't.

    Its size and number of lines are checked before any is drawn.
    """
    most = SHEET_BYTES.value(True)
    if most is not None and len(content) > most:
        raise InputError(
            N_("This file is larger than {most} MB; choose a smaller one."), most=most // 1_000_000
        )
    try:
        lines = sheet_lines(content)
    except UnicodeDecodeError:
        lines = []
    filled = sum(bool(line.strip()) for line in lines)
    if not filled:
        raise InputError(N_("This file holds no labelled drawings; choose one that was saved here."))
    _check_room(filled)
    return [_labelled(line, number) for number, line in enumerate(lines, 1) if line.strip()]


def _labelled(line: str, number: int) -> LabelledDrawing:
    """Read a line that has ink and a label."""
    one = read_labelled_drawing(line, number)
    if one.label is None:
        raise InputError(N_("Line {line} has no label; add the digit that it shows."), line=number)
    if one.image is None:
        raise InputError(N_("Line {line} has an empty drawing; remove the line."), line=number)
    return one


def show_label_correction(reading: ReadDrawing) -> None:
    """Offer to say what was really written; not for an image of MNIST, whose label is known."""
    if answer := st.session_state.pop(ANSWER_KEY, None):
        message, icon = answer
        st.toast(markdown(message), icon=icon)
    if not reading.digits or reading.writing.ready or not is_digits(reading.run.config.dataset):
        return
    key = f"label-{len(sheet())}"  # a new key once a digit was kept, so that it closes
    with st.popover(_("Correct the label"), icon=":material/edit:", key=key):
        st.markdown(_("Your label is saved in your own test set: see **My handwriting** below."))
        if len(reading.digits) == 1:
            _show_digits(reading)
        else:
            _show_number(reading)


def _show_digits(reading: ReadDrawing) -> None:
    with st.container(horizontal=True, gap="xsmall"):
        for digit in range(10):
            st.button(str(digit), key=f"label_{digit}", on_click=_keep, args=(reading, str(digit)), width=44)


def _show_number(reading: ReadDrawing) -> None:
    count = len(reading.digits)
    order = _("All {n} digits, from left to right")
    if reading.lines > 1:
        order = _("All {n} digits, line by line from left to right")
    with st.form("label_form", border=False):
        st.text_input(order.format(n=count), key=NUMBER_KEY, max_chars=count)
        st.form_submit_button(_("Save"), on_click=_keep_number, args=(reading,))


def _keep_number(reading: ReadDrawing) -> None:
    text, count = st.session_state[NUMBER_KEY].strip(), len(reading.digits)
    if len(text) == count and text.isascii() and text.isdecimal():
        _keep(reading, text)
        st.session_state[NUMBER_KEY] = ""
    else:
        words = N_("It found {n} digits, so enter {n} figures; nothing was saved.")
        st.session_state[ANSWER_KEY] = (Message(words, {"n": count}), ":material/error:")


def _keep(reading: ReadDrawing, text: str) -> None:
    try:
        keep([entry(digit, int(label)) for digit, label in zip(reading.digits, text, strict=True)])
    except InputError as error:
        st.session_state[ANSWER_KEY] = (error.message, ":material/error:")
    else:
        words = N_("Saved as {digits} in My handwriting below.")
        read = reading.digits[0].prediction.label
        if len(text) == 1 and int(text) != read:
            open_contrast(read, int(text))
            words = N_("Saved as {digits} in My handwriting. See below why the network read {read}.")
        kept = Message(words, {"digits": text, "read": read})
        st.session_state[ANSWER_KEY] = (kept, ":material/check:")
