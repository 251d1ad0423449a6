"""Input methods: pen, keyboard grid, pictures, camera, an image of the data."""

from collections.abc import Callable
from html import escape
from pathlib import Path

import numpy as np
import streamlit as st

from mnist_core.data.mnist import ImageReference
from mnist_core.dataset_choices import DATASETS
from mnist_core.messages import InputError
from mnist_core.recognition.images import downscaled
from mnist_core.recognition.picture_files import ENDINGS, read_picture
from ui import resources
from ui.class_names import class_name, class_names, dataset_name, image_alt, is_digits
from ui.draw.picture_table import Upload
from ui.drawing_input import INPUT_METHOD_KEY, DrawingInput, draw
from ui.file_transfers import check_pictures, forget
from ui.html.digits import Figure, figure_html
from ui.html.tables import escape_markdown, markdown
from ui.i18n import count_text, list_text
from ui.i18n import gettext as _
from ui.train_form.state import read_form
from ui.url_controls import url_segments
from ui.url_state import DATASET_KEY, SENT_KEY, url_parameters

UPLOAD_ROUND_KEY = "upload_round"  # a new number is a new, empty upload
UPLOAD_PROBLEM_KEY = "upload_problem"


def choose_input_method() -> str:
    """Show the choice of input method; return its key in INPUT_METHODS."""
    names = {"draw": _("Pen"), "keys": _("Keyboard"), "upload": _("Pictures"), "camera": _("Camera")}
    sent = sent_image()
    if sent:
        names = {"sent": _("Image no. {number}").format(number=count_text(sent.number)), **names}
    return url_segments(
        _("Input"), names, INPUT_METHOD_KEY, "sent" if sent else "draw", label_visibility="collapsed"
    )


def instruction(method: str, dataset: str) -> str:
    """Return what to do first with an input method, by its key in INPUT_METHODS, for a run on a data set."""
    if not DATASETS[dataset].drawn:
        words = _("This network knows {classes}. Choose Pictures or Camera above and show it one of them.")
        return words.format(classes=list_text(class_names(dataset)))
    if method in ("draw", "upload", "camera") and not is_digits(dataset):
        words = _("This network learned {name}: draw one of {classes}, or show it a picture of one.")
        return words.format(name=dataset_name(dataset), classes=", ".join(class_names(dataset)))
    if method == "draw":
        return _(
            "Draw a digit, or several in one or more lines. The prediction is updated after each stroke."
        )
    if method == "keys":
        return _(
            "Move on the grid with the arrow keys; press the space bar to ink a pixel or to erase "
            "it. Hold Shift and press the arrow keys to draw a line."
        )
    return _("Upload or take a picture of one digit, or of several in one or more lines.")


def use_keys() -> DrawingInput:
    """Show the grid that is drawn on with the keyboard; return its pixels."""
    pixels = show_grid()
    st.button(_("Clear"), icon=":material/delete:", on_click=clear_grid, disabled=not pixels.any())
    return DrawingInput(pixels=pixels)


def upload() -> DrawingInput | list[Upload]:
    """Show the file upload; return one picture as an input, or the files if there are several."""
    files = st.file_uploader(
        _("Pictures (PNG, JPEG, HEIC and others), one or many"),
        type=list(ENDINGS),
        accept_multiple_files=True,
        key=f"pictures_{st.session_state.setdefault(UPLOAD_ROUND_KEY, 0)}",
        on_change=_check_upload,
    )
    if problem := st.session_state.pop(UPLOAD_PROBLEM_KEY, None):
        st.error(markdown(problem))
    if len(files) > 1:
        return [Upload(file.name, file.getvalue()) for file in files]
    return _pictured(files[0].name, files[0].getvalue()) if files else DrawingInput()


def _check_upload() -> None:
    """Free the memory of files beyond the limits, and keep the message about them."""
    number = st.session_state[UPLOAD_ROUND_KEY]
    files = st.session_state[f"pictures_{number}"]
    try:
        check_pictures(files)
    except InputError as error:
        forget(files)
        st.session_state[UPLOAD_PROBLEM_KEY] = error.message
        st.session_state[UPLOAD_ROUND_KEY] = number + 1


