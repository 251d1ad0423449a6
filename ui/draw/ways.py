"""The ways to bring a digit: by pen, by keyboard, as pictures, by the camera."""

from collections.abc import Callable

import streamlit as st

from mnist_core.messages import InputError
from mnist_core.reading.pictures import read_picture, reduced
from ui.canvas import PEN, THICKEST, THINNEST, clear_canvas, is_empty, show_canvas, undo_stroke
from ui.draw.pictures import Upload
from ui.draw.writing import Writing
from ui.state import choice_in_url
from ui.translation import gettext as _
from ui.translation import say

WAY_KEY = "from"
PEN_KEY = "pen_width"


def choose_way() -> str:
    """Show the ways; return the key of one in WAYS."""
    names = {"draw": _("Pen"), "keys": _("Keyboard"), "upload": _("Pictures"), "camera": _("Camera")}
    return choice_in_url(
        st.segmented_control,
        _("Digit"),
        names,
        WAY_KEY,
        "draw",
        required=True,
        label_visibility="collapsed",
    )


def draw() -> Writing:
    """Show the canvas; return what is on it."""
    st.markdown(_("Write a digit, or several in a row. After each stroke the network says what it reads."))
    pen = st.session_state.get(PEN_KEY, PEN)
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

    st.markdown(
        _(
            "Go about the grid with the arrow keys and ink with the space bar; space on ink erases it. With "
            "Shift held, the arrow keys draw a line."
        )
    )
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
}
