"""The learning curves of the compared runs in one chart."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import streamlit as st

from mnist_core.dataset_choices import number_of_classes
from mnist_core.runs.run import UNFINISHED, Run
from ui import resources
from ui.compare.selection import ComparedRuns
from ui.html.tables import run_list_html
from ui.i18n import formatted_number, percent_text
from ui.i18n import gettext as _
from ui.learning_curves import (
    ACCURACY,
    DASHES,
    ERROR_RATE,
    GUESSING_DASHES,
    LOG_LOSS,
    LOSS,
    Quantity,
    RunAxes,
    guessing_text,
    run_curve_spec,
    run_curves,
)
from ui.runs.progress import history, last_value_text
from ui.url_controls import url_choice, url_segments

SECONDS_BETWEEN_LOOKS = 2.0
ZOOMED_ACCURACY = replace(ACCURACY, rough=".1~%")
NEAR_GUESSING = 0.1  # of a share, or of the loss at guessing
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
    guessing = None
    if guess := _guess_nearby(curves, axes.quantity, number_of_classes(chosen.runs[0].config.dataset)):
        axes, guessing = replace(axes, quantity=guess), _guess_name(guess)
    points = run_curves(
        chosen.names,
        curves,
        axes.quantity,
        guessing,
        value_text=lambda value: formatted_number(value, axes.quantity.exact),
    )
    alt = _("Learning curves of the runs, each with its colour and dashes; their final values are below")
    chart = run_curve_spec(chosen.names, _("Run"), axes, guessing, hover=True)
    st.vega_lite_chart(points, chart, key="curves", alt=alt)
    texts = [last_value_text(values, axes.quantity.exact) for _positions, values in curves]
    _show_ends(chosen, texts, quantity, guessing)
    if as_errors:
        st.caption(_("Error rate: the share of images misclassified, which suits a logarithmic axis."))


def _guess_nearby(
    curves: Sequence[tuple[np.ndarray, np.ndarray]], quantity: Quantity, classes: int
) -> Quantity | None:
    """Return the quantity whose whole axis is shown if all runs are near guessing; else None.

    An axis of only what such curves take would magnify noise.
    """
    whole = (ACCURACY if quantity is ZOOMED_ACCURACY else quantity).among(classes)
    furthest = max(np.nanmax(np.abs(values - whole.guess), initial=0) for _positions, values in curves)
    return whole if furthest < NEAR_GUESSING * max(whole.guess, 1) else None


def _guess_name(quantity: Quantity) -> str:
    if quantity.guess > 1:
        return guessing_text(formatted_number(quantity.guess, quantity.exact))
    return guessing_text(percent_text(quantity.guess, 0))


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


def _show_ends(chosen: ComparedRuns, texts: Sequence[str], quantity: str, guessing: str | None) -> None:
    """Show the legend with the curves' final values, and a warning if they are hard to compare."""
    st.caption(_("Final values. Point at the chart for the values of all runs at one position."))
    names, dashes = [*chosen.names], DASHES[: len(chosen.names)]
    if guessing:
        names, dashes, texts = [*names, guessing], [*dashes, GUESSING_DASHES], [*texts, ""]
    st.html(run_list_html(_("Final values"), names, dashes, texts))
    watched = {(run.config.monitor, run.config.validation_size) for run in chosen.runs}
    if quantity.startswith("monitor") and len(watched) > 1:
        st.caption(_("Not all runs monitored the same images, so small differences here mean little."))
