"""A run: progress, result, learning curves."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import streamlit as st

from mnist_core.monitoring.diagnostics import diagnose
from mnist_core.monitoring.run_history import ENOUGH_STEPS, RunHistory
from mnist_core.runs.run import UNFINISHED, Run
from ui import resources
from ui.fragments import page_fragment
from ui.i18n import duration_text, percent_text, translate
from ui.i18n import gettext as _
from ui.learning_curves import CurveWords, accuracy_points, curve_spec, loss_points
from ui.runs.import_export import show_export
from ui.runs.names import run_name
from ui.runs.progress import history, probes, progress_text, status_text
from ui.train.diagnostics_panel import FIXED_KEY, show_findings, show_inside
from ui.train.run_controls import asked, forget_asked, show_continuation, show_live_controls
from ui.url_controls import url_choice
from ui.url_state import link

if TYPE_CHECKING:
    import pandas as pd


SECONDS_BETWEEN_LOOKS = 1.0


def is_moving(run: Run) -> bool:
    """Whether there is more to come: it waits, trains or is being tested."""
    return run.status in UNFINISHED or resources.training_queue().snapshot(run.id) is not None


def show_run_panel(run: Run, may_steer: bool, key: str) -> None:
    """Show a run in a fragment of that key, again every second while it moves."""
    if is_moving(run):
        st.fragment(_show, run_every=SECONDS_BETWEEN_LOOKS, key=key)(run.id, True, may_steer)
    else:
        page_fragment(_show, key=key)(run.id, False, may_steer)


def _show(run_id: str, was_moving: bool, may_steer: bool) -> None:
    """Show how a run stands; when that concerns the rest of the page, have all of it drawn anew."""
    run = resources.find_run(run_id)
    if run is None or is_moving(run) != was_moving or st.session_state.pop(FIXED_KEY, False):
        st.rerun()
    live = run.status in UNFINISHED
    if not live:
        forget_asked()
    snapshot = resources.training_queue().snapshot(run_id) if live else None
    st.subheader(_("{recipe}: {status}").format(recipe=run_name(run), status=_status(run)))
    if snapshot:
        st.progress(min(1.0, snapshot.step / (snapshot.steps or 1)), text=progress_text(snapshot))
        if may_steer:
            show_live_controls(run, snapshot)
    elif not live:
        _show_result(run, was_moving)
        if may_steer and not was_moving:
            show_continuation(run)
    if not may_steer and not run.is_pretrained:
        st.caption(_("This run was opened by a link: only who trained it can steer and continue it."))
    # A fragment with a clock should hold no other: the curves are one where nothing moves any more.
    curves = show_curves if was_moving else st.fragment(show_curves)
    _show_numbers(run, live, may_steer and snapshot is not None, curves)


def _status(run: Run) -> str:
    words = {"pause": _("pausing …"), "stop": _("stopping …")}
    told = asked(run.id)
    return words[told] if told and run.status in UNFINISHED else status_text(run.status)


def _show_result(run: Run, moving: bool) -> None:
    """Show how a run ended, and where to go from there."""
    if run.message:
        st.error(translate(run.message))
    results = run.results
    if moving:
        st.caption(_("Its accuracy on the test images follows in a moment."))
    if "test_accuracy" in results:
        with st.container(horizontal=True, gap="small"):
            st.metric(_("Test accuracy"), percent_text(results["test_accuracy"]), width="content")
            st.metric(_("Before training"), percent_text(results["initial_accuracy"]), width="content")
            st.metric(_("Epochs"), f"{results['epochs']:g}", width="content")
            st.metric(_("Time"), duration_text(results["train_seconds"]), width="content")
    elif run.checkpoints and not moving:
        st.info(_why_untested(run))
    if not moving or "test_accuracy" in results:
        _show_ways_on(run)


def _why_untested(run: Run) -> str:
    if run.results.get("imported"):
        return _("It was not tested: its weights came from a file. Evaluate tells how well it reads.")
    return _("It was not tested, as it did not come to its end. Evaluate tells how well it reads so far.")


def _show_ways_on(run: Run) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if run.checkpoints:
            link("pages/evaluate.py", _("Evaluate it"), ":material/fact_check:")
            link("pages/draw.py", _("Test it on your handwriting"), ":material/draw:")
            link("pages/compare.py", _("Compare it, repeat it"), ":material/compare_arrows:")
        show_export(run)


def _show_numbers(run: Run, live: bool, steered: bool, curves: Callable[[Run, "pd.DataFrame"], None]) -> None:
    """Show the doctor's findings, the curves and the inside, once there is something to show."""
    rows, seen = history(run), probes(run)
    config = replace(run.config, learning_rate=run.changes[-1].learning_rate)
    shown = RunHistory(config, rows, seen, bool(run.results.get("diverged")))
    healthy = shown.steps >= ENOUGH_STEPS or (shown.steps > 0 and not live)
    show_findings(diagnose(shown), config, run.id, steered, healthy)
    if not rows.empty:
        curves(run, rows)
    if seen:
        show_inside(run.config, seen[-1])


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
    return url_choice(
        st.segmented_control,
        _("Axis of the curves"),
        options,
        "axis",
        "linear",
        required=True,
        label_visibility="collapsed",
    )
