"""A visitor's input, drawn or uploaded, and the digits that a run recognises in it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from mnist_core.dataset_choices import DATASETS
from mnist_core.recognition.images import pixels_to_garment, pixels_to_image
from mnist_core.recognition.strokes import Strokes, strokes_to_image
from mnist_core.runs.run import Run
from mnist_core.runtime.process import import_scipy
from ui import resources
from ui.canvas import PEN, SIDE, THICKEST, THINNEST, clear_canvas, is_empty, show_canvas, undo_stroke
from ui.class_names import is_digits, without_markup
from ui.i18n import gettext as _

if TYPE_CHECKING:
    from mnist_core.models.modules import DigitClassifier
    from mnist_core.recognition.calibration import Calibration
    from mnist_core.recognition.preprocessing_steps import PreprocessingStep
    from mnist_core.recognition.segmentation import Box, RowDigit

INPUT_METHOD_KEY = "from"  # in the URL of the Draw page
PEN_KEY = "pen_width"
MARGIN = 0.15  # around a digit that is cut out of a picture, as a share of its longer side


@dataclass(frozen=True, eq=False)
class DrawingInput:
    """Pen strokes in canvas pixels, drawn `pen` px wide; or a picture as pixels_to_image takes it.

    `ready` is true for an image of the data, 28 x 28, which needs no preprocessing.
    """

    strokes: Strokes = ()
    pixels: np.ndarray | None = None
    pen: int = PEN
    ready: bool = False

    @property
    def is_blank(self) -> bool:
        """Whether nothing was drawn or shown."""
        return not self.strokes and self.pixels is None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the canvas or the picture, in pixels."""
        return (SIDE, SIDE) if self.pixels is None else (self.pixels.shape[1], self.pixels.shape[0])

    def as_one(self, drawn: bool = True) -> np.ndarray | None:
        """Return the whole input as the image of one digit, uint8 [28, 28]; None if it is blank.

        It is a thing in a picture, not writing, where the classes aren't `drawn`; then strokes are nothing.
        """
        if self.pixels is None:
            return strokes_to_image(self.strokes, self.pen) if drawn else None
        if self.ready:
            return self.pixels
        return pixels_to_image(self.pixels) if drawn else pixels_to_garment(self.pixels)


def draw(with_pen_width: bool = True) -> DrawingInput:
    """Show the canvas with its tools; return the strokes on it."""
    pen = st.session_state.get(PEN_KEY, PEN)
    strokes = show_canvas(pen)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="canvas_tools"):
        empty = is_empty()
        st.button(_("Undo"), icon=":material/undo:", on_click=undo_stroke, disabled=empty)
        st.button(_("Clear"), icon=":material/delete:", on_click=clear_canvas, disabled=empty)
        if with_pen_width:
            words, keep = _("Pen width"), "session"
            st.slider(words, THINNEST, THICKEST, PEN, 2, key=PEN_KEY, width=120, persist_state=keep)
    return DrawingInput(strokes, pen=pen)


@dataclass(frozen=True, eq=False)
class ReadDrawing:
    """The digits that a run recognises in an input, from left to right, each with its strokes or pixels."""

    writing: DrawingInput
    run: Run
    digits: "list[RowDigit]"

    @property
    def text(self) -> str:
        """The answer, such as "14/9" or "1 4/9 ?": see segmentation.row_text."""
        from mnist_core.recognition.segmentation import row_text

        return without_markup(row_text(self.digits))

    @property
    def lines(self) -> int:
        """How many lines the digits stand in."""
        return len({digit.line for digit in self.digits})

    def steps(self, place: int) -> "list[PreprocessingStep]":
        """Return the preprocessing steps from the input to the 28 x 28 image of the digit at `place`."""
        from mnist_core.recognition.preprocessing_steps import picture_steps, stroke_steps

        digit = self.digits[place]
        if not DATASETS[self.run.config.dataset].drawn:
            return []
        if digit.strokes is not None:
            return stroke_steps(digit.strokes, SIDE, self.writing.pen)
        pixels = self.writing.pixels
        return picture_steps(pixels if len(self.digits) == 1 else cut_out(pixels, digit.box), digit.ink)


def show_nothing_yet(reading: ReadDrawing) -> None:
    """Say in a section about a drawing that there is none yet."""
    words = _("Draw or show one first: this section is about what was read.")
    if is_digits(reading.run.config.dataset):
        words = _("Draw a digit first: this section is about your drawing.")
    st.info(words)


def read(run: Run, writing: DrawingInput, as_one: bool = False) -> ReadDrawing:
    """Return an input with the digits that a run recognises in it; `as_one` takes it as one digit."""
    return ReadDrawing(writing, run, read_digits(run, writing, as_one))


def read_digits(run: Run, writing: DrawingInput, as_one: bool) -> "list[RowDigit]":
    """Return the digits that a run recognises in an input, from left to right; none if it is blank."""
    if writing.is_blank:
        return []
    import_scipy()  # the first page does not
    from mnist_core.recognition.segmentation import predict_pixels_row, predict_strokes_row

    network, run_calibration = resources.model(run), calibration(run)
    if as_one or writing.ready or not DATASETS[run.config.dataset].drawn:
        return _read_as_one(network, run_calibration, writing)
    if writing.pixels is None:
        return predict_strokes_row(network, writing.strokes, run_calibration, writing.pen)
    return predict_pixels_row(network, writing.pixels, run_calibration)


def _read_as_one(
    network: "DigitClassifier", run_calibration: "Calibration | None", writing: DrawingInput
) -> "list[RowDigit]":
    from mnist_core.recognition.recognizer import predict
    from mnist_core.recognition.segmentation import Box, RowDigit

    prediction = predict(network, writing.as_one(DATASETS[network.dataset].drawn), run_calibration)
    if prediction.blank:
        return []
    strokes = writing.strokes if writing.pixels is None else None
    return [RowDigit(Box(0, 0, *writing.size), prediction, strokes)]


def cut_out(pixels: np.ndarray, box: "Box") -> np.ndarray:
    """Return the part of a picture around one digit, with a margin."""
    margin = MARGIN * max(box.right - box.left, box.bottom - box.top)
    rows = slice(max(0, int(box.top - margin)), int(box.bottom + margin) + 1)
    return pixels[rows, max(0, int(box.left - margin)) : int(box.right + margin) + 1]


def calibration(run: Run) -> "Calibration | None":
    """Return the calibration of a run's probabilities; None if the run has none."""
    return _calibration(str(run.checkpoints[-1]), run)


@st.cache_resource(show_spinner=False, max_entries=8)
def _calibration(checkpoint: str, _run: Run) -> "Calibration | None":
    return _run.load_calibration()
