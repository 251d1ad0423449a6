"""What this server tells its operator by `python -m mnist_core status`: data, line, open pages, memory."""

import threading

import streamlit as st

from mnist_core.runs.server_status import Facts, Heartbeat
from ui import resources


class OpenPages:
    """How many browser tabs are open."""

    def __init__(self) -> None:
        self.count, self._lock = 0, threading.Lock()

    def change(self, by: int) -> None:
        """Count a tab that was opened (1) or closed (-1)."""
        with self._lock:
            self.count += by


def begin_heartbeat() -> None:
    """Count this tab, and have the server write its status; it goes on without visitors."""
    _this_page()
    _heartbeat()


@st.cache_resource(show_spinner=False)
def _heartbeat() -> Heartbeat:
    job, pages = resources.dataset_job(), _open_pages()

    def facts() -> Facts:
        data = job.latest if job.finished else None
        return {"source": data.source if data else "not loaded", **resources.line(), "pages": pages.count}

    heartbeat = Heartbeat(resources.run_store().directory, facts)
    heartbeat.start()
    return heartbeat


@st.cache_resource(show_spinner=False)
def _open_pages() -> OpenPages:
    return OpenPages()


@st.cache_resource(scope="session", on_release=lambda pages: pages.change(-1), show_spinner=False)
def _this_page() -> OpenPages:
    pages = _open_pages()
    pages.change(1)
    return pages
