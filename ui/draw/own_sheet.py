"""The visitor's own test sheet: digits with what they really were, kept in the session, to take away."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from mnist_core.messages import N_, InputError
from mnist_core.reading.drawing import strokes_to_image
from mnist_core.reading.sheet import Entry, read_entry
from ui.draw.writing import Writing

SHEET_KEY = "own_sheet"
MOST_DRAWINGS = 500
MOST_BYTES = 5_000_000  # of a sheet that is brought back


def sheet() -> list[Entry]:
    """Return the digits kept so far."""
    return st.session_state.setdefault(SHEET_KEY, [])


def entry(part: Writing, image: np.ndarray, label: int) -> Entry:
    """Make an entry of one digit: of its strokes, to a tenth of a pixel, or of what was read of a picture."""
    if part.pixels is not None:
        return Entry(image, label)
    strokes = [[[round(float(x), 1), round(float(y), 1)] for x, y in stroke] for stroke in part.strokes]
    return Entry(strokes_to_image(strokes), label, strokes)


def keep(digits: list[Entry]) -> None:
    """Add digits to the sheet, or correct their labels where they were the last to be added."""
    last = sheet()[-len(digits) :]
    if len(last) == len(digits) and all(
        np.array_equal(old.image, new.image) for old, new in zip(last, digits, strict=False)
    ):
        st.session_state[SHEET_KEY] = [*sheet()[: -len(digits)], *digits]
    else:
        add(digits)


def add(drawings: list[Entry]) -> None:
    """Add drawings to the sheet; InputError when they don't all fit."""
    if len(sheet()) + len(drawings) > MOST_DRAWINGS:
        raise InputError(
            N_("A sheet holds at most {most} drawings; download this one and begin another."),
            most=MOST_DRAWINGS,
        )
    st.session_state[SHEET_KEY] = [*sheet(), *drawings]


def remove(place: int) -> None:
    """Take a drawing off the sheet."""
    st.session_state[SHEET_KEY] = [one for number, one in enumerate(sheet()) if number != place]


def clear() -> None:
    """Empty the sheet."""
    st.session_state[SHEET_KEY] = []


def to_text(entries: Sequence[Entry]) -> str:
    """Return digits as JSON lines, of strokes or of pixels, as mnist_core.reading.sheet reads them."""
    return "".join(one.to_line() for one in entries)


def from_text(content: bytes) -> list[Entry]:
    """Read JSON lines as to_text writes them; InputError, naming the line, if they aren't."""
    if len(content) > MOST_BYTES:
        raise InputError(
            N_("This sheet is larger than {most} MB; bring a smaller one."), most=MOST_BYTES // 1_000_000
        )
    try:
        lines = content.decode().splitlines()
    except UnicodeDecodeError as error:
        raise InputError(N_("This is no sheet of drawings: bring one that was saved here.")) from error
    return [_labelled(line, number) for number, line in enumerate(lines, 1) if line.strip()]


def _labelled(line: str, number: int) -> Entry:
    """Read a line that has ink and a label."""
    one = read_entry(line, number)
    if one.label is None:
        raise InputError(N_("Line {line} doesn't say which digit it is."), line=number)
    if one.image is None:
        raise InputError(N_("Line {line} is blank: nothing is drawn there."), line=number)
    return one
