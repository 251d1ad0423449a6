"""Calibration: reliability diagram, and accuracy when uncertain images are declined."""

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from ui.evaluate.selection import EvaluatedSplit, evaluation
from ui.i18n import format_text, percent_text, sentences_text
from ui.i18n import gettext as _
from ui.navigation import chapter_help
from ui.number_fields import url_slider

if TYPE_CHECKING:
    import pandas as pd

    from mnist_core.evaluation.calibration_curves import Reliability, RiskCoverage

THRESHOLDS = (0, 50, 60, 70, 80, 90, 95, 98, 99, 99.5, 99.9, 99.99, 100)  # %
LEAST_GAP = 0.002  # between confidence and accuracy, from which on it is mentioned
THRESHOLD_KEY, USUAL_THRESHOLD = "threshold", 90


def show(evaluated: EvaluatedSplit) -> None:
    """Show the section."""
    left, right = st.columns(2, gap="large")
    with left:
        show_reliability(evaluated)
    with right:
        show_risk(evaluated)


def show_reliability(evaluated: EvaluatedSplit) -> None:
    """Show the accuracy for each range of confidence, before and after temperature scaling."""
    from mnist_core.evaluation.calibration_curves import reliability

    result = evaluation(evaluated)
    st.subheader(_("Calibration: is it as right as it is sure?"), help=chapter_help("softmax"))
    if len(result.labels) < 2:
        st.info(_("There are too few images to measure calibration."))
        return
    with st.spinner(_("Fitting the temperature")):
        scaled, temperature = scaled_by_temperature(evaluated)
    before, after = (reliability(shares, result.labels) for shares in (result.probabilities, scaled))
    st.markdown(calibration_text(before, result.accuracy))
    with st.container(horizontal=True, gap="small"):
        text = _(
            "Expected calibration error (ECE): the mean gap between confidence and accuracy over "
            "15 bins, weighted by their images."
        )
        st.metric(_("Calibration error"), percent_text(before.expected_error), width="content", help=text)
        text = _(
            "Temperature scaling divides all logits by one number, the temperature, before the "
            "softmax. Here it is {number:.2f}."
        )
        st.metric(
            _("After temperature scaling"),
            percent_text(after.expected_error),
            width="content",
            help=format_text(text, number=temperature),
        )
    names = {"before": _("Before scaling"), "after": _("After scaling")}
    st.vega_lite_chart(
        reliability_points({names["before"]: before, names["after"]: after}),
        reliability_spec(list(names.values()), _("Confidence"), _("Accuracy"), _("Images")),
        alt=_("Reliability diagram: accuracy by confidence; on the dashed line both are equal"),
    )
    st.caption(
        _(
            "Reliability diagram: each dot is one of 15 confidence bins. Larger dots hold more "
            "images; dots of few images are uncertain. Below the dashed line the network is "
            "overconfident. The temperature is fitted on one half of the images and evaluated on "
            "the other, for both halves."
        )
    )


def calibration_text(found: "Reliability", accuracy: float) -> str:
    """Return whether the model is over- or underconfident, beyond two standard errors."""
    words = {"sure": percent_text(found.confidence, 1), "right": percent_text(accuracy, 1)}
    by_chance = 2 * sqrt(accuracy * (1 - accuracy) / found.counts.sum())
    if abs(found.confidence - accuracy) <= max(LEAST_GAP, by_chance):
        return _("Mean confidence {sure}, accuracy {right}: **well calibrated**.").format(**words)
    if found.confidence > accuracy:
        return _("Mean confidence {sure}, accuracy {right}: **overconfident**.").format(**words)
    return _("Mean confidence {sure}, accuracy {right}: **underconfident**.").format(**words)


def show_risk(evaluated: EvaluatedSplit) -> None:
    """Show the share of images answered, and of errors, if only confident answers count."""
    from mnist_core.evaluation.calibration_curves import risk_coverage

    result = evaluation(evaluated)
    found = risk_coverage(result.probabilities, result.labels)
    st.subheader(_("Selective prediction: reject unsure images"))
    st.markdown(
        _("If the network rejects images below a confidence threshold, fewer of its answers are wrong.")
    )
    threshold = choose_threshold()
    answered, wrong = found.answered(threshold)
    st.markdown(risk_text(len(result.labels), answered, wrong, len(result.errors)))
    coverage, risk = answered / len(result.labels), wrong / answered if answered else 0.0
    st.vega_lite_chart(
        risk_points(found),
        risk_spec(coverage, risk, _("Coverage (share of images answered)"), _("Error rate of the answers")),
        alt=_("Risk-coverage curve: error rate of the answers against the share of images answered"),
    )


def choose_threshold() -> float:
    """Show the choice of the confidence needed for an answer, kept in the URL; return it, 0 to 1."""
    label = _("Confidence threshold")
    return url_slider(label, THRESHOLDS, THRESHOLD_KEY, USUAL_THRESHOLD, "%", per=100) / 100


def risk_text(images: int, answered: int, wrong: int, errors: int) -> str:
    """Return the coverage and the error rate at one threshold, in words."""
    left = images - answered
    if not answered:
        return format_text(
            _("It answers **none** of the {all:,} images: no confidence reaches the threshold."), all=images
        )
    share = _(
        "It answers **{share:.1%}** of the images; **{risk:.2%}** of these answers are wrong "
        "({wrong:,} of {answered:,})."
    )
    text = format_text(share, share=answered / images, risk=wrong / answered, wrong=wrong, answered=answered)
    if not left:
        return text
    rest = _("It rejects {left:,} images, of which it would have misclassified {spared:,}.")
    return sentences_text([text, format_text(rest, left=left, spared=errors - wrong)])


HEIGHT = 320
QUIET, LOUD = "#8a97a3", "#e0701a"
MOST_POINTS = 400


def reliability_points(found: "Mapping[str, Reliability]") -> "pd.DataFrame":
    """Return a row for each bin of each diagram, with the diagram's name."""
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

    It begins where 1 % of the images is answered: one error among five is 20 % and means nothing.
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


def scaled_by_temperature(evaluated: EvaluatedSplit) -> tuple[np.ndarray, float]:
    """Return the probabilities [N, 10] after temperature scaling, and the temperature."""
    return _scaled_by_temperature(evaluated.key, evaluated)


@st.cache_resource(show_spinner=False, max_entries=8)
def _scaled_by_temperature(key: tuple[str, ...], _evaluated: EvaluatedSplit) -> tuple[np.ndarray, float]:
    from mnist_core.evaluation.calibration_curves import scale_by_temperature

    result = evaluation(_evaluated)
    return scale_by_temperature(result.probabilities, result.labels)
