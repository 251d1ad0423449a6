"""Long work in the background, done once for all visitors of a server, who watch it and can stop it."""

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

import streamlit as st

from ui.i18n import format_text
from ui.i18n import gettext as _

Result = TypeVar("Result")
VISITOR_KEY = "visitor"
logger = logging.getLogger(__name__)

SECONDS_TO_LEAVE = 5.0  # a visitor who hasn't looked for so long is gone


def watcher_id() -> str:
    """Return a name for this visitor's tab."""
    return st.session_state.setdefault(VISITOR_KEY, uuid.uuid4().hex)


class Job(Generic[Result]):
    """Work in a thread of its own; visitors watch it, and the last one to stop it ends it.

    `steps` yields fractions done, 0 to 1, and results so far. `latest` is the last of these, None before the
    first; `finished` and `failed` tell how it ended. A result that is `known` needs no work.
    """

    def __init__(
        self, name: str, steps: Callable[[], Iterator[tuple[float, Result]]], known: Result | None = None
    ) -> None:
        self._name, self._steps = name, steps
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._reset()
        if known is not None:
            self.fraction, self.latest, self.finished = 1.0, known, True

    def _reset(self) -> None:
        self._seen: dict[str, float] = {}  # visitor -> when they last looked
        self.fraction = 0.0
        self.latest: Result | None = None
        self.finished = self.failed = False

    @property
    def running(self) -> bool:
        """Whether the thread is at work."""
        return self._thread is not None and self._thread.is_alive()

    def start(self, watcher_id: str) -> None:
        """Begin, unless that is done or under way, and watch."""
        with self._lock:
            self._stopping.clear()
            if not self.finished and not self.running:
                self._reset()
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
            self.watch(watcher_id)

    def watch(self, watcher_id: str) -> None:
        """Note that a visitor is looking."""
        self._seen[watcher_id] = time.monotonic()

    def stop(self, watcher_id: str) -> None:
        """Note that a visitor has stopped it; if nobody else is looking, it ends at its next step."""
        with self._lock:
            self._seen.pop(watcher_id, None)
            recent = time.monotonic() - SECONDS_TO_LEAVE
            if not any(seen > recent for seen in self._seen.values()):
                self._stopping.set()

    def wait(self) -> None:
        """Wait until the thread has ended."""
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            for fraction, result in self._steps():
                self.fraction, self.latest = fraction, result
                if self._stopping.is_set():
                    return
            self.finished = True
        except Exception:  # whatever it was, visitors must not wait for ever
            logger.exception("%s failed", self._name)
            self.failed = True


SECONDS_BETWEEN_LOOKS = 0.7


def is_watched(work: Job[Any], watched: str) -> bool:
    """Whether it runs and this visitor hasn't pressed Stop, which the session keeps under `watched`."""
    return work.running and st.session_state.get(watched, True)


def start_button(label: str, watched: str, work: Callable[[], Job[Any]], **options: Any) -> None:
    """Show a button that starts the work that is there when it is pressed."""

    def start() -> None:
        st.session_state[watched] = True
        work().start(watcher_id())

    st.button(label, type="primary", icon=":material/play_arrow:", on_click=start, **options)


def show_job_progress(work: Job[Any], watched: str, text: str, **options: Any) -> None:
    """Show how far it is and a button to stop it; where there is no more to watch, run the page again."""
    if not is_watched(work, watched):
        st.rerun()
    work.watch(watcher_id())

    def stop() -> None:
        st.session_state[watched] = False
        work.stop(watcher_id())

    st.progress(work.fraction, text=format_text(text, percent=work.fraction))
    st.button(_("Stop"), icon=":material/stop:", on_click=stop, **options)
