"""Reports to the operator of a server: its status for the command `status`, and logged errors of pages."""

import logging
import threading

import streamlit as st
from streamlit import error_util

from mnist_core.messages import InputError
from mnist_core.runs.server_status import Facts, Heartbeat
from mnist_core.runtime.event_log import log_error, short_id
from ui import resources
from ui.i18n import gettext as _
from ui.i18n import translate

_log = logging.getLogger(__name__)


class OpenPages:
    """How many browser tabs are open."""

    def __init__(self) -> None:
        self.count, self._lock = 0, threading.Lock()

    def change(self, by: int) -> None:
        """Count a tab that was opened (1) or closed (-1)."""
        with self._lock:
            self.count += by


@st.cache_resource(show_spinner=False)
def heartbeat() -> Heartbeat:
    """Have the server write its status from now on."""
    job, pages = resources.dataset_job(), _open_pages()

    def facts() -> Facts:
        data = job.latest if job.finished else None
        source = data.source if data else "not loaded"
        cluster = dict(resources.cluster_facts())
        if cluster:
            cluster["cluster_refused"] = [str(reason) for reason in cluster["cluster_refused"]]
            workers = cluster["cluster_workers"]
            cluster["cluster_workers"] = [one | {"runs": list(map(short_id, one["runs"]))} for one in workers]
        return {"source": source, **resources.line(), "pages": pages.count, **cluster}

    heartbeat = Heartbeat(resources.run_store().directory, facts)
    heartbeat.start()
    return heartbeat


@st.cache_resource(show_spinner=False)
def _open_pages() -> OpenPages:
    return OpenPages()


@st.cache_resource(scope="session", on_release=lambda pages: pages.change(-1), show_spinner=False)
def count_tab() -> OpenPages:
    """Count this tab as long as it is open."""
    pages = _open_pages()
    pages.change(1)
    return pages


class _Sentence(Exception):
    """The sentence that a visitor gets in place of an error."""

    alternate_name = ""  # Streamlit shows an exception's type before its words, and this name in its place


def show_errors_as_sentences() -> None:
    """Have Streamlit log an error of a page, fragment or callback as an event, and show our sentence.

    Streamlit's own sentence has no id, and `on_script_error` of `st.App` has no place for another one.
    """
    error_util.show_uncaught_app_exception = _show
    error_util._log_uncaught_app_exception = _leave_to_us


def _show(error: BaseException) -> None:
    if isinstance(error, InputError):
        st.exception(_Sentence(translate(error.message)))
        return
    error_id = log_error(_log, "page_failed", error)
    sentence = _(
        "Something went wrong on this page. Reload it. If it happens again, tell whoever runs this server "
        "the error's number: {error}."
    )
    st.exception(_Sentence(sentence.format(error=error_id)))


def _leave_to_us(_error: BaseException) -> None:
    """Log nothing: `_show` does, with the id."""
