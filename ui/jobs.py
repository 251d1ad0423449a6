"""A visitor's part in background jobs: the tab that watches them, start, progress, stop."""

import math
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from mnist_core.runtime.job import Job, Watcher
from ui.i18n import format_text
from ui.i18n import gettext as _

TAB_KEY = "tab"
SECONDS_BETWEEN_LOOKS = 0.7
STARTED_KEY = "started"  # (time.monotonic(), what) of this session's last start of a training
SECOND_TAP_SECONDS = 3.0  # within which the same is started once, as a slow line shows a start late


def this_tab() -> Watcher:
    """Return the visitor's browser tab as a watcher; it leaves when the tab is closed or disconnected."""
    return _tab(st.session_state.setdefault(TAB_KEY, uuid.uuid4().hex))


@st.cache_resource(scope="session", on_release=Watcher.leave, show_spinner=False)
def _tab(name: str) -> Watcher:
    return Watcher()


@st.cache_resource(show_spinner=False)
def turn(kind: str) -> threading.Lock:
    """Return the lock by which jobs of a kind run one at a time, as two would compete for the cores."""
    return threading.Lock()


def is_watched(job: Job[Any]) -> bool:
    """Whether the job runs and the visitor has not stopped it."""
    return job.is_watched_by(this_tab())


def is_second_tap(what: object) -> bool:
    """Whether `what` was started a moment ago in this session: it is the second tap of a double click."""
    when, started = st.session_state.get(STARTED_KEY, (-math.inf, None))
    return started == what and time.monotonic() - when < SECOND_TAP_SECONDS


def note_start(what: object) -> None:
    """Remember that `what` was started, for `is_second_tap`."""
    st.session_state[STARTED_KEY] = (time.monotonic(), what)


def start_button(label: str, job: Callable[[], Job[Any]], **options: Any) -> None:
    """Show a button that starts the job that is there when it is pressed."""
    st.button(
        label,
        type="primary",
        icon=":material/play_arrow:",
        on_click=lambda: job().start(this_tab()),
        **options,
    )


def show_progress(job: Job[Any], text: str, **options: Any) -> None:
    """Show the job's progress and a button to stop it; rerun the page when it has ended.

    `text` may have the field `percent`, a fraction. Call it in a fragment that runs every
    SECONDS_BETWEEN_LOOKS.
    """
    if not is_watched(job):
        st.rerun()
    job.watch(this_tab())
    show_fraction(job, text, st.empty())
    st.button(_("Stop"), icon=":material/stop:", on_click=lambda: job.stop(this_tab()), **options)


def show_fraction(job: Job[Any], text: str, place: DeltaGenerator) -> None:
    """Show the job's progress in `place`, or that it waits; `text` as in `show_progress`."""
    words = _("Waiting for other calculations on this server to end") if job.waiting else text
    place.progress(min(job.fraction, 1.0), text=format_text(words, percent=job.fraction))
