"""The visitor's own test sheet: drawings with what they really were, kept in the session, to take away."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from mnist_core.messages import N_, InputError
from mnist_core.reading.drawing import Strokes, read_strokes_line, strokes_to_image

SHEET_KEY = "own_sheet"
MOST_DRAWINGS = 500
MOST_BYTES = 5_000_000  # of a sheet that is brought back


@dataclass(frozen=True, eq=False)
class Labelled:
    """A drawing, what it was really of, and the image uint8 [28, 28] made of it."""

    strokes: Strokes
    label: int
    image: np.ndarray


def sheet() -> list[Labelled]:
    """Return the drawings kept so far."""
    return st.session_state.setdefault(SHEET_KEY, [])


def labelled(strokes: Strokes, label: int) -> Labelled:
    """Make a drawing with its label; InputError for a blank one."""
    image = strokes_to_image(strokes)
    if image is None:
        raise InputError(N_("There is nothing drawn to keep."))
    return Labelled(strokes, label, image)


def drawn(strokes: Strokes, label: int) -> Labelled:
    """Make a drawing of strokes from the canvas, to a tenth of a pixel; InputError for a blank one."""
    return labelled(
        [[[round(float(x), 1), round(float(y), 1)] for x, y in stroke] for stroke in strokes], label
    )


def add(drawings: list[Labelled]) -> None:
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


def to_text(drawings: Sequence[Labelled]) -> str:
    """Return drawings as JSON lines: {"strokes": [[[x, y], ...], ...], "label": 0 to 9}."""
    return "".join(json.dumps({"strokes": one.strokes, "label": one.label}) + "\n" for one in drawings)


def from_text(content: bytes) -> list[Labelled]:
    """Read JSON lines as to_text writes them; InputError, naming the line, if they aren't."""
    if len(content) > MOST_BYTES:
        raise InputError(
            N_("This sheet is larger than {most} MB; bring a smaller one."), most=MOST_BYTES // 1_000_000
        )
    try:
        lines = content.decode().splitlines()
    except UnicodeDecodeError as error:
        raise InputError(N_("This is no sheet of drawings: bring one that was saved here.")) from error
    drawings = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            strokes, label = read_strokes_line(line, number)
            if label is None:
                raise InputError(N_("Line {line} doesn't say which digit it is."), line=number)
            drawings.append(labelled(strokes, label))
    return drawings
