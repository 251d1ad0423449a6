"""A writing with a box around each digit, as SVG."""

import base64
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from ui.digits import png_url
from ui.draw.writing import Writing

if TYPE_CHECKING:
    from mnist_core.reading.segmentation import RowDigit

SURE, UNSURE = "#5ab0f2", "#f0913a"
# Dashes tell sure from unsure too, and a dark rim the letters from light paper.
STYLE = f"""<style>
.box {{ fill: none; stroke: {SURE}; }} .unsure .box {{ stroke: {UNSURE}; stroke-dasharray: 8 5; }}
text {{ fill: {SURE}; font: bold 1px sans-serif; paint-order: stroke; stroke: #000; stroke-width: 3px; }}
.unsure text {{ fill: {UNSURE}; }}
</style>"""
MOST_SIDE = 640  # pixels of a picture that is shown
MOST_POINTS = 1500  # of a drawing that is shown


def boxes_html(writing: Writing, digits: "Sequence[RowDigit]", alt: str) -> str:
    """Return the writing with its digits' boxes and what they are read as; `alt` says it in words."""
    width, height = writing.size
    marks = "".join(_box_svg(writing, digit, max(width, height)) for digit in digits)
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}">{STYLE}{_ink_svg(writing)}{marks}</svg>'
    )
    url = "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
    return f'<img class="lab-sketch" src="{url}" alt="{escape(alt)}">'


def _ink_svg(writing: Writing) -> str:
    width, height = writing.size
    if writing.pixels is not None:
        return f'<image href="{png_url(_smaller(writing.pixels))}" width="{width}" height="{height}"/>'
    every = 1 + sum(map(len, writing.strokes)) // MOST_POINTS
    lines = "".join(f'<polyline points="{_points(stroke, every)}"/>' for stroke in writing.strokes)
    return (
        f'<rect width="{width}" height="{height}"/>'
        f'<g fill="none" stroke="#fff" stroke-width="{writing.pen}" stroke-linecap="round" '
        f'stroke-linejoin="round">{lines}</g>'
    )


def _points(stroke: Sequence[Sequence[float]], every: int) -> str:
    thinned = [*stroke[:-1:every], stroke[-1], stroke[-1]]  # one point is a line too
    return " ".join(f"{x:.0f},{y:.0f}" for x, y in thinned)


def _smaller(pixels: np.ndarray) -> np.ndarray:
    picture = Image.fromarray(pixels)
    picture.thumbnail((MOST_SIDE, MOST_SIDE))
    return np.asarray(picture)


def _box_svg(writing: Writing, digit: "RowDigit", side: int) -> str:
    """A box, around the ink and not only the pen's course, and the digit in its upper left corner."""
    reach = writing.pen / 2 if writing.pixels is None else 0
    left, top = digit.box.left - reach, digit.box.top - reach
    width = digit.box.right - digit.box.left + 2 * reach
    height = digit.box.bottom - digit.box.top + 2 * reach
    style = "unsure" if digit.unsure else "sure"
    label = digit.prediction.label if digit.prediction.is_digit else "?"
    size = 0.06 * side
    baseline = max(top - 0.15 * size, size)
    text = f'<text x="{left:.1f}" y="{baseline:.1f}" style="font-size:{size:.1f}px">{label}</text>'
    return (
        f'<g class="{style}"><rect class="box" x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" '
        f'height="{height:.1f}" stroke-width="{0.008 * side:.2f}"/>'
        f"{text}</g>"
    )
