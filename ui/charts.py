"""Figures made from data; they know nothing of pages."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import plotly.graph_objects as go

DIGITS = [str(digit) for digit in range(10)]
CELL = 30  # pixels: what a click on a cell hits, less than a cell is wide on a phone
MARKED = "#e0701a"  # the frame of the chosen cell, clear of the blues of the others


@dataclass(frozen=True)
class MatrixWords:
    """What a confusion matrix calls its axes, and a cell pointed at, with %{x}, %{y} and %{customdata}."""

    true: str
    predicted: str
    cell: str


def shares(matrix: np.ndarray, by: str) -> np.ndarray:
    """Return counts [true, predicted] as shares of their row ("rows") or column ("columns"); 0 of nothing."""
    totals = matrix.sum(axis=1 if by == "rows" else 0, keepdims=True)
    return matrix / np.maximum(totals, 1)


def confusion_figure(
    matrix: np.ndarray,
    words: MatrixWords,
    by: str = "counts",
    diagonal: bool = True,
    marked: tuple[int, int] | None = None,
) -> "go.Figure":
    """Draw counts [true, predicted], or their shares of "rows" or "columns", with the numbers in the cells.

    Without the `diagonal` what is right is left out. The cell `marked` has a frame. Colours are of the
    logarithm, so that one error in a thousand images still shows. Squares that can't be seen lie on the
    cells: Plotly tells of no click on a heatmap itself.
    """
    import plotly.graph_objects as go

    shown = np.where(np.eye(10, dtype=bool) & (not diagonal), 0, matrix)
    values = shown if by == "counts" else shares(matrix, by) * (shown > 0)
    heatmap = go.Heatmap(
        z=np.log1p(values * (1 if by == "counts" else 1000)),
        text=[[_cell_text(value, by) for value in row] for row in values],
        texttemplate="%{text}",
        hoverinfo="skip",
        showscale=False,
        xgap=1,
        ygap=1,
    )
    true, predicted = np.indices((10, 10)).reshape(2, -1)
    squares = go.Scatter(
        x=predicted,
        y=true,
        customdata=matrix.ravel(),
        mode="markers",
        marker={"symbol": "square", "size": CELL, "opacity": 0},
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}},
        hovertemplate=words.cell + "<extra></extra>",
    )
    return go.Figure([heatmap, squares], _matrix_layout(words, marked))


def _cell_text(value: float, by: str) -> str:
    if not value:
        return ""
    return str(value) if by == "counts" else f"{value:.1%}"[:-1]


def _matrix_layout(words: MatrixWords, marked: tuple[int, int] | None) -> dict[str, Any]:
    axis = {"tickvals": list(range(10)), "ticktext": DIGITS, "fixedrange": True}
    axis |= {"showgrid": False, "zeroline": False, "ticks": ""}
    frames = []
    if marked:
        true, predicted = marked
        corners = {"x0": predicted - 0.48, "x1": predicted + 0.48, "y0": true - 0.48, "y1": true + 0.48}
        frames = [{"type": "rect", **corners, "line": {"color": MARKED, "width": 3}}]
    return {
        "height": 430,
        "margin": {"l": 0, "r": 0, "t": 30, "b": 0},
        "clickmode": "event+select",
        "dragmode": False,
        "hovermode": "closest",
        "showlegend": False,
        "shapes": frames,
        "xaxis": {"title": {"text": words.predicted}, "side": "top", "range": [-0.5, 9.5], **axis},
        "yaxis": {"title": {"text": words.true}, "range": [9.5, -0.5], **axis},
    }
