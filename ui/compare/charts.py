"""Vega-Lite charts of the Compare page: accuracies and seeds."""

import json
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import streamlit as st

from ui.i18n import percent_text
from ui.learning_curves import DASHES

if TYPE_CHECKING:
    import pandas as pd

    from mnist_core.runs.comparison import Score
    from mnist_core.runs.seed_variance import SeedSummary

ROW, AXIS = 64, 60  # pixels: the least height of a run's row in a chart, and of the axis below the rows
LINE_HEIGHT = 15  # pixels, of a label
LONGEST_LABEL = 130  # pixels; a phone has 340 in all
LINE_LENGTH = 19  # letters of a label in that width
WIDE_FROM = 0x2E80  # the first of the characters that are as wide as two letters


@dataclass(frozen=True)
class ScoreWords:
    """The names of the parts of a chart of accuracies."""

    run: str
    accuracy: str
    low: str
    high: str


def line_url(place: int, row_height: int | None) -> str:
    """Return a picture of the line of the run at a place in the comparison, as a URL, for tables.

    The table scales it to the height of its rows in pixels, by default 35.
    """
    height = row_height or 35
    theme = st.context.theme.type or "light"
    colour = st.get_option(f"theme.{theme}.chartCategoricalColors")[place]
    dashes = " ".join(map(str, DASHES[place]))
    style = f"stroke='{colour}' stroke-width='3' stroke-dasharray='{dashes}'"
    size = f"width='32' height='{height}'"
    line = f"<path d='M0 {height / 2}H32' {style}/>"
    return "data:image/svg+xml," + quote(f"<svg xmlns='http://www.w3.org/2000/svg' {size}>{line}</svg>")


def score_points(names: Sequence[str], scores: "Sequence[Score]") -> "pd.DataFrame":
    """Return each run's accuracy with the ends of its interval."""
    import pandas as pd

    columns = ("name", "accuracy", "low", "high", "text")
    rows = [
        (name, score.accuracy, *score.interval, percent_text(score.accuracy))
        for name, score in zip(names, scores, strict=True)
    ]
    return pd.DataFrame(rows, columns=list(columns))


def score_spec(names: Sequence[str], words: ScoreWords) -> dict[str, Any]:
    """Return the specification of `score_points`: a dot for each run, and a line from end to end."""
    facts = [
        _fact("name", words.run, None),
        *(
            _fact(*each, ".2%")
            for each in (("accuracy", words.accuracy), ("low", words.low), ("high", words.high))
        ),
    ]
    layers = [
        {"mark": {"type": "rule", "strokeWidth": 2.5}, "encoding": _from_low_to_high(words.accuracy)},
        *(
            {"mark": {"type": "tick", "thickness": 2.5, "size": 12}, "encoding": {"x": {"field": end}}}
            for end in ("low", "high")
        ),
        {
            "mark": {"type": "point", "filled": True, "size": 110, "opacity": 1},
            "encoding": {"x": {"field": "accuracy"}},
        },
        {
            "mark": {"type": "text", "dy": -14, "fontSize": 12, "fontWeight": 600},
            "encoding": {"x": {"field": "accuracy"}, "text": {"field": "text", "type": "nominal"}},
        },
    ]
    return _rows(names, [_quantitative(layer, words.accuracy) for layer in layers], facts)


def seed_points(names: Sequence[str], groups: Sequence[Sequence[float]]) -> "pd.DataFrame":
    """Return the accuracy of each seed of each group."""
    import pandas as pd

    rows = [(name, value) for name, group in zip(names, groups, strict=True) for value in group]
    return pd.DataFrame(rows, columns=["name", "accuracy"])