def photograph() -> DrawingInput:
    """Show the camera; return the picture taken."""
    picture = st.camera_input(
        _("Hold your writing, dark on light paper, up to the camera and take a picture")
    )
    return _pictured(_("The picture"), picture.getvalue()) if picture else DrawingInput()


def sent_image() -> ImageReference | None:
    """Return which image a link of another page sent here, such as `sent=test-42`; None without its set."""
    if DATASET_KEY in read_form().unusable:
        return None
    return ImageReference.parse(url_parameters().get(SENT_KEY, ""))


def take_sent() -> DrawingInput:
    """Show the image that was sent here; return it."""
    file, number = sent_image()
    data = resources.dataset(read_form().settings["dataset"])
    split = data.files.get(file, data.test)
    if number >= len(split):
        st.warning(_("There is no image {number} here.").format(number=count_text(number)))
        return DrawingInput()
    name = escape(class_name(split.dataset, int(split.labels[number])))
    caption, alt = _("Label <b>{label}</b>").format(label=name), image_alt(split, number)
    st.html(figure_html(Figure(split.images[number], caption, alt)))
    return DrawingInput(pixels=np.array(split.images[number]), ready=True)


def _pictured(name: str, content: bytes) -> DrawingInput:
    try:
        pixels = read_picture(content, name)
    except InputError as error:
        st.error(markdown(error.message))
        return DrawingInput()
    smaller = downscaled(pixels)
    st.image(smaller, caption=escape_markdown(name), width=220)
    return DrawingInput(pixels=smaller)


INPUT_METHODS: dict[str, Callable[[], DrawingInput | list[Upload]]] = {
    "draw": draw,
    "keys": use_keys,
    "upload": upload,
    "camera": photograph,
    "sent": take_sent,
}

SIDE = 28
ENLARGED = 10  # times, to the 280 pixels of the canvas
GRID_KEY = "grid"  # its pixels: a text of 784 digits 0 and 1, row by row
ROUND_KEY = "grid_round"  # a new number is a new, empty grid
EMPTY = "0" * SIDE * SIDE

HERE = Path(__file__).parent
# The name must be unique in the server, in which Streamlit registers it.
_grid = st.components.v2.component(
    "digitlab_grid",
    html='<div class="grid"></div><p class="place" aria-live="polite"></p>',
    css=(HERE / "pixel_grid.css").read_text(),
    js=(HERE / "pixel_grid.js").read_text(),
)


def show_grid() -> np.ndarray:
    """Show the grid; return its pixels, enlarged to the canvas's size: uint8 [280, 280], 0 or 255."""
    number = st.session_state.setdefault(ROUND_KEY, 0)
    words = {
        "label": _("Grid of 28 by 28 pixels: arrow keys move, space inks or erases, Shift and arrows draw"),
        "cell": _("row {row}, column {column}: {what}"),
        "ink": _("ink"),
        "paper": _("background"),
    }
    result = _grid(
        data={"ink": st.session_state.get(GRID_KEY, EMPTY), "words": words},
        key=f"grid-{number}",
        default={"ink": st.session_state.get(GRID_KEY, EMPTY)},
        on_ink_change=lambda: None,
    )
    st.session_state[GRID_KEY] = checked(result.get("ink"))
    inked = np.array([int(pixel) for pixel in st.session_state[GRID_KEY]], np.uint8).reshape(SIDE, SIDE)
    return np.kron(inked * 255, np.ones((ENLARGED, ENLARGED), np.uint8))


def checked(ink: object) -> str:
    """Return what a browser sent, or an empty grid unless it is a text of 784 digits 0 and 1."""
    return ink if isinstance(ink, str) and len(ink) == len(EMPTY) and set(ink) <= {"0", "1"} else EMPTY


def clear_grid() -> None:
    """Empty the grid."""
    st.session_state[ROUND_KEY] = st.session_state.get(ROUND_KEY, 0) + 1
    st.session_state[GRID_KEY] = EMPTY
