"""A grid of 28 x 28 that arrow keys and the space bar ink, for who can't or won't draw."""

from pathlib import Path

import numpy as np
import streamlit as st

from ui.translation import gettext as _

SIDE = 28
ENLARGED = 10  # times, so that its ink has the pen of a canvas of 280 pixels
GRID_KEY = "grid"  # what is inked: a text of 784 0s and 1s, row by row
ROUND_KEY = "grid_round"  # a new number is a new, empty grid
EMPTY = "0" * SIDE * SIDE

HERE = Path(__file__).parent
# The name must be the app's own; Streamlit registers it with each server that runs it.
_grid = st.components.v2.component(
    "digitlab_grid",
    html='<div class="grid"></div><p class="place" aria-live="polite"></p>',
    css=(HERE / "keyboard.css").read_text(),
    js=(HERE / "keyboard.js").read_text(),
)


def show_grid() -> np.ndarray:
    """Show the grid; return what is inked: uint8 [280, 280], 0 or 255."""
    number = st.session_state.setdefault(ROUND_KEY, 0)
    words = {
        "label": _("Grid of 28 by 28 pixels: arrow keys move, space inks or erases, Shift and arrows draw"),
        "cell": _("row {row}, column {column}: {what}"),
        "ink": _("ink"),
        "paper": _("paper"),
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
    """Return what a browser sent, or an empty grid if it is anything but 784 0s and 1s."""
    return ink if isinstance(ink, str) and len(ink) == len(EMPTY) and set(ink) <= {"0", "1"} else EMPTY


def clear_grid() -> None:
    """Empty the grid."""
    st.session_state[ROUND_KEY] = st.session_state.get(ROUND_KEY, 0) + 1
    st.session_state[GRID_KEY] = EMPTY
