"""Figures made from data; they know nothing of pages."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import plotly.graph_objects as go

DIGITS = [str(digit) for digit in range(10)]


def confusion_figure(matrix: np.ndarray, true: str, predicted: str, words: str) -> "go.Figure":
    """Draw counts [true, predicted] as a heatmap with its numbers in the cells.

    `true` and `predicted` name the axes; `words` describes a cell when pointed at, with %{x}, %{y} and
    %{customdata}. Colours are of the logarithm, so that one error in a thousand images still shows.
    """
    import plotly.graph_objects as go

    heatmap = go.Heatmap(
        z=np.log1p(matrix),
        x=DIGITS,
        y=DIGITS,
        customdata=matrix,
        text=[[str(count) if count else "" for count in row] for row in matrix],
        texttemplate="%{text}",
        hovertemplate=words + "<extra></extra>",
        showscale=False,
        xgap=1,
        ygap=1,
    )
    axis = {"type": "category", "fixedrange": True}
    return go.Figure(
        heatmap,
        {
            "height": 430,
            "margin": {"l": 0, "r": 0, "t": 30, "b": 0},
            "xaxis": {"title": {"text": predicted}, "side": "top", "showgrid": False, **axis},
            "yaxis": {"title": {"text": true}, "autorange": "reversed", "showgrid": False, **axis},
        },
    )
