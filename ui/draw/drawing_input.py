"""What a visitor drew or brought, and what a run reads in it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from mnist_core.recognition.images import pixels_to_image
from mnist_core.recognition.strokes import Strokes, strokes_to_image
from mnist_core.runs.run import Run
from ui import resources
from ui.canvas import PEN, SIDE

if TYPE_CHECKING:
    from mnist_core.recognition.calibration import Calibration
    from mnist_core.recognition.preprocessing_steps import PreprocessingStep
    from mnist_core.recognition.segmentation import Box, RowDigit

MARGIN = 0.15  # of a digit's longer side, that is cut out around it


@dataclass(frozen=True, eq=False)
class DrawingInput:
    """Pen strokes in canvas pixels, drawn `pen` px wide; or a picture as pixels_to_image takes it.

    `ready` is true of a picture that is 28 x 28 as MNIST's are, and read as it is.
    """

    strokes: Strokes = ()
    pixels: np.ndarray | None = None
    pen: int = PEN
    ready: bool = False

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of what it was written on, in pixels."""
        return (SIDE, SIDE) if self.pixels is None else (self.pixels.shape[1], self.pixels.shape[0])

    def as_one(self) -> np.ndarray | None:
        """Return all of it as one digit, uint8 [28, 28]; None for a blank."""
        if self.pixels is None:
            return strokes_to_image(self.strokes, self.pen)
        return self.pixels if self.ready else pixels_to_image(self.pixels)

    def steps(self) -> "list[PreprocessingStep]":
        """Return the steps from it to 28 x 28."""
        from mnist_core.recognition.preprocessing_steps import picture_steps, stroke_steps

        if self.pixels is None:
            return stroke_steps(self.strokes, SIDE, self.pen)
        return picture_steps(self.pixels)


@dataclass(frozen=True, eq=False)
class ReadDrawing:
    """What a run reads in a writing: its digits from left to right, each with its own part of the writing."""

    writing: DrawingInput
    run: Run
    digits: "list[RowDigit]"
    parts: list[DrawingInput]

    @property
    def text(self) -> str:
        """The digits in a row, "?" for what is none."""
        return "".join(
            str(digit.prediction.label) if digit.prediction.is_digit else "?" for digit in self.digits
        )


def read(run: Run, writing: DrawingInput, as_one: bool = False) -> ReadDrawing:
    """Have a run read a writing, split into digits unless it is meant `as_one`."""
    digits, parts = read_digits(run, writing, as_one)
    return ReadDrawing(writing, run, digits, parts)


def read_digits(run: Run, writing: DrawingInput, as_one: bool) -> "tuple[list[RowDigit], list[DrawingInput]]":
    """Return the digits and the part of the writing that each is."""
    from mnist_core.recognition.segmentation import predict_pixels_row, predict_strokes_row, strokes_within

    how = resources.model(run), calibration(run)
    if as_one or writing.ready:
        return _read_as_one(how, writing)
    if writing.pixels is None:
        digits = predict_strokes_row(how[0], writing.strokes, how[1], writing.pen)
        parts = [strokes_within(writing.strokes, digit.box) for digit in digits]
        return digits, [DrawingInput(part, pen=writing.pen) for part in parts]
    digits = predict_pixels_row(how[0], writing.pixels, how[1])
    if len(digits) == 1:
        return digits, [writing]
    return digits, [DrawingInput(pixels=cut_out(writing.pixels, digit.box)) for digit in digits]


def _read_as_one(how: tuple, writing: DrawingInput) -> "tuple[list[RowDigit], list[DrawingInput]]":
    from mnist_core.recognition.recognizer import predict
    from mnist_core.recognition.segmentation import Box, RowDigit

    prediction = predict(how[0], writing.as_one(), how[1])
    return (
        ([], []) if prediction.blank else ([RowDigit(Box(0, 0, *writing.size), prediction, False)], [writing])
    )


def cut_out(pixels: np.ndarray, box: "Box") -> np.ndarray:
    """Cut a digit out of its picture, with some paper around it."""
    margin = MARGIN * max(box.right - box.left, box.bottom - box.top)
    rows = slice(max(0, int(box.top - margin)), int(box.bottom + margin) + 1)
    return pixels[rows, max(0, int(box.left - margin)) : int(box.right + margin) + 1]


def calibration(run: Run) -> "Calibration | None":
    """Return what makes a run's answers honest, if it has that."""
    return _calibration(str(run.checkpoints[-1]), run)


@st.cache_resource(show_spinner=False, max_entries=8)
def _calibration(checkpoint: str, _run: Run) -> "Calibration | None":
    return _run.load_calibration()
