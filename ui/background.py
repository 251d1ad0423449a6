"""Long work in the background, done once for all visitors of a server, who watch it and can stop it."""

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

import streamlit as st

Result = TypeVar("Result")
VISITOR_KEY = "visitor"
logger = logging.getLogger(__name__)

SECONDS_TO_LEAVE = 5.0  # a visitor who hasn't looked for so long is gone


def visitor() -> str:
    """Return a name for this visitor's tab."""
    return st.session_state.setdefault(VISITOR_KEY, uuid.uuid4().hex)


class SharedWork(Generic[Result]):
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

    def start(self, visitor: str) -> None:
        """Begin, unless that is done or under way, and watch."""
        with self._lock:
            self._stopping.clear()
            if not self.finished and not self.running:
                self._reset()
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
            self.watch(visitor)

    def watch(self, visitor: str) -> None:
        """Note that a visitor is looking."""
        self._seen[visitor] = time.monotonic()

    def stop(self, visitor: str) -> None:
        """Note that a visitor has stopped it; if nobody else is looking, it ends at its next step."""
        with self._lock:
            self._seen.pop(visitor, None)
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
