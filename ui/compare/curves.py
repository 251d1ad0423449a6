"""The learning curves of the compared runs in one chart."""

from dataclasses import replace

import numpy as np
import streamlit as st

from mnist_core.runs.run import UNFINISHED, Run
from ui import resources
from ui.compare.selection import ComparedRuns
from ui.html.tables import run_list_html
from ui.i18n import formatted_number
from ui.i18n import gettext as _
from ui.learning_curves import (
    ACCURACY,
    DASHES,
    ERROR_RATE,
    LOG_LOSS,
    LOSS,
    RunAxes,
    run_curve_spec,
    run_curves,
)
from ui.runs.progress import history, last_value_text
from ui.url_controls import url_choice, url_segments

SECONDS_BETWEEN_LOOKS = 2.0
ZOOMED_ACCURACY = replace(ACCURACY, rough=".1~%")
POSITIONS = {"epochs": "position", "steps": "step", "seconds": "train_seconds"}  # -> column of the history


def show(chosen: ComparedRuns) -> None:
    """Show the section, again every two seconds while one of the runs trains."""
    live = any(run.status in UNFINISHED for run in chosen.runs)
    st.fragment(_show, run_every=SECONDS_BETWEEN_LOOKS if live else None)(chosen)


def _show(chosen: ComparedRuns) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        quantity, over, logarithmic = _choose_quantity(), _choose_position(), _choose_axis() == "log"
    curves = [_curve(run, quantity, over) for run in _now(chosen)]
    if not any(len(values) for _positions, values in curves):
        st.info(
            _(
                "These runs have no data for this curve yet; choose another curve, or wait for the "
                "first epoch."
            )
        )
        return
    as_errors = quantity.endswith("accuracy") and logarithmic
    if as_errors:
        curves = [(positions, 1 - values) for positions, values in curves]
    axes = _axes(quantity, over, logarithmic)
    points = run_curves(
        chosen.names,
        curves,
        axes.quantity,
        value_text=lambda value: formatted_number(value, axes.quantity.exact),
    )
    alt = _("Learning curves of the runs, each with its colour and dashes; their final values are below")
    chart = run_curve_spec(chosen.names, _("Run"), axes, hover=True)
    st.vega_lite_chart(points, chart, key="curves", alt=alt)
    _show_ends(chosen, curves, quantity, as_errors, axes.quantity.exact)


def _now(chosen: ComparedRuns) -> list:
    """Return the runs in their present state, as some may train."""
    return [resources.find_run(run.id) or run for run in chosen.runs]


def _choose_quantity() -> str:
    names = {
        "monitor_accuracy": _("Accuracy on monitored images"),
        "monitor_loss": _("Loss on monitored images"),
        "train_accuracy": _("Training accuracy"),
        "train_loss": _("Training loss"),
    }
    return url_choice(st.selectbox, _("Curve"), names, "curve", "monitor_accuracy", width=280)


def _choose_position() -> str:
    names = {"epochs": _("by epochs"), "steps": _("by steps"), "seconds": _("by seconds")}
    return url_segments(_("Horizontal axis"), names, "over", "epochs", label_visibility="collapsed")


def _choose_axis() -> str:
    names = {"linear": _("Linear axis"), "log": _("Logarithmic axis")}
    label = _("Axis of the curves")
    return url_segments(label, names, "axis", "linear", label_visibility="collapsed")


def _curve(run: Run, quantity: str, over: str) -> tuple[np.ndarray, np.ndarray]:
    """Return positions and values of one run in order, with those before the training if known."""
    rows = history(run)
    is_epoch = rows["monitor_loss"].notna()
    shown = rows[~is_epoch if quantity == "train_loss" else is_epoch]
    positions, values = shown[POSITIONS[over]].to_numpy(float), shown[quantity].to_numpy(float)
    initial = run.results.get("initial_accuracy") if quantity == "monitor_accuracy" else None
    if initial is None or not len(values):
        return positions, values
    return np.append(0.0, positions), np.append(initial, values)


def _axes(quantity: str, over: str, logarithmic: bool) -> RunAxes:
    along = {"epochs": _("epoch"), "steps": _("step"), "seconds": _("seconds of training")}[over]
    whole = over != "seconds"
    if quantity.endswith("loss"):
        return RunAxes(along, _("loss"), LOG_LOSS if logarithmic else LOSS, whole)
    if logarithmic:
        return RunAxes(along, _("error rate"), ERROR_RATE, whole)
    return RunAxes(along, _("accuracy"), ZOOMED_ACCURACY, whole)


def _show_ends(chosen: ComparedRuns, curves: list, quantity: str, as_errors: bool, spec: str) -> None:
    """Show the legend with the curves' final values, and warnings if they are hard to compare."""
    st.caption(_("Final values. Point at the chart for the values of all runs at one position."))
    texts = [last_value_text(values, spec) for _positions, values in curves]
    st.html(run_list_html(_("Final values"), chosen.names, DASHES, texts))
    if as_errors:
        st.caption(_("Error rate: the share of images misclassified, which suits a logarithmic axis."))
    watched = {(run.config.monitor, run.config.validation_size) for run in chosen.runs}
    if quantity.startswith("monitor") and len(watched) > 1:
        st.caption(_("Not all runs monitored the same images, so small differences here mean little."))
