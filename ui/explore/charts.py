"""The charts of the Explore page, made from data; they know nothing of pages."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

BIN = 5  # values to a bar
FULL_INK = 251  # from here on; these bars would dwarf all others
# Ten colours between black and white, so that they stand out on both; each image is its digit as well.
COLOURS = [
    "#3b7dd8",
    "#d9661f",
    "#209a6c",
    "#a25bc4",
    "#d8485c",
    "#9a7421",
    "#cc5a9e",
    "#75828f",
    "#1795a8",
    "#7a9628",
]
QUIET, LOUD = "#8a97a3", "#e0701a"
MAP_HEIGHT = 560


def ink_chart(counts: np.ndarray, value: str, pixels: str) -> "alt.Chart":
    """Draw how many pixels have each value from 1 to FULL_INK - 1; `value` and `pixels` name the axes."""
    import altair as alt
    import pandas as pd

    starts = np.arange(1, FULL_INK, BIN)
    bars = pd.DataFrame(
        {
            "from": starts,
            "to": starts + BIN,
            "values": [f"{low} - {low + BIN - 1}" for low in starts],
            "pixels": counts[1:FULL_INK].reshape(-1, BIN).sum(axis=1),
        }
    )
    return (
        alt.Chart(bars)
        .mark_bar()
        .encode(
            x=alt.X("from:Q", bin="binned", title=value, scale=alt.Scale(domain=[0, FULL_INK], nice=False)),
            x2="to:Q",
            y=alt.Y("pixels:Q", title=pixels, axis=alt.Axis(format="~s")),
            tooltip=[alt.Tooltip("values:N", title=value), alt.Tooltip("pixels:Q", title=pixels, format=",")],
        )
        .properties(height=230)
    )


@dataclass(frozen=True)
class MapWords:
    """What a dot's facts are called."""

    label: str
    number: str


def map_points(positions: np.ndarray, labels: np.ndarray) -> "pd.DataFrame":
    """Return positions [N, 2], each axis from 0 to 1, with labels and numbers."""
    import pandas as pd

    low, high = positions.min(axis=0), positions.max(axis=0)
    places = (positions - low) / np.maximum(high - low, np.finfo(np.float32).tiny)
    return pd.DataFrame({"x": places[:, 0], "y": places[:, 1], "label": labels, "number": range(len(labels))})


def map_chart(
    points: "pd.DataFrame", words: MapWords, digit: int | None = None, ring: int | None = None
) -> "alt.LayerChart":
    """Draw each image as its digit at its place; `digit` stands out, and `ring` marks the place of one image.

    A column `image` of data URLs is shown when a dot is pointed at.
    """
    import altair as alt

    bare = {"axis": None, "scale": alt.Scale(domain=[-0.02, 1.02], nice=False)}
    facts = [
        alt.Tooltip("label:N", title=words.label),
        alt.Tooltip("number:Q", title=words.number, format=","),
    ]
    if "image" in points:
        facts.append(alt.Tooltip("image:N"))  # the field's name makes it an image
    shades = alt.Color("label:N", scale=alt.Scale(domain=list(range(10)), range=COLOURS), legend=None)
    if digit is not None:
        points = points.sort_values("label", key=lambda labels: labels == digit, kind="stable")
        shades = alt.condition(alt.datum["label"] == digit, alt.value(LOUD), alt.value(QUIET))
    base = alt.Chart(points).encode(x=alt.X("x:Q", **bare), y=alt.Y("y:Q", **bare))
    dots = base.mark_text(fontSize=11, fontWeight=600).encode(text="label:N", color=shades, tooltip=facts)
    marked = points[points["number"] == ring][["x", "y"]]
    circle = (
        alt.Chart(marked)
        .mark_point(size=420, strokeWidth=3, color=LOUD)
        .encode(x=alt.X("x:Q", **bare), y=alt.Y("y:Q", **bare))
    )
    return alt.layer(dots, circle).properties(height=MAP_HEIGHT).configure_view(strokeWidth=0)
