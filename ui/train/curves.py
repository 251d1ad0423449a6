"""The learning curves of a run: axes, smoothing, and an interpretation in words."""

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import streamlit as st

from mnist_core.data.mnist import split_images
from mnist_core.dataset_choices import is_here, number_of_classes
from mnist_core.runs.run import Run
from ui import resources
from ui.fragments import send_to_browser
from ui.i18n import formatted_number, percent_text, sentences_text
from ui.i18n import gettext as _
from ui.learning_curves import (
    ACCURACY,
    ERROR_RATE,
    FEW_POINTS,
    LOG_LOSS,
    LOSS,
    CurveWords,
    accuracy_points,
    curve_spec,
    guessing_text,
    loss_points,
)
from ui.url_controls import url_segments

if TYPE_CHECKING:
    import pandas as pd

SMOOTHING_KEY = "smooth"
WINDOWS = (1, 11, 41)  # numbers of points, of at most MOST_POINTS, over which the mean is taken
SMALL_GAP = 0.005  # difference of the accuracies that is not mentioned


class Chart(NamedTuple):
    """A chart of curves, its title, and how to read it."""

    key: str
    points: "pd.DataFrame"
    spec: dict[str, Any]
    title: str
    caption: str


def show_curves(run: Run, rows: "pd.DataFrame") -> None:
    """Show the curves of a run, and the controls for their axis and smoothing.

    A chart and its caption arrive together, as the browser draws a caption only after the chart above it.
    After a change of the axis the browser draws the first chart before the second one arrives.
    """
    with st.container(horizontal=True, gap="small"):
        logarithmic, window = choose_axis() == "log", int(_smoothing())
    charts = [_loss(run, rows, logarithmic, window)]
    if rows["monitor_accuracy"].notna().any():
        charts.append(_accuracy(run, rows, logarithmic, window))
    for chart in charts:
        st.vega_lite_chart(chart.points, chart.spec, key=chart.key, alt=chart.title)
        st.caption(chart.caption)
        if chart is not charts[-1]:
            send_to_browser("curves", (run.id, logarithmic, window))


def _loss(run: Run, rows: "pd.DataFrame", logarithmic: bool, window: int) -> Chart:
    names = _names(run, _("loss"), formatted_number(LOSS.among(_classes(run)).guess, ".3g"))
    said = [_("Loss: how far the predictions are from the labels, on average. Lower is better.")]
    if window > 1:
        said.append(_smoothing_text(window))
    return Chart(
        "loss",
        loss_points(rows, names, run.results.get("initial_loss"), window),
        curve_spec(run.config.epochs, names, LOG_LOSS if logarithmic else LOSS, window > 1),
        _("Loss curves on a logarithmic axis") if logarithmic else _("Loss curves"),
        sentences_text(said),
    )


def _accuracy(run: Run, rows: "pd.DataFrame", logarithmic: bool, window: int) -> Chart:
    quantity = ERROR_RATE if logarithmic else ACCURACY
    value = _("error rate") if logarithmic else _("accuracy")
    names = _names(run, value, percent_text(quantity.among(_classes(run)).guess, 0))
    said = (
        _(
            "Error rate: the share of images misclassified. On this axis a straight line means a "
            "constant factor per epoch."
        )
        if logarithmic
        else _("Accuracy: the share of images classified correctly.")
    )
    return Chart(
        "accuracy",
        accuracy_points(rows, names, run.results.get("initial_accuracy"), window, as_errors=logarithmic),
        curve_spec(run.config.epochs, names, quantity, window > 1),
        _("Error rate curves on a logarithmic axis") if logarithmic else _("Accuracy curves"),
        sentences_text([said, *([gap_text(run, rows)] if is_here(run.config.dataset) else [])]),
    )


def _names(run: Run, value: str, guess: str) -> CurveWords:
    monitored, guessing = _monitored(run), guessing_text(guess)
    return CurveWords(_("training set"), monitored, _("epoch"), value, guessing, _classes(run))


def _classes(run: Run) -> int:
    return number_of_classes(run.config.dataset)


def _monitored(run: Run) -> str:
    return _("test set") if run.config.monitor == "test" else _("validation set")


def gap_text(run: Run, rows: "pd.DataFrame") -> str:
    """Say how far apart both accuracies are after the last epoch, and what that means.

    A gap within two standard errors of the monitored accuracy, or SMALL_GAP, counts as none.
    """
    last = rows[rows["monitor_accuracy"].notna()].iloc[-1]
    accuracy, gap = last["monitor_accuracy"], last["train_accuracy"] - last["monitor_accuracy"]
    images = len(split_images(run.config, resources.dataset(run.config.dataset)).monitored)
    noise = 2 * math.sqrt(accuracy * (1 - accuracy) / images)
    values = {
        "epoch": formatted_number(last["epoch"], ",.0f"),
        "points": formatted_number(100 * abs(gap), ".1f"),
        "monitored": _monitored(run),
    }
    if abs(gap) <= max(SMALL_GAP, noise):
        text = _("After epoch {epoch} both curves are equally high, within {points} percentage points.")
    elif gap > 0:
        text = _(
            "After epoch {epoch} the accuracy on the training set is {points} percentage points higher than "
            "on the {monitored}: the network knows its own images better than new ones. It overfits."
        )
    else:
        text = _(
            "After epoch {epoch} the accuracy on the training set is {points} percentage points lower than "
            "on the {monitored}. That is no error: {reasons}."
        )
        values["reasons"] = _reasons_for_lower_training_accuracy(run)
    return text.format(**values)


def _reasons_for_lower_training_accuracy(run: Run) -> str:
    reasons = [_("it is measured during the epoch, while the network still improves")]
    if run.config.dropout:
        reasons.append(_("dropout sets units to zero meanwhile"))
    if run.config.augmentation != "none":
        reasons.append(_("the training images are changed by augmentation"))
    return _("; ").join(reasons)


def choose_axis() -> str:
    """Show the control for the vertical axis; return "linear" or "log"."""
    options = {"linear": _("Linear axis"), "log": _("Logarithmic axis")}
    return url_segments(_("Axis of the curves"), options, "axis", "linear", label_visibility="collapsed")


def _smoothing() -> str:
    raw, some, more = map(str, WINDOWS)
    options = {raw: _("Raw"), some: _("Smoothed"), more: _("Smoothed more")}
    return url_segments(
        _("Smoothing of the curves"), options, SMOOTHING_KEY, raw, label_visibility="collapsed"
    )


def _smoothing_text(window: int) -> str:
    return _(
        "Smoothed: each point is the mean of the {window} points around it; the raw curve stays, faint. "
        "A curve of at most {few} points stays as it is."
    ).format(window=window, few=FEW_POINTS)
