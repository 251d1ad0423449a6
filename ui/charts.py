"""Figures made from data; they know nothing of pages."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd
    import plotly.graph_objects as go

MOST_POINTS = 300  # of a curve
MOST_DOTS = 60  # more points than this are drawn as a bare line
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
    figure = go.Figure(heatmap)
    figure.update_xaxes(title=predicted, type="category", side="top", fixedrange=True, showgrid=False)
    figure.update_yaxes(title=true, type="category", autorange="reversed", fixedrange=True, showgrid=False)
    return figure.update_layout(height=430, margin={"l": 0, "r": 0, "t": 30, "b": 0})


@dataclass(frozen=True)
class CurveWords:
    """What the curves and axes of a chart are called."""

    training: str
    monitored: str
    epoch: str
    value: str


def loss_chart(history: "pd.DataFrame", epochs: int, words: CurveWords) -> "alt.Chart":
    """Draw the training loss of each report and the monitored loss of each epoch."""
    steps = history[history["monitor_loss"].isna()]
    curves = [
        _curve(steps["position"], steps["train_loss"], words.training),
        _curve(history["position"], history["monitor_loss"], words.monitored),
    ]
    return _lines(curves, epochs, words, ".3f", ".1f")


def accuracy_chart(history: "pd.DataFrame", epochs: int, words: CurveWords) -> "alt.Chart":
    """Draw training and monitored accuracy after each epoch."""
    curves = [
        _curve(history["position"], history["train_accuracy"], words.training),
        _curve(history["position"], history["monitor_accuracy"], words.monitored),
    ]
    return _lines(curves, epochs, words, ".2%", ".1%")


def _curve(positions: "pd.Series", values: "pd.Series", name: str) -> "pd.DataFrame":
    """One curve's points, at most MOST_POINTS, each the mean of its neighbours."""
    import pandas as pd

    points = (
        pd.DataFrame({"position": positions, "value": values}, dtype=float).dropna().reset_index(drop=True)
    )
    size = -(-len(points) // MOST_POINTS)
    points = points.groupby(points.index // size).mean() if size > 1 else points
    return points.assign(curve=name)


def _lines(
    curves: "list[pd.DataFrame]", epochs: int, words: CurveWords, exact: str, rough: str
) -> "alt.Chart":
    """Draw curves told apart by colour and by dashes; `exact` and `rough` are formats of the values."""
    import altair as alt
    import pandas as pd

    names = alt.Scale(domain=[words.training, words.monitored])
    whole_run = alt.Scale(domain=[0, epochs], nice=False)
    points = pd.concat(curves)
    lines = alt.Chart(points).encode(
        x=alt.X("position:Q", title=words.epoch, scale=whole_run, axis=alt.Axis(tickMinStep=1, format="d")),
        y=alt.Y("value:Q", title=words.value, scale=alt.Scale(zero=False), axis=alt.Axis(format=rough)),
        color=alt.Color(
            "curve:N", title=None, scale=names, legend=alt.Legend(orient="top", symbolType="stroke")
        ),
        strokeDash=alt.StrokeDash("curve:N", title=None, scale=names),
        tooltip=[
            alt.Tooltip("curve:N", title=" "),
            alt.Tooltip("position:Q", title=words.epoch, format=".2f"),
            alt.Tooltip("value:Q", title=words.value, format=exact),
        ],
    )
    dots = len(points) <= MOST_DOTS
    return lines.mark_line(point=alt.OverlayMarkDef(size=25) if dots else False).properties(height=230)
