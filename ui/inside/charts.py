"""The charts of the Inside page as Vega-Lite specifications and their points; they know nothing of pages."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ui.explore.charts import COLOURS, LOUD, QUIET, MapWords, map_points, map_spec

if TYPE_CHECKING:
    import pandas as pd

LIKELY = 0.2  # before training every digit is held to be about 0.1 likely


def answer_points(positions: np.ndarray, labels: np.ndarray, read: np.ndarray) -> "pd.DataFrame":
    """Return the map's points with what was read and whether that is wrong; wrong ones last, so on top."""
    points = map_points(positions, labels)
    points["read"], points["wrong"] = read, read != labels
    return points.sort_values("wrong", kind="stable")


def answer_map_spec(words: MapWords, read: str, by_error: bool) -> dict[str, Any]:
    """Return the specification of `answer_points`; `by_error` only what is misread has a colour."""
    spec = map_spec(words)
    encoding = spec["layer"][0]["encoding"]
    encoding["tooltip"] = [*encoding["tooltip"], {"field": "read", "type": "nominal", "title": read}]
    if by_error:
        encoding["color"] = {"condition": {"test": "datum.wrong", "value": LOUD}, "value": QUIET}
        encoding["opacity"] = {"condition": {"test": "datum.wrong", "value": 1}, "value": 0.45}
    return {**spec, "height": 480}


def reading_points(epochs: Sequence[float], probabilities: np.ndarray) -> "pd.DataFrame":
    """Return the probability [moments, 10] of each digit that was ever likely, at each moment."""
    import pandas as pd

    likely = np.flatnonzero(probabilities.max(axis=0) > LIKELY)
    rows = [
        (str(place), epoch, f"{epoch:g}", str(digit), float(probabilities[place, digit]))
        for place, epoch in enumerate(epochs)
        for digit in likely
    ]
    return pd.DataFrame(rows, columns=["place", "epoch", "name", "digit", "probability"])


def reading_spec(epoch: str, probability: str, digit: str, now: float) -> dict[str, Any]:
    """Return the specification of `reading_points`, a line a digit; `now` is the epoch that is looked at."""
    scale = {"domain": [str(d) for d in range(10)], "range": COLOURS}
    colour = {"field": "digit", "type": "nominal", "title": digit, "scale": scale}
    x = {"field": "epoch", "type": "quantitative", "title": epoch, "scale": {"type": "sqrt", "nice": False}}
    y = {"field": "probability", "type": "quantitative", "title": probability}
    y |= {"axis": {"format": "~%", "values": [0, 0.2, 0.4, 0.6, 0.8, 1]}, "scale": {"domain": [0, 1.1]}}
    facts = [
        {"field": "digit", "type": "nominal", "title": digit},
        {"field": "name", "type": "nominal", "title": epoch},
        {"field": "probability", "type": "quantitative", "title": probability, "format": ".1%"},
    ]
    lines = {"mark": {"type": "line", "strokeWidth": 2, "opacity": 0.45}}
    digits = {
        "mark": {"type": "text", "fontSize": 15, "fontWeight": 700, "dy": -10},
        "encoding": {"text": {"field": "digit", "type": "nominal"}},
    }
    base = {"x": x, "y": y, "color": colour | {"legend": None}, "tooltip": facts}
    drawn = {"encoding": base, "layer": [lines, digits]}
    return {"height": 260, "layer": [_now_rule(x, now), drawn]}


def layer_points(steps: Sequence[int], values: np.ndarray, names: Sequence[str]) -> "pd.DataFrame":
    """Return numbers [looks, layers], without those that a logarithmic axis can't show."""
    import pandas as pd

    rows = [
        (step, name, float(value))
        for step, row in zip(steps, values, strict=True)
        for name, value in zip(names, row, strict=True)
        if np.isfinite(value) and value > 0
    ]
    return pd.DataFrame(rows, columns=["step", "layer", "value"])


def layer_spec(
    step: str,
    value: str,
    layer: str,
    names: Sequence[str],
    now: int,
    usual: tuple[float, str] | None = None,
) -> dict[str, Any]:
    """Return the specification of `layer_points`, a line a layer.

    `now` is the step that is looked at, `usual` a value to compare with and its name, a dotted line.
    """
    x = {"field": "step", "type": "quantitative", "title": step, "scale": {"nice": False}}
    kind = {"field": "layer", "type": "nominal", "title": None, "scale": {"domain": list(names)}}
    legend = {"orient": "top", "columns": 2, "symbolType": "stroke", "labelLimit": 160}
    encoding = {
        "x": x,
        "y": {
            "field": "value",
            "type": "quantitative",
            "title": value,
            "scale": {"type": "log"},
            "axis": {"format": ".6~g", "tickCount": 5},
        },
        "color": kind | {"legend": legend},
        "tooltip": [
            {"field": "layer", "type": "nominal", "title": layer},
            {"field": "step", "type": "quantitative", "title": step, "format": ","},
            {"field": "value", "type": "quantitative", "title": value, "format": ".2~g"},
        ],
    }
    lines = {"mark": {"type": "line", "strokeWidth": 2}, "encoding": {"strokeDash": kind}}
    layers = [{"encoding": encoding, "layer": [lines]}, _now_rule(x, now)]
    return {"height": 280, "layer": [*layers, *(_usual_rule(encoding["y"], *usual) if usual else [])]}


def _usual_rule(y: dict[str, Any], usual: float, name: str) -> list[dict[str, Any]]:
    """A dotted line at a value, with its name under it: most layers begin above."""
    data = {"data": {"values": [{"value": usual}]}, "encoding": {"y": y}}
    rule = {"type": "rule", "strokeWidth": 2, "strokeDash": [2, 3], "color": QUIET}
    label = {"type": "text", "text": name, "x": 6, "dy": 9, "align": "left", "fontSize": 12, "color": QUIET}
    return [data | {"mark": rule}, data | {"mark": label}]


def _now_rule(x: dict[str, Any], now: float) -> dict[str, Any]:
    """A line at the moment of the slider."""
    return {
        "data": {"values": [{x["field"]: now}]},
        "mark": {"type": "rule", "strokeWidth": 2, "strokeDash": [4, 4], "color": LOUD},
        "encoding": {"x": x},
    }
