"""The drawing canvas: kept over page switches, cleared by a button, read as pen strokes."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import streamlit as st

SIDE = 280  # pixels; fits a phone
PEN = 18
SAMPLES = np.linspace(0.25, 1, 4)[:, None]  # points taken from each curve of a path
ROUND_KEY = "canvas_round"  # a new number is a new, empty canvas
DRAWING_KEY = "drawing"  # what is on it, in Fabric.js's JSON
MOUNTED_KEY = "canvas_mounted_with"

Stroke = list[tuple[float, float]]


def show_canvas() -> list[Stroke]:
    """Show the canvas, white pen on black as in MNIST; return the strokes on it in canvas pixels."""
    from streamlit_drawable_canvas import st_canvas  # registers itself, which only a running app allows

    key = f"canvas-{st.session_state.setdefault(ROUND_KEY, 0)}"
    if key not in st.session_state:  # mounted anew: bring back what was drawn before the page was left
        st.session_state[MOUNTED_KEY] = st.session_state.get(DRAWING_KEY)
    result = st_canvas(
        stroke_width=PEN,
        stroke_color="#ffffff",
        background_color="#000000",
        height=SIDE,
        width=SIDE,
        initial_drawing=st.session_state[MOUNTED_KEY],
        key=key,
    )
    st.session_state[DRAWING_KEY] = result.json_data
    return strokes_of(result.json_data)


def clear_canvas() -> None:
    """Empty the canvas: the next one shown is another, without a drawing."""
    st.session_state[ROUND_KEY] += 1
    st.session_state[DRAWING_KEY] = None


def strokes_of(drawing: dict[str, Any] | None) -> list[Stroke]:
    """Return the pen strokes of a Fabric.js drawing, where they were moved, turned and scaled to."""
    objects = (drawing or {}).get("objects", [])
    paths = [shape for shape in objects if shape.get("path")]
    return [_placed(shape, np.array(list(_points(shape["path"])))) for shape in paths]


def _points(path: list[list[Any]]) -> Iterator[np.ndarray]:
    """Follow a path of M (move), L (line) and Q (quadratic curve) commands."""
    here = np.zeros(2)
    for _command, *numbers in path:
        *control, end = np.reshape(numbers, (-1, 2)).astype(float)
        if control:
            yield from (1 - SAMPLES) ** 2 * here + 2 * SAMPLES * (1 - SAMPLES) * control[0] + SAMPLES**2 * end
        else:
            yield end
        here = end


def _placed(shape: dict[str, Any], stroke: np.ndarray) -> Stroke:
    """Put a path's points, [n, 2], where its object stands: Fabric gives middle, scales and angle."""
    middle = (stroke.min(axis=0) + stroke.max(axis=0)) / 2
    angle = np.radians(shape.get("angle", 0))
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    scaled = (stroke - middle) * [_scale(shape, "X"), _scale(shape, "Y")]
    place = [shape.get("left", middle[0]), shape.get("top", middle[1])]
    return [(float(x), float(y)) for x, y in scaled @ turn + place]


def _scale(shape: dict[str, Any], axis: str) -> float:
    return shape.get(f"scale{axis}", 1) * (-1 if shape.get(f"flip{axis}") else 1)
