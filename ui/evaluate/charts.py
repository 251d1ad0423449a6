"""The charts of the Evaluate page as Vega-Lite specifications and their points, knowing nothing of pages."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from mnist_core.analysis.reliability import Reliability, RiskCoverage

HEIGHT = 320
QUIET, LOUD = "#8a97a3", "#e0701a"
MOST_POINTS = 400


def reliability_points(found: "Mapping[str, Reliability]") -> "pd.DataFrame":
    """Return a row for each part of each diagram, by its name."""
    import pandas as pd

    return pd.concat(
        [
            pd.DataFrame(
                {
                    "kind": name,
                    "sure": diagram.confidences,
                    "right": diagram.accuracies,
                    "images": diagram.counts,
                }
            )
            for name, diagram in found.items()
        ]
    )


def reliability_spec(kinds: Sequence[str], sure: str, right: str, images: str) -> dict[str, Any]:
    """Return the specification of a reliability diagram of two `kinds`; the others name axes and facts."""
    share = {"type": "quantitative", "scale": {"domain": [0, 1]}}
    percent = {"axis": {"format": "%"}}
    colour = {"field": "kind", "type": "nominal", "title": None}
    colour |= {"scale": {"domain": list(kinds), "range": [QUIET, LOUD]}, "legend": {"orient": "top"}}
    facts = [
        {"field": "kind", "type": "nominal", "title": ""},
        {"field": "sure", "type": "quantitative", "format": ".1%", "title": sure},
        {"field": "right", "type": "quantitative", "format": ".1%", "title": right},
        {"field": "images", "type": "quantitative", "format": ",", "title": images},
    ]
    diagonal = {
        "data": {"values": [{"at": 0}, {"at": 1}]},
        "mark": {"type": "line", "strokeDash": [4, 4], "color": QUIET, "strokeWidth": 1},
        "encoding": {
            "x": {"field": "at", **share, "title": sure, **percent},
            "y": {"field": "at", **share, "title": right, **percent},
        },
    }
    encoding = {
        "x": {"field": "sure", **share, "title": sure, **percent},
        "y": {"field": "right", **share, "title": right, **percent},
        "color": colour,
    }
    size = {"field": "images", "type": "quantitative", "legend": None}
    size |= {"scale": {"type": "sqrt", "range": [40, 500]}}
    dots = {
        "mark": {"type": "point", "filled": True, "opacity": 0.85},
        "encoding": encoding | {"size": size, "tooltip": facts},
    }
    return {"height": HEIGHT, "layer": [diagonal, dots]}


def risk_points(found: "RiskCoverage") -> "pd.DataFrame":
    """Return the curve of wrong answers against answers, at most about MOST_POINTS of it.

    It begins where a hundredth is answered: one error among a handful is 20 % and says nothing.
    """
    import pandas as pd

    count = len(found.errors)
    chosen = np.unique(np.linspace(count // 100, count - 1, min(count, MOST_POINTS)).round().astype(int))
    return pd.DataFrame({"coverage": found.coverages[chosen], "risk": found.risks[chosen]})


def risk_spec(coverage: float, risk: float, answered: str, wrong: str) -> dict[str, Any]:
    """Return the specification of the curve, with a dot where the threshold leads; words name the axes."""
    axes = {
        "x": {
            "field": "coverage",
            "type": "quantitative",
            "title": answered,
            "axis": {"format": "%"},
            "scale": {"domain": [0, 1]},
        },
        "y": {"field": "risk", "type": "quantitative", "title": wrong, "axis": {"format": ".2~%"}},
    }
    facts = [
        {"field": "coverage", "type": "quantitative", "format": ".1%", "title": answered},
        {"field": "risk", "type": "quantitative", "format": ".2%", "title": wrong},
    ]
    here = {"values": [{"coverage": coverage, "risk": risk}]}
    rule = {"type": "rule", "strokeDash": [4, 4], "color": QUIET}
    return {
        "height": HEIGHT,
        "layer": [
            {"mark": {"type": "line", "strokeWidth": 2}, "encoding": axes},
            {"data": here, "mark": rule, "encoding": {"x": axes["x"]}},
            {
                "data": here,
                "mark": {"type": "point", "filled": True, "size": 120, "color": LOUD, "opacity": 1},
                "encoding": axes | {"tooltip": facts},
            },
        ],
    }
