"""Calculations of a chapter that take over 0.3 s: jobs with progress and stop, shared by all visitors."""

import time
from collections.abc import Callable, Hashable
from typing import TypeVar

import streamlit as st

from mnist_core.runtime.job import Job, Steps
from ui.html.tables import markdown
from ui.i18n import gettext as _
from ui.jobs import (
    SECONDS_BETWEEN_LOOKS,
    is_watched,
    show_fraction,
    show_progress,
    start_button,
    this_tab,
    turn,
)

Result = TypeVar("Result")
SECONDS_TO_WAIT = 0.25  # a result within this time is shown without progress
SHORT_SECONDS, SECONDS_BETWEEN_SHORT_LOOKS = 2.5, 0.1
KEPT = 128  # results of all chapters together


def background_result(
    name: str,
    arguments: tuple[Hashable, ...],
    steps: Callable[[], Steps[Result]],
    starts: bool = True,
    short: bool = False,
) -> Result | None:
    """Return what `steps()` calculates for these arguments; until then show its progress and return None.

    `name` says what is calculated, in the visitor's language; `arguments` are all that the result depends on,
    beginning with the chapter's key. The server runs one calculation of the chapters at a time; new arguments
    stop the visitor's calculation with the old ones. Without `starts`, a button starts it; a button also
    restarts what the visitor has stopped. A `short` calculation, of about a second, is awaited in this run of
    the page, as a rerun to show its result would take as long.
    """
    job = _job(arguments, steps)
    is_new = _replace_earlier(arguments[0], job)
    if starts and is_new and not job.problem:  # another visitor may have stopped it
        job.start(this_tab())
    if job.running and is_watched(job):
        job.wait(SECONDS_TO_WAIT)
    if short:
        _await(job, name)
    if job.finished:
        return job.latest
    if is_watched(job):
        _show_progress(job, name)
        return None
    if job.problem:
        st.warning(markdown(job.problem))
    start_button(_("Run the experiment"), lambda: job, key="lab_start_lesson")
    return None


def _await(job: Job[Result], name: str) -> None:
    """Show the progress until the job has ended, at most SHORT_SECONDS; a click ends this run of the page."""
    place, until = st.empty(), time.monotonic() + SHORT_SECONDS
    if not (job.running and is_watched(job)):
        return
    with place.container():
        bar = st.empty()
        st.button(
            _("Stop"), icon=":material/stop:", key="lab_stop_short", on_click=job.stop, args=(this_tab(),)
        )
    while job.running and is_watched(job) and time.monotonic() < until:
        show_fraction(job, name + " {percent:.0%}", bar)
        job.wait(SECONDS_BETWEEN_SHORT_LOOKS)
    place.empty()


@st.cache_resource(show_spinner=False, max_entries=KEPT)
def _job(arguments: tuple[Hashable, ...], _steps: Callable[[], Steps[Result]]) -> Job[Result]:
    return Job("lesson", _steps, turn=turn("lesson"))


def _replace_earlier(chapter: Hashable, job: Job[Result]) -> bool:
    """Stop the visitor's earlier job of this chapter if `job` is another one; return whether it is."""
    key = f"lesson_job_{chapter}"
    earlier = st.session_state.get(key)
    if earlier is not None and earlier is not job:
        earlier.stop(this_tab())
    st.session_state[key] = job
    return earlier is not job


@st.fragment(run_every=SECONDS_BETWEEN_LOOKS)
def _show_progress(job: Job[Result], name: str) -> None:
    show_progress(job, name + " {percent:.0%}", key="lab_stop_lesson")
