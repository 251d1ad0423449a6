"""Controls of a run: pause, stop, resume, learning rate, more epochs."""

import time
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core.messages import InputError
from mnist_core.runs.run import UNFINISHED, Run
from ui import resources
from ui.i18n import gettext as _
from ui.runs.lists import may_change
from ui.train.training_summary import ERROR_KEY
from ui.train_form.controls import STEPS, number_text
from ui.url_controls import set_widget_value

if TYPE_CHECKING:
    from mnist_core.runs.queue import Snapshot

ASKED_KEY = "asked"  # (run, what it was told to do) until it has done it
MOST_EPOCHS = 1000
SECONDS_TO_ANSWER = 0.6


def show_live_controls(run: Run, snapshot: "Snapshot") -> None:
    """Show the buttons that pause and stop a run, and its learning rate."""
    waits = snapshot.status == "queued"
    with st.container(horizontal=True, gap="small", key="steering"):
        st.button(
            _("Pause"),
            icon=":material/pause:",
            on_click=_ask,
            args=(run.id, "pause"),
            disabled=asked(run.id) is not None,
            help=_("Keeps its place in the training, and lets others train meanwhile."),
        )
        st.button(
            _("Leave the line") if waits else _("Stop"),
            icon=":material/stop:",
            on_click=_ask,
            args=(run.id, "stop"),
            disabled=asked(run.id) is not None,
            help=_("Ends it and keeps what it has learned; it can be continued later."),
        )
    if not waits:
        _show_rate(snapshot)


def show_continuation(run: Run) -> None:
    """Offer to go on with a run that was left or has come to its end."""
    if not run.can_continue:
        return
    done = run.results.get("epochs", 0)
    if run.status != "finished" and done < run.config.epochs:
        left = _("Go on with it, to its {n} epochs").format(n=run.config.epochs)
        st.button(left, icon=":material/resume:", key="resume", on_click=_resume, args=(run.id, None))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="continue"):
        room = MOST_EPOCHS - run.config.epochs
        if room < 1:
            return
        more = st.number_input(_("More epochs"), 1, room, min(room, 2), key=f"more_{run.id}", width=140)
        st.button(
            _("Continue training"),
            icon=":material/forward:",
            key="continue_button",
            on_click=_resume,
            args=(run.id, run.config.epochs + more),
        )


def asked(run_id: str) -> str | None:
    """Return what a run was just told to do and has not done yet: "pause", "stop", "resume" or None."""
    told, what = st.session_state.get(ASKED_KEY, (None, None))
    return what if told == run_id else None


def forget_asked() -> None:
    """The run has done as it was told."""
    st.session_state.pop(ASKED_KEY, None)


def _show_rate(snapshot: "Snapshot") -> None:
    key = f"rate_{snapshot.run_id}"
    set_widget_value(key, snapshot.learning_rate)
    st.select_slider(
        _("Learning rate from now on"),
        sorted({*STEPS["learning_rate"], snapshot.learning_rate}),
        snapshot.learning_rate,
        format_func=number_text,
        key=key,
        on_change=_set_rate,
        args=(snapshot.run_id,),
        help=_("Takes effect at once; the schedule goes on from it."),
    )


def _set_rate(run_id: str) -> None:
    if may_change(run_id):
        resources.training_queue().set_learning_rate(run_id, st.session_state[f"rate_{run_id}"])


def _ask(run_id: str, what: str) -> None:
    if not may_change(run_id):
        return
    st.session_state[ASKED_KEY] = (run_id, what)
    queue = resources.training_queue()
    queue.pause(run_id) if what == "pause" else queue.stop(run_id)
    _wait_for_answer(run_id)


def _wait_for_answer(run_id: str) -> None:
    """Give a run the moment that it needs to end, so that the page shows it ended and not about to."""
    latest = time.monotonic() + SECONDS_TO_ANSWER
    while time.monotonic() < latest:
        run = resources.find_run(run_id)
        if run is None or run.status not in UNFINISHED:
            return
        time.sleep(0.02)


def _resume(run_id: str, epochs: int | None) -> None:
    if not may_change(run_id):
        return
    try:
        resources.training_queue().resume(run_id, epochs)
    except InputError as error:
        st.session_state[ERROR_KEY] = error.message
