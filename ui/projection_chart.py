"""The chart of a map of images, by PCA or t-SNE, on the Explore and Inside pages."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_core.messages import N_
from ui.i18n import gettext as _
from ui.url_controls import url_segments

if TYPE_CHECKING:
    import pandas as pd
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
MAP_FAILURE = N_("t-SNE failed. Try again, or choose PCA.")


@dataclass(frozen=True)
class MapWords:
    """The names of the fields in a dot's tooltip."""

    label: str
    number: str


def map_points(positions: np.ndarray, labels: np.ndarray, names: Sequence[str]) -> "pd.DataFrame":
    """Return positions [N, 2], each axis from 0 to 1, with the names of their labels, and numbers."""
    import pandas as pd

    low, high = positions.min(axis=0), positions.max(axis=0)
    places = (positions - low) / np.maximum(high - low, np.finfo(np.float32).tiny)
    named = [names[label] for label in labels]
    return pd.DataFrame({"x": places[:, 0], "y": places[:, 1], "label": named, "number": range(len(labels))})


def class_colours(names: Sequence[str]) -> dict[str, Any]:
    """Return a colour for each class; of more than ten classes, several have the same."""
    return {"domain": list(names), "range": [COLOURS[place % len(COLOURS)] for place in range(len(names))]}


def map_spec(
    words: MapWords,
    names: Sequence[str],
    digit: int | None = None,
    ring: int | None = None,
    pictures: bool = False,
) -> dict[str, Any]:
    """Return the specification of a map: each image is the name of its class, at its place.

    The class `digit` of `names` stands out, and `ring` marks the place of one image. With `pictures`, a
    column `image` of data URLs is shown when a dot is pointed at.
    """
    bare = {"type": "quantitative", "axis": None, "scale": {"domain": [-0.02, 1.02], "nice": False}}
    facts = [
        {"field": "label", "type": "nominal", "title": words.label},
        {"field": "number", "type": "quantitative", "title": words.number, "format": ","},
    ]
    if pictures:
        facts.append({"field": "image", "type": "nominal"})  # the field's name makes it an image
    colour: dict[str, Any] = {"field": "label", "type": "nominal", "legend": None}
    colour["scale"] = class_colours(names)
    if digit is not None:
        test = f"datum.label == {json.dumps(names[digit])}"
        colour = {"condition": {"test": test, "value": LOUD}, "value": QUIET}
    dots = {
        "mark": {"type": "text", "fontSize": 11, "fontWeight": 600},
        "encoding": {"text": {"field": "label", "type": "nominal"}, "color": colour, "tooltip": facts},
    }
    circle = {
        "transform": [{"filter": f"datum.number == {-1 if ring is None else ring}"}],
        "mark": {"type": "point", "size": 420, "strokeWidth": 3, "color": LOUD},
    }
    return {
        "height": MAP_HEIGHT,
        "encoding": {"x": {"field": "x", **bare}, "y": {"field": "y", **bare}},
        "layer": [dots, circle],
        "config": {"view": {"strokeWidth": 0}},
    }


METHOD_KEY = "method"


def choose_method() -> str:
    """Show the choice of projection; return "pca" or "tsne"."""
    methods = {"pca": "PCA", "tsne": "t-SNE"}
    return url_segments(_("Method"), methods, METHOD_KEY, "pca", label_visibility="collapsed")


def map_words() -> MapWords:
    """Return the names of the fields in a dot's tooltip."""
    return MapWords(label=_("Label"), number=_("Image no."))
