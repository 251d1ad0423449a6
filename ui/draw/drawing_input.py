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


@dataclass(frozen=True, eq=False)
class ReadDrawing:
    """What a run reads in an input: its digits from left to right, each with its own strokes or ink."""

    writing: DrawingInput
    run: Run
    digits: "list[RowDigit]"

    @property
    def text(self) -> str:
        """The digits in a row, "?" for what is none."""
        return "".join(
            str(digit.prediction.label) if digit.prediction.is_digit else "?" for digit in self.digits
        )

    def steps(self, place: int) -> "list[PreprocessingStep]":
        """Return the preprocessing steps from the input to the 28 x 28 image of the digit at `place`."""
        from mnist_core.recognition.preprocessing_steps import picture_steps, stroke_steps

        digit = self.digits[place]
        if digit.strokes is not None:
            return stroke_steps(digit.strokes, SIDE, self.writing.pen)
        pixels = self.writing.pixels
        return picture_steps(pixels if len(self.digits) == 1 else cut_out(pixels, digit.box), digit.ink)


def read(run: Run, writing: DrawingInput, as_one: bool = False) -> ReadDrawing:
    """Have a run read an input, split into digits unless it is meant `as_one`."""
    return ReadDrawing(writing, run, read_digits(run, writing, as_one))


def read_digits(run: Run, writing: DrawingInput, as_one: bool) -> "list[RowDigit]":
    """Return the digits that a run reads in an input, from left to right; none in a blank one."""
    from mnist_core.recognition.segmentation import predict_pixels_row, predict_strokes_row

    how = resources.model(run), calibration(run)
    if as_one or writing.ready:
        return _read_as_one(how, writing)
    if writing.pixels is None:
        return predict_strokes_row(how[0], writing.strokes, how[1], writing.pen)
    return predict_pixels_row(how[0], writing.pixels, how[1])


def _read_as_one(how: tuple, writing: DrawingInput) -> "list[RowDigit]":
    from mnist_core.recognition.recognizer import predict
    from mnist_core.recognition.segmentation import Box, RowDigit

    prediction = predict(how[0], writing.as_one(), how[1])
    if prediction.blank:
        return []
    strokes = writing.strokes if writing.pixels is None else None
    return [RowDigit(Box(0, 0, *writing.size), prediction, False, strokes)]


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
