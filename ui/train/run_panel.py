"""A run on the Train page: progress, result, links to the next steps, diagnostics."""

import streamlit as st

from mnist_core.monitoring.diagnostics import diagnose
from mnist_core.monitoring.run_history import ENOUGH_STEPS, RunHistory
from mnist_core.runs.run import UNFINISHED, Run
from ui import resources
from ui.html.tables import escape_markdown, markdown
from ui.i18n import duration_text, percent_text, sentences_text
from ui.i18n import gettext as _
from ui.navigation import link
from ui.runs.import_export import show_export
from ui.runs.names import change_texts, run_name
from ui.runs.progress import (
    epochs_text,
    history,
    is_trained_elsewhere,
    probes,
    progress_share,
    progress_text,
    status_text,
    why_waiting,
)
from ui.train.curves import show_curves
from ui.train.diagnostics_panel import show_findings, show_probe
from ui.train.network_panel import show_network_panel
from ui.train.own_digit import show_before_and_after, visible_digit
from ui.train.run_controls import forget_command, pending_command, show_continuation, show_live_controls
from ui.train.slow_motion import show_slow_motion
from ui.train.start import show_heading
from ui.visitor import worker_of

POLL_SECONDS = 1.0


def is_active(run: Run) -> bool:
    """Return whether a run is queued, trains or is being tested."""
    return run.status in UNFINISHED or resources.training_queue().snapshot(run.id) is not None


def show_run_panel(run: Run, may_control: bool, key: str) -> None:
    """Show a run and its network; a fragment with that key reruns every POLL_SECONDS while it is active."""
    active = is_active(run)
    st.fragment(_show_with_network, run_every=POLL_SECONDS if active else None, key=key)(
        run.id, active, may_control
    )


def _show_with_network(run_id: str, was_active: bool, may_control: bool) -> None:
    """Show the run and its network by one clock: at each tick the browser renders the whole page.

    The container gives the network the same place whatever is shown of the run: else the browser would show
    it twice for a moment.
    """
    with st.container():
        _show(run_id, was_active, may_control)
    st.fragment(show_network_panel)(run_id)


def _show(run_id: str, was_active: bool, may_control: bool) -> None:
    """Show a run; rerun the whole page when it has become active or inactive."""
    run = resources.find_run(run_id)
    if run is None or is_active(run) != was_active:
        st.rerun()
    live = run.status in UNFINISHED
    if not live:
        forget_command()
    snapshot = resources.training_queue().snapshot(run_id) if live else None
    show_heading(_("{recipe}: {status}").format(recipe=escape_markdown(run_name(run)), status=_status(run)))
    if snapshot:
        st.progress(min(1.0, snapshot.step / (snapshot.steps or 1)), text=progress_text(snapshot))
        if reason := why_waiting(snapshot):
            st.caption(markdown(reason))
        if may_control:
            show_live_controls(run, snapshot)
        if snapshot.slow:
            show_slow_motion(run, snapshot, may_control)
    elif is_trained_elsewhere(run):
        st.progress(
            progress_share(run) or 0.0, text=_("Another process trains it and tells each epoch here.")
        )
    if host := worker_of(run):
        st.caption(_("On worker {host} of the cluster.").format(host=escape_markdown(host)))
    if not snapshot and not live:
        _show_result(run, was_active)
        if may_control and not was_active:
            show_continuation(run)
    if not may_control and not run.is_pretrained:
        st.caption(_("This run was opened by a link: only its owner can control or continue it."))
    _show_numbers(run, live, may_control and snapshot is not None)


def _status(run: Run) -> str:
    words = {"pause": _("pausing"), "stop": _("stopping")}
    command = pending_command(run.id)
    return words[command] if command and run.status in UNFINISHED else status_text(run.status)


def _show_result(run: Run, active: bool) -> None:
    """Show how a run ended, and links to the pages that use it; `active` while it is still being tested."""
    if run.message:
        st.error(markdown(run.message))
    results = run.results
    if active:
        st.caption(_("Measuring the test accuracy."))
    if "test_accuracy" in results:
        with st.container(horizontal=True, gap="small"):
            st.metric(_("Test accuracy"), percent_text(results["test_accuracy"]), width="content")
            monitored_test = run.config.monitor == "test"
            before = (
                _("Before training (test set)") if monitored_test else _("Before training (validation set)")
            )
            st.metric(before, percent_text(results["initial_accuracy"]), width="content")
            st.metric(_("Epochs"), epochs_text(results["epochs"]), width="content")
            st.metric(_("Training time"), duration_text(results["train_seconds"]), width="content")
    elif run.checkpoints and not active:
        st.info(_why_untested(run))
    if not active or "test_accuracy" in results:
        show_before_and_after(run)
        _show_next_links(run)


def _why_untested(run: Run) -> str:
    if run.results.get("imported"):
        return _("It has no test accuracy: its weights came from a file. The Evaluate page measures it.")
    if run.results.get("operated"):
        return _("It has no test accuracy: its weights were changed by hand. The Evaluate page measures it.")
    return _(
        "It has no test accuracy: training did not finish. The Evaluate page measures the "
        "weights saved so far."
    )


def _show_next_links(run: Run) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if run.checkpoints:
            with st.container(key="next_step", width="content"):  # style.css makes it a primary button
                link("pages/draw.py", _("Test it on your handwriting"), ":material/draw:")
            link("pages/evaluate.py", _("Evaluate it"), ":material/fact_check:")
            link("pages/compare.py", _("Compare or repeat it"), ":material/compare_arrows:")
        show_export(run)


def _show_numbers(run: Run, live: bool, controllable: bool) -> None:
    """Show diagnostics, curves and the last probe, as far as they exist.

    `live`: it waits or trains; `controllable`: it trains, and this visitor may change it.
    """
    rows, seen = history(run), probes(run)
    config = run.changes[-1].applied_to(run.config)
    run_history = RunHistory(config, rows, seen, bool(run.results.get("diverged")))
    healthy = run_history.steps >= ENOUGH_STEPS or (run_history.steps > 0 and not live)
    with st.container(key="findings"):  # always there, so that findings don't move the charts
        show_findings(diagnose(run_history), config, run.id, controllable, healthy)
    if not rows.empty:
        st.fragment(show_curves)(run, rows)
    if changed := change_texts(run):
        st.caption(escape_markdown(sentences_text(changed)))
    if seen:
        show_probe(run.config, seen[-1], visible_digit(run))