def seed_spec(
    names: Sequence[str],
    places: Sequence[int],
    summaries: "Sequence[SeedSummary]",
    words: ScoreWords,
    mean: str,
) -> dict[str, Any]:
    """Return the specification of `seed_points`: a ring for each seed, and each group's mean and interval.

    `places`, from 0, are those of the groups' runs in the comparison, whose colours the groups have.
    """
    facts = [_fact("name", words.run, None), _fact("accuracy", words.accuracy, ".2%")]
    means = [
        {"name": name, "mean": found.mean, "low": found.interval[0], "high": found.interval[1]}
        for name, found in zip(names, summaries, strict=True)
        if found.interval
    ]
    about_mean = [
        _fact("name", words.run, None),
        *(_fact(*each, ".2%") for each in (("mean", mean), ("low", words.low), ("high", words.high))),
    ]
    below = {"tooltip": about_mean}
    layers = [
        {
            "mark": {"type": "point", "size": 90, "opacity": 0.8, "strokeWidth": 2},
            "encoding": {"x": {"field": "accuracy"}},
        },
        {
            "data": {"values": means},
            "mark": {"type": "rule", "strokeWidth": 2.5, "yOffset": 14},
            "encoding": {**_from_low_to_high(words.accuracy), **below},
        },
        {
            "data": {"values": means},
            "mark": {
                "type": "point",
                "filled": True,
                "size": 80,
                "shape": "diamond",
                "opacity": 1,
                "yOffset": 14,
            },
            "encoding": {"x": {"field": "mean"}, **below},
        },
    ]
    chart = _rows(names, [_quantitative(layer, words.accuracy) for layer in layers], facts)
    named = dict(zip(places, names, strict=True))
    colours = [named.get(place, f"#{place}") for place in range(max(places) + 1)]
    chart["encoding"]["color"]["scale"] = {"domain": colours}
    return chart


def _rows(names: Sequence[str], layers: list[dict[str, Any]], facts: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a chart with a row, and a colour, for each name."""
    labels = {"labelLimit": LONGEST_LABEL, "ticks": False, "domain": False, "labelFontSize": 13}
    labels |= {
        "labelColor": {"expr": "scale('color', datum.value)"},
        "labelFontWeight": 650,
        "labelOverlap": False,
    }
    lines = {name: _lines(name) for name in names}
    counts = set(map(len, lines.values()))
    labels["labelExpr"] = f"{json.dumps(lines)}[datum.value]"
    # Vega puts the first line at the row's middle: the label goes up by half of the others.
    up = [
        {"test": f"{labels['labelExpr']}.length === {n}", "value": LINE_HEIGHT * (1 - n) / 2} for n in counts
    ]
    labels["labelOffset"] = {"condition": up, "value": 0}
    row = max(ROW, LINE_HEIGHT * (1 + max(counts)))
    scale = {"domain": list(names)}
    return {
        "height": row * len(names) + AXIS,
        "encoding": {
            "y": {
                "field": "name",
                "type": "nominal",
                "title": None,
                "sort": None,
                "scale": scale,
                "axis": labels,
            },
            "color": {"field": "name", "type": "nominal", "scale": scale, "legend": None},
            "tooltip": facts,
        },
        "layer": layers,
    }


def _lines(name: str) -> list[str]:
    """Return a name in lines as wide as a label; a Chinese character is as wide as two letters."""
    wide = any(ord(character) > WIDE_FROM for character in name)
    return textwrap.wrap(name, LINE_LENGTH // 2 if wide else LINE_LENGTH) or [name]


def _quantitative(layer: dict[str, Any], title: str) -> dict[str, Any]:
    axis = {"format": ".2~%", "tickCount": 6}
    x = {
        "type": "quantitative",
        "title": title,
        "scale": {"zero": False},
        "axis": axis,
        **layer["encoding"]["x"],
    }
    return {**layer, "encoding": {**layer["encoding"], "x": x}}


def _from_low_to_high(title: str) -> dict[str, Any]:
    return {"x": {"field": "low", "title": title}, "x2": {"field": "high"}}


def _fact(field: str, title: str, form: str | None) -> dict[str, Any]:
    """Return a line of the tooltip of a mark."""
    if form is None:
        return {"field": field, "type": "nominal", "title": title}
    return {"field": field, "type": "quantitative", "title": title, "format": form}
