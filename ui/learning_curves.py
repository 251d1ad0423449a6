"""Learning curves as Vega-Lite charts whose points update in place.

A specification stays the same while a run trains, so that the browser only exchanges the points: a new one
would be drawn from the start, and flicker.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ui.i18n import gettext as _

if TYPE_CHECKING:
    import pandas as pd

MOST_POINTS = 300  # of a curve
FEW_POINTS = 30  # of a curve that gets dots, and is never smoothed
WHOLE_RUN = 30  # epochs: the axis covers a shorter run whole, of a longer one only the part so far
DASHES = [[1, 0], [7, 3], [2, 3], [9, 3, 2, 3], [5, 5], [1, 3], [12, 4], [4, 2, 1, 2]]
GUESSING_DASHES = [1, 2]
RAW_OPACITY = 0.3
NO_VALUE = "\N{EN DASH}"
NO_KEYWORD = "\N{NO-BREAK SPACE}"  # after a name in a tooltip: one called "image" would be shown as a picture


@dataclass(frozen=True)
class Quantity:
    """A quantity on a chart's vertical axis.

    `exact` and `rough` are the formats of values pointed at and of the axis; `guess` is the value of a
    network that gives each class the same probability. The axis always covers `least`, so that a network
    that learns nothing is a flat line and not magnified noise.
    """

    exact: str
    rough: str
    guess: float
    least: tuple[float, float]
    logarithmic: bool = False

    def among(self, classes: int) -> "Quantity":
        """Return the quantity with the value that equal probabilities of so many classes give."""
        if classes == DIGIT_CLASSES:
            return self
        share = 1 / classes
        guess = {ACCURACY: share, ERROR_RATE: 1 - share}.get(self, -math.log(share))
        return replace(self, guess=guess)


DIGIT_CLASSES = 10
ACCURACY = Quantity(".2%", "~%", 0.1, (0.0, 1.0))
ERROR_RATE = Quantity(".2%", "~%", 0.9, (0.1, 1.0), logarithmic=True)
LOSS = Quantity(".3g", ".6~g", math.log(10), (0.0, math.log(10)))
LOG_LOSS = Quantity(".3g", ".6~g", math.log(10), (math.log(10) / 10, math.log(10)), logarithmic=True)


@dataclass(frozen=True)
class CurveWords:
    """The names of a chart's curves and axes; `guessing` is the line of the quantity's `guess`."""

    training: str
    monitored: str
    epoch: str
    value: str
    guessing: str
    classes: int = DIGIT_CLASSES


def loss_points(
    history: "pd.DataFrame", words: CurveWords, initial: float | None = None, window: int = 1
) -> "pd.DataFrame":
    """Return the training loss of each report and the monitored loss of each epoch.

    `initial` is the monitored loss before the training, if it is known; for `window` see `curve_points`.
    """
    return _points(history, "train_loss", "monitor_loss", words, LOSS, initial, window)


def accuracy_points(
    history: "pd.DataFrame",
    words: CurveWords,
    initial: float | None = None,
    window: int = 1,
    as_errors: bool = False,
) -> "pd.DataFrame":
    """Return both accuracies after each epoch; `as_errors` one minus them, without zeros, for a log axis.

    `initial` is the monitored accuracy before the training; for `window` see `curve_points`.
    """
    return _points(history, "train_accuracy", "monitor_accuracy", words, ACCURACY, initial, window, as_errors)


def curve_spec(epochs: int, words: CurveWords, quantity: Quantity, smooth: bool = False) -> dict[str, Any]:
    """Return the specification of a chart of two curves, told apart by colour and by dashes.

    `smooth`: the points are smoothed, so the raw curves are shown as well, faintly.
    """
    names = {"domain": [words.training, words.monitored, words.guessing]}
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
        "y": _value_axis(quantity, words.value, 5),
        "color": {
            "field": "curve",
            "type": "nominal",
            "title": None,
            "scale": names,
            "legend": {"orient": "top", "columns": 2, "symbolType": "stroke", "symbolOpacity": 1},
        },
        "tooltip": [
            {"field": "curve", "type": "nominal", "title": " "},
            {"field": "position", "type": "quantitative", "title": words.epoch, "format": ".2f"},
            {"field": "value", "type": "quantitative", "title": words.value, "format": quantity.exact},
        ],
    }
    dashes = {"strokeDash": {"field": "curve", "type": "nominal", "title": None, "scale": names}}
    raw = {"y": {**encoding["y"], "field": "raw"}} if smooth else None
    layers = _curve_layers({"type": "line"}, dashes, 25, raw)
    return {"height": 270, "padding": 0, "encoding": encoding, "layer": layers}


@dataclass(frozen=True)
class RunAxes:
    """A chart of several runs: the axes' names, the quantity of `y`, and whether `x` has whole numbers."""

    x: str
    y: str
    quantity: Quantity
    whole: bool


