"""Weights and activations as small pictures: blue for above zero, orange for below, paper for none."""

import base64
from collections.abc import Iterable
from html import escape
from io import BytesIO

import numpy as np
from PIL import Image

from ui.colours import hues


def signed_url(values: np.ndarray, largest: float) -> str:
    """Return values [H, W] as the data URL of a PNG: the colour their sign, the strength their size."""
    strength = np.clip(np.abs(values) / max(largest, 1e-12), 0, 1)
    pixels = np.empty((*values.shape, 4), np.uint8)
    pixels[..., :3] = hues(values)
    pixels[..., 3] = np.round(255 * strength)
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def tiles_html(pictures: Iterable[np.ndarray], largest: float, what: str, side: float = 3.4) -> str:
    """Return pictures [H, W] side by side, each at least `side` rem wide; `what` says what they are."""
    images = "".join(f'<img src="{signed_url(picture, largest)}" alt="">' for picture in pictures)
    style = f"--side:{side}rem"
    return f'<div class="lab-tiles" role="img" aria-label="{escape(what)}" style="{style}">{images}</div>'


def in_rows(values: np.ndarray, columns: int = 32) -> np.ndarray:
    """Return units [F] as a picture with rows of `columns`; what is missing in the last row is 0."""
    columns = min(columns, len(values))
    rows = -(-len(values) // columns)
    filled = np.zeros(rows * columns, values.dtype)
    filled[: len(values)] = values
    return filled.reshape(rows, columns)
