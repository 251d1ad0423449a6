"""The ways to bring a digit: by pen, by keyboard, as pictures, by the camera."""

from collections.abc import Callable

import numpy as np
import streamlit as st

from mnist_core.messages import InputError
from mnist_core.reading.pictures import read_picture, reduced
from ui import resources
from ui.canvas import PEN, THICKEST, THINNEST, clear_canvas, is_empty, show_canvas, undo_stroke
from ui.controls import choice_in_url
from ui.digits import Figure, figure_html
from ui.draw.pictures import Upload
from ui.draw.writing import Writing
from ui.translation import gettext as _
from ui.translation import say
from ui.url import in_url

WAY_KEY = "from"
SENT_KEY = "sent"  # an image of MNIST that another page sent here
PEN_KEY = "pen_width"


def choose_way() -> str:
    """Show the ways; return the key of one in WAYS."""
    names = {"draw": _("Pen"), "keys": _("Keyboard"), "upload": _("Pictures"), "camera": _("Camera")}
    sent = sent_number()
    if sent:
        names = {"sent": _("Image no. {number}").format(number=f"{sent[1]:,}"), **names}
    return choice_in_url(
        st.segmented_control,
        _("Digit"),
        names,
        WAY_KEY,
        "sent" if sent else "draw",
        required=True,
        label_visibility="collapsed",
    )


def hint(way: str) -> str:
    """Say how to begin, by the key of a way."""
    if way == "draw":
        return _("Write a digit, or several in a row. After each stroke the network says what it reads.")
    if way == "keys":
        return _(
            "Go about the grid with the arrow keys and ink with the space bar; space on ink erases it. With "
            "Shift held, the arrow keys draw a line."
        )
    return _("Bring a picture of a digit, or of several in a row, and the network says what it reads.")


def draw() -> Writing:
    """Show the canvas; return what is on it."""
    pen = st.session_state.get(PEN_KEY, PEN)
    with st.container(key="canvas"):
        strokes = show_canvas(pen)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="canvas_tools"):
        empty = is_empty()
        st.button(_("Undo"), icon=":material/undo:", on_click=undo_stroke, disabled=empty)
        st.button(_("Clear"), icon=":material/delete:", on_click=clear_canvas, disabled=empty)
        st.slider(_("Pen width"), THINNEST, THICKEST, PEN, 2, key=PEN_KEY, width=120, persist_state="session")
    return Writing(strokes, pen=pen)


def use_keys() -> Writing:
    """Show the grid that keys ink; return what is on it."""
    from ui.draw.keyboard import clear_grid, show_grid

    pixels = show_grid()
    st.button(_("Clear"), icon=":material/delete:", on_click=clear_grid, disabled=not pixels.any())
    return Writing(pixels=pixels)


def upload() -> Writing | list[Upload]:
    """Show the upload; return the one picture, or the files when there are many."""
    files = st.file_uploader(
        _("Pictures of digits, PNG or JPEG: one, or many at once"),
        type=["png", "jpg", "jpeg"],
        accept_multiple_files=True,
    )
    if len(files) > 1:
        return [Upload(file.name, file.getvalue()) for file in files]
    return _pictured(files[0].name, files[0].getvalue()) if files else Writing()


def photograph() -> Writing:
    """Show the camera; return the picture taken."""
    picture = st.camera_input(_("Hold up what you wrote, dark on light paper, and take a picture"))
    return _pictured(_("The picture"), picture.getvalue()) if picture else Writing()


def sent_number() -> tuple[str, int] | None:
    """Return which image a link of another page sent here, such as ("test", 42) for `sent=test-42`."""
    name, _dash, number = in_url().get(SENT_KEY, "").partition("-")
    ours = name in ("train", "test") and number.isdecimal() and len(number) < 10
    return (name, int(number)) if ours else None


def take_sent() -> Writing:
    """Show the image that was sent here; return it."""
    name, number = sent_number()
    data = resources.dataset()
    split = data.test if name == "test" else data.train
    if number >= len(split):
        st.warning(_("There is no image {number} here.").format(number=f"{number:,}"))
        return Writing()
    label = split.labels[number]
    alt = _("A handwritten {label}, image number {number}").format(label=label, number=number)
    st.html(figure_html(Figure(split.images[number], _("Label <b>{label}</b>").format(label=label), alt)))
    return Writing(pixels=np.array(split.images[number]), ready=True)


def _pictured(name: str, content: bytes) -> Writing:
    try:
        pixels = read_picture(content, name)
    except InputError as error:
        st.error(say(error.message))
        return Writing()
    st.image(pixels, caption=name, width=220)
    return Writing(pixels=reduced(pixels))


WAYS: dict[str, Callable[[], Writing | list[Upload]]] = {
    "draw": draw,
    "keys": use_keys,
    "upload": upload,
    "camera": photograph,
    "sent": take_sent,
}