def run_curves(
    names: Sequence[str],
    curves: Sequence[tuple[np.ndarray, np.ndarray]],
    quantity: Quantity,
    guessing: str | None = None,
    value_text: Callable[[float], str] | None = None,
) -> "pd.DataFrame":
    """Return the points of one curve (positions [N], values [N]) for each run; a log axis has no zeros.

    With `guessing`, a line of that name at the value of guessing is one more. With `value_text`, rows with
    `hover` hold the values of all runs at one position as text, in the columns run_1, run_2 and on.
    """
    import pandas as pd

    tables = []
    for name, (positions, values) in zip(names, curves, strict=True):
        shown = values > 0 if quantity.logarithmic else np.full(len(values), True)
        tables.append(pd.DataFrame(curve_points(positions[shown], values[shown], name)))
    if guessing:
        end = max((positions[-1] for positions, _values in curves if len(positions)), default=0.0)
        tables.append(pd.DataFrame(_level(end, quantity.guess, guessing)))
    points = pd.concat(tables, ignore_index=True)
    if value_text is None:
        return points
    return pd.concat([points.assign(hover=False), _hover_points(curves, value_text)], ignore_index=True)


def _hover_points(
    curves: Sequence[tuple[np.ndarray, np.ndarray]], value_text: Callable[[float], str]
) -> "pd.DataFrame":
    """Return the values of all runs at each position of any of them, interpolated linearly."""
    import pandas as pd

    known = [(positions[~np.isnan(values)], values[~np.isnan(values)]) for positions, values in curves]
    everywhere = np.unique(np.concatenate([positions for positions, _values in known]))
    shown = everywhere[:: -(-len(everywhere) // MOST_POINTS) or 1]
    columns = {
        run_column(place): [
            NO_VALUE if math.isnan(value) else value_text(value) for value in _on_line(shown, *curve)
        ]
        for place, curve in enumerate(known)
    }
    return pd.DataFrame({"position": shown, "hover": True, **columns})


def _on_line(at: np.ndarray, positions: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the values at `at` on the line through a curve; NaN before its first point, after its last."""
    if not len(values):
        return np.full(len(at), np.nan)
    return np.interp(at, positions, values, left=np.nan, right=np.nan)


def guessing_text(value: str) -> str:
    """Return the name of the line at guessing, with its `value`."""
    return _("guessing: {value}").format(value=value)


def run_column(place: int) -> str:
    """Return the column of `run_curves` with the values of the run at a place, from 0."""
    return f"run_{place + 1}"


def run_curve_spec(
    names: Sequence[str], run: str, axes: RunAxes, guessing: str | None = None, hover: bool = False
) -> dict[str, Any]:
    """Return the specification of `run_curves`: runs told apart by colour and by dashes.

    With `guessing`, the axis covers the quantity's whole range; without, only what the curves take. With
    `hover`, a vertical rule follows the pointer with the values of all runs there; the page has the legend.
    """
    scale = {"domain": [*names, *([guessing] if guessing else [])]}
    colour = {"field": "curve", "type": "nominal", "title": None, "scale": scale}
    encoding = {
        "x": {
            "field": "position",
            "type": "quantitative",
            "title": axes.x,
            "scale": {"nice": False, "zero": True},
            "axis": {"format": ",.6~g", **({"tickMinStep": 1} if axes.whole else {})},
        },
        "y": _value_axis(axes.quantity, axes.y, 6, whole=guessing is not None),
        "color": colour
        | {"legend": {"orient": "top", "columns": 2, "symbolType": "stroke", "labelLimit": 150}},
        "tooltip": [
            {"field": "curve", "type": "nominal", "title": run},
            {"field": "position", "type": "quantitative", "title": axes.x, "format": ".4~g"},
            {"field": "value", "type": "quantitative", "title": axes.y, "format": axes.quantity.exact},
        ],
    }
    dashes = {"strokeDash": {**colour, "scale": {**scale, "range": [*DASHES[: len(names)], GUESSING_DASHES]}}}
    layers = _curve_layers({"type": "line", "strokeWidth": 2}, dashes, 40)
    if not hover:
        return {"height": 380, "encoding": encoding, "layer": layers}
    encoding["color"] = colour | {"legend": None}
    del encoding["tooltip"]
    dashes["strokeDash"]["legend"] = None
    lines = {"transform": [{"filter": "!datum.hover"}], "encoding": encoding, "layer": layers}
    return {"height": 380, "layer": [lines, _hover_rule(names, axes, encoding["x"])]}


def _hover_rule(names: Sequence[str], axes: RunAxes, x: dict[str, Any]) -> dict[str, Any]:
    """Return the layer of the rule at the position nearest to the pointer."""
    facts = [
        {"field": "position", "type": "quantitative", "title": axes.x, "format": ",.4~g"},
        *(
            {"field": run_column(place), "type": "nominal", "title": name + NO_KEYWORD}
            for place, name in enumerate(names)
        ),
    ]
    pointer = {"type": "point", "on": "pointerover", "clear": "pointerout", "nearest": True}
    return {
        "transform": [{"filter": "datum.hover"}],
        "params": [{"name": "pointed", "select": {**pointer, "encodings": ["x"]}}],
        "mark": {"type": "rule", "strokeWidth": 1.5, "color": "gray"},
        "encoding": {
            "x": x,
            "opacity": {"condition": {"param": "pointed", "empty": False, "value": 0.8}, "value": 0},
            "tooltip": facts,
        },
    }


def _value_axis(quantity: Quantity, title: str, ticks: int, whole: bool = True) -> dict[str, Any]:
    """Return the vertical axis; `whole`: it covers `quantity.least`, otherwise only what the curves take."""
    scale = {"type": "log", "nice": False} if quantity.logarithmic else {"zero": whole}
    return {
        "field": "value",
        "type": "quantitative",
        "title": title,
        "scale": {**scale, **({"domain": {"unionWith": list(quantity.least)}} if whole else {})},
        "axis": {"format": quantity.rough, "tickCount": ticks},
    }


def _curve_layers(
    line: dict[str, Any], dashes: dict[str, Any], dot: int, raw: dict[str, Any] | None = None
) -> list[dict[str, Any]]:
    """Return the layers of lines and dots, and of the raw curves where their encoding `raw` is given."""
    faint = {"mark": {**line, "opacity": RAW_OPACITY, "strokeWidth": 1}, "encoding": raw}
    dots = {"transform": [{"filter": "datum.dot"}], "mark": {"type": "point", "filled": True, "size": dot}}
    return [*([faint] if raw else []), {"mark": line, "encoding": dashes}, dots]


def _points(
    history: "pd.DataFrame",
    seen: str,
    monitored: str,
    words: CurveWords,
    quantity: Quantity,
    initial: float | None,
    window: int,
    as_errors: bool = False,
) -> "pd.DataFrame":
    import pandas as pd

    position = history["position"].to_numpy(float)
    is_epoch = ~np.isnan(history["monitor_loss"].to_numpy(float))
    shown = ~is_epoch if seen == "train_loss" else is_epoch
    start = [] if initial is None else [initial]
    curves = [
        curve_points(position[shown], history[seen].to_numpy(float)[shown], words.training, window),
        curve_points(
            np.append(np.zeros(len(start)), position[is_epoch]),
            np.append(start, history[monitored].to_numpy(float)[is_epoch]),
            words.monitored,
            window,
        ),
        _level(position.max(initial=0.0), quantity.among(words.classes).guess, words.guessing),
    ]
    points = {name: np.concatenate([curve[name] for curve in curves]) for name in curves[0]}
    if as_errors:
        points |= {name: 1 - points[name] for name in ("value", "raw")}
        shown = (points["value"] > 0) & (points["raw"] > 0)
        points = {name: column[shown] for name, column in points.items()}
    return pd.DataFrame(points)


def curve_points(
    positions: np.ndarray, values: np.ndarray, name: str, window: int = 1
) -> dict[str, np.ndarray]:
    """Return one curve's points, at most MOST_POINTS, each the mean of its neighbours; few ones get dots.

    Where there are more than FEW_POINTS, `value` is the mean over `window` points around each, an odd number;
    `raw` is not smoothed.
    """
    known = ~np.isnan(values)
    positions, values = positions[known], values[known]
    size = -(-len(values) // MOST_POINTS)
    if size > 1:
        starts = np.arange(0, len(values), size)
        counts = np.diff(starts, append=len(values))
        positions, values = (np.add.reduceat(numbers, starts) / counts for numbers in (positions, values))
    few = len(values) <= FEW_POINTS
    names, dots = np.full(len(values), name, object), np.full(len(values), few)
    smoothed = values if few else centred_mean(values, window)
    return {"position": positions, "value": smoothed, "raw": values, "curve": names, "dot": dots}


def centred_mean(values: np.ndarray, window: int) -> np.ndarray:
    """Return the mean of the `window` values around each of `values` [N]; `window` is an odd number.

    At the ends there are fewer, as many on each side.
    """
    sums = np.concatenate([[0.0], np.cumsum(values)])
    places = np.arange(len(values))
    reach = np.minimum(window // 2, np.minimum(places, len(values) - 1 - places))
    return (sums[places + reach + 1] - sums[places - reach]) / (2 * reach + 1)


def _level(end: float, value: float, name: str) -> dict[str, np.ndarray]:
    """Return a horizontal line from the start to `end`, in the form of `curve_points`."""
    line = curve_points(np.array([0.0, end]), np.array([value, value]), name)
    return {**line, "dot": np.full(2, False)}
