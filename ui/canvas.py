"""The drawing canvas, read as pen strokes, and the images that the Draw page classified last.

The canvas keeps its drawing when the page is left; buttons undo and clear it.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st

SIDE = 280  # pixels, the unit of strokes; ui/browser.js has it too
PEN = 18
THINNEST, THICKEST = 4, 40
MOST_POINTS = 50_000  # of a drawing; more are thinned out, which can't be seen on 280 pixels
SAMPLES = np.linspace(0.25, 1, 4)[:, None]  # points taken from each curve of a path
ROUND_KEY = "canvas_round"  # a new number is a new canvas
DRAWING_KEY = "drawing"  # what is on it, in Fabric.js's JSON
MOUNTED_KEY = "canvas_mounted_with"

READ_KEY = "read_images"  # (input method, the images classified last: uint8 [28, 28] each)
READ_PLACE_KEY = "read_place"  # which of them the Draw page's sections are about
KEPT_METHODS = ("draw", "keys")  # input methods whose content is still there after a page switch

Stroke = list[tuple[float, float]]


def remember_read_images(method: str, images: Sequence[np.ndarray]) -> None:
    """Keep the images, uint8 [28, 28], that came from an input method ("draw", "upload").

    An empty canvas or grid forgets its own images. An empty upload or camera forgets nothing, as Streamlit
    empties them whenever the page is left.
    """
    kept_method, _images = st.session_state.get(READ_KEY, (None, ()))
    if images or (method == kept_method and method in KEPT_METHODS):
        st.session_state[READ_KEY] = (method, tuple(images))


def remember_read_place(place: int) -> None:
    """Keep which digit of a row was chosen to look at, from 0."""
    st.session_state[READ_PLACE_KEY] = place


def last_read_image() -> np.ndarray | None:
    """Return the image, uint8 [28, 28], that the network got last on the Draw page: the chosen digit's."""
    _method, images = st.session_state.get(READ_KEY, (None, ()))
    place = st.session_state.get(READ_PLACE_KEY, 0)
    return images[place if place < len(images) else 0] if images else None


def show_canvas(pen: int = PEN) -> list[Stroke]:
    """Show the canvas, white pen on black as in MNIST; return the strokes on it in canvas pixels."""
    from streamlit_drawable_canvas import st_canvas  # registers itself, which only a running app allows

    key = f"canvas-{st.session_state.setdefault(ROUND_KEY, 0)}"
    if key not in st.session_state:  # a new canvas gets the drawing of the one before
        st.session_state[MOUNTED_KEY] = st.session_state.get(DRAWING_KEY)
    with st.container(key="canvas_frame"):  # style.css enlarges it on a phone; the unit of strokes stays
        result = st_canvas(
            stroke_width=pen,
            stroke_color="#ffffff",
            background_color="#000000",
            height=SIDE,
            width=SIDE,
            initial_drawing=st.session_state[MOUNTED_KEY],
            key=key,
        )
    st.session_state[DRAWING_KEY] = result.json_data
    return strokes_of(result.json_data)


def is_empty() -> bool:
    """Whether nothing is on the canvas."""
    return not _paths(st.session_state.get(DRAWING_KEY))


def undo_stroke() -> None:
    """Remove the last stroke."""
    drawing = st.session_state.get(DRAWING_KEY)
    if drawing and drawing.get("objects"):
        _mount({**drawing, "objects": drawing["objects"][:-1]})


def clear_canvas() -> None:
    """Empty the canvas."""
    _mount(None)


def _mount(drawing: dict[str, Any] | None) -> None:
    """Replace the canvas by a new one with this drawing at the next rerun."""
    st.session_state[ROUND_KEY] = st.session_state.get(ROUND_KEY, 0) + 1
    st.session_state[DRAWING_KEY] = drawing


def strokes_of(drawing: dict[str, Any] | None) -> list[Stroke]:
    """Return the pen strokes of a Fabric.js drawing, with their shift, rotation and scale applied."""
    paths = _paths(drawing)
    commands = sum(len(shape["path"]) for shape in paths)
    every = -(-commands * len(SAMPLES) // MOST_POINTS)
    return [_placed(shape, _points(shape["path"], every)) for shape in paths]


def _paths(drawing: dict[str, Any] | None) -> list[dict[str, Any]]:
    return [shape for shape in (drawing or {}).get("objects", []) if shape.get("path")]


def _points(path: list[list[Any]], every: int) -> np.ndarray:
    """Follow a path of M (move), L (line) and Q (quadratic curve) commands: [n, 2], one point in `every`."""
    ends = np.array([command[-2:] for command in path], float)
    controls = np.array([command[1:3] for command in path], float)  # of a line, its own end
    is_curve = np.array([len(command) == 5 for command in path])
    starts = np.concatenate([ends[:1], ends[:-1]])
    curves = (
        (1 - SAMPLES) ** 2 * starts[:, None]
        + 2 * SAMPLES * (1 - SAMPLES) * controls[:, None]
        + SAMPLES**2 * ends[:, None]
    )
    kept = np.ones(curves.shape[:2], bool)
    kept[~is_curve, :-1] = False
    curves[:, -1] = ends
    points = curves[kept]
    return np.concatenate([points[:-1:every], points[-1:]])


def _placed(shape: dict[str, Any], stroke: np.ndarray) -> Stroke:
    """Apply an object's transform to its path's points, [n, 2]: Fabric gives middle, scales and angle."""
    middle = (stroke.min(axis=0) + stroke.max(axis=0)) / 2
    angle = np.radians(shape.get("angle", 0))
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    scaled = (stroke - middle) * [_scale(shape, "X"), _scale(shape, "Y")]
    place = [shape.get("left", middle[0]), shape.get("top", middle[1])]
    return [(float(x), float(y)) for x, y in scaled @ turn + place]


def _scale(shape: dict[str, Any], axis: str) -> float:
    return shape.get(f"scale{axis}", 1) * (-1 if shape.get(f"flip{axis}") else 1)
