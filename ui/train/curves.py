"""The curves of a run: loss, and accuracy or errors, over its epochs."""

from typing import TYPE_CHECKING, Any, NamedTuple

import streamlit as st

from mnist_core.runs.run import Run
from ui.controls import choice_in_url
from ui.curves import CurveWords, accuracy_points, curve_spec, loss_points
from ui.translation import gettext as _

if TYPE_CHECKING:
    import pandas as pd


class Chart(NamedTuple):
    """Curves with their words: what they show in short, and how to read them."""

    key: str
    points: "pd.DataFrame"
    spec: dict[str, Any]
    title: str
    words: str


def show_curves(run: Run, rows: "pd.DataFrame") -> None:
    """Show the curves of a run on the axis that is chosen here.

    All of it is made before any is shown: what comes together, the browser draws together, and when a chart
    comes alone, its words wait until it is drawn.
    """
    logarithmic = _axis() == "log"
    charts = [_loss(run, rows, logarithmic)]
    if rows["monitor_accuracy"].notna().any():
        charts.append(_accuracy(run, rows, logarithmic))
    for chart in charts:
        st.vega_lite_chart(chart.points, chart.spec, key=chart.key, alt=chart.title)
        st.caption(chart.words)


def _loss(run: Run, rows: "pd.DataFrame", logarithmic: bool) -> Chart:
    names = _names(run, _("loss"))
    return Chart(
        "loss",
        loss_points(rows, names),
        curve_spec(run.config.epochs, names, ".3g", ".6~g", logarithmic),
        _("Loss over the epochs"),
        _("Loss: how far from certain and right it is, on average. Lower is better."),
    )


def _accuracy(run: Run, rows: "pd.DataFrame", logarithmic: bool) -> Chart:
    names = _names(run, _("errors") if logarithmic else _("accuracy"))
    return Chart(
        "accuracy",
        accuracy_points(rows, names, as_errors=logarithmic),
        curve_spec(run.config.epochs, names, ".2%", "~%" if logarithmic else ".1~%", logarithmic),
        _("Accuracy after each epoch"),
        _("Errors: share of images read wrongly. A straight line down means ever fewer by the same factor.")
        if logarithmic
        else _(
            "Accuracy: share of images read correctly. Where the training images are ahead, it has learned "
            "them by heart."
        ),
    )


def _names(run: Run, value: str) -> CurveWords:
    monitored = _("test images") if run.config.monitor == "test" else _("validation images")
    return CurveWords(_("training images"), monitored, _("epoch"), value)


def _axis() -> str:
    options = {"linear": _("Linear axis"), "log": _("Logarithmic axis")}
    return choice_in_url(
        st.segmented_control,
        _("Axis of the curves"),
        options,
        "axis",
        "linear",
        required=True,
        label_visibility="collapsed",
    )
