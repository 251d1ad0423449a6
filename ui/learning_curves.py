"""Learning curves as Vega-Lite charts whose points update in place.

A specification stays the same while a run trains, so that the browser only exchanges the points: a new one
would be drawn from nothing, and flicker.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

MOST_POINTS = 300  # of a curve
WHOLE_RUN = 30  # epochs of which a chart shows the room there will be; of more, what there is so far


@dataclass(frozen=True)
class CurveWords:
    """What the curves and axes of a chart are called."""

    training: str
    monitored: str
    epoch: str
    value: str


def loss_points(history: "pd.DataFrame", words: CurveWords) -> "pd.DataFrame":
    """Return the training loss of each report and the monitored loss of each epoch."""
    return _points(history, "train_loss", "monitor_loss", words)


def accuracy_points(history: "pd.DataFrame", words: CurveWords, as_errors: bool = False) -> "pd.DataFrame":
    """Return both accuracies after each epoch; `as_errors` one minus them, without zeros, for a log axis."""
    points = _points(history, "train_accuracy", "monitor_accuracy", words)
    if not as_errors:
        return points
    points["value"] = 1 - points["value"]
    return points[points["value"] > 0]


def curve_spec(epochs: int, words: CurveWords, exact: str, rough: str, logarithmic: bool) -> dict[str, Any]:
    """Return the specification of a chart of two curves, told apart by colour and by dashes.

    `exact` and `rough` are the formats of values pointed at and of the axis.
    """
    names = {"domain": [words.training, words.monitored]}
    kind = {"type": "log"} if logarithmic else {"zero": False}
    is_short = epochs <= WHOLE_RUN
    span = {"domain": [0, epochs]} if is_short else {"domainMin": 0}
    ticks = {"tickMinStep": 1, "format": "d"} if is_short else {"tickCount": 8, "format": ",.6~g"}
    encoding = {
        "x": {
            "field": "position",
            "type": "quantitative",
            "title": words.epoch,
            "scale": {**span, "nice": False},
            "axis": ticks,
        },
        "y": {
            "field": "value",
            "type": "quantitative",
            "title": words.value,
            "scale": kind,
            "axis": {"format": rough, "tickCount": 5},
        },
        "color": {
            "field": "curve",
            "type": "nominal",
            "title": None,
            "scale": names,
            "legend": {"orient": "top", "symbolType": "stroke"},
        },
        "tooltip": [
            {"field": "curve", "type": "nominal", "title": " "},
            {"field": "position", "type": "quantitative", "title": words.epoch, "format": ".2f"},
            {"field": "value", "type": "quantitative", "title": words.value, "format": exact},
        ],
    }
    dashes = {"strokeDash": {"field": "curve", "type": "nominal", "title": None, "scale": names}}
    dots = {"transform": [{"filter": "datum.dot"}], "mark": {"type": "point", "filled": True, "size": 25}}
    lines = {"mark": {"type": "line"}, "encoding": dashes}
    return {"height": 270, "padding": 0, "encoding": encoding, "layer": [lines, dots]}


def _points(history: "pd.DataFrame", seen: str, monitored: str, words: CurveWords) -> "pd.DataFrame":
    import pandas as pd

    position = history["position"].to_numpy(float)
    is_epoch = ~np.isnan(history["monitor_loss"].to_numpy(float))
    shown = ~is_epoch if seen == "train_loss" else is_epoch
    curves = [
        curve_points(position[shown], history[seen].to_numpy(float)[shown], words.training),
        curve_points(position[is_epoch], history[monitored].to_numpy(float)[is_epoch], words.monitored),
    ]
    return pd.DataFrame({name: np.concatenate([curve[name] for curve in curves]) for name in curves[0]})


def curve_points(positions: np.ndarray, values: np.ndarray, name: str) -> dict[str, np.ndarray]:
    """Return one curve's points, at most MOST_POINTS, each the mean of its neighbours; few ones get dots."""
    known = ~np.isnan(values)
    positions, values = positions[known], values[known]
    size = -(-len(values) // MOST_POINTS)
    if size > 1:
        starts = np.arange(0, len(values), size)
        counts = np.diff(starts, append=len(values))
        positions, values = (np.add.reduceat(numbers, starts) / counts for numbers in (positions, values))
    few = len(values) <= MOST_POINTS // 10
    names, dots = np.full(len(values), name, object), np.full(len(values), few)
    return {"position": positions, "value": values, "curve": names, "dot": dots}
