"""Work in background threads: progress, stop, watchers, failure, and an end before the process ends."""

from __future__ import annotations

import atexit
import logging
import sys
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from contextlib import closing
from typing import Any, Generic, NamedTuple, TypeVar

from mnist_core.messages import N_, InputError, Message
from mnist_core.runtime.event_log import log_error
from mnist_core.runtime.limits import JOBS

Result = TypeVar("Result")
Steps = Generator[tuple[float, Result | None], None, Result | None]
"""The work of a job: a generator of (fraction done, 0 to 1, result so far) that may return the result."""

SECONDS_TO_RETURN = 5.0  # a browser tab that is reloaded is away for a moment
SECONDS_TO_END = 10.0  # for all jobs when the process ends; a step takes one or two
_log = logging.getLogger(__name__)


def in_share(
    steps: Steps[Result], start: float, end: float
) -> Generator[tuple[float, None], None, Result | None]:
    """Yield the steps of a part of longer work, with fractions from `start` to `end`; return its result."""
    while True:
        try:
            fraction, _latest = next(steps)
        except StopIteration as last:
            found: Result | None = last.value
            return found
        yield start + (end - start) * fraction, None


class Watcher:
    """Somebody who wants the results of jobs: in the app, a browser tab."""

    def __init__(self) -> None:
        self._left: float | None = None

    def leave(self) -> None:
        """Note that they have left; a reloaded tab returns as another watcher."""
        self._left = time.monotonic()

    @property
    def gone(self) -> bool:
        """Whether they left at least SECONDS_TO_RETURN ago."""
        return self._left is not None and time.monotonic() - self._left >= SECONDS_TO_RETURN


class _Stopped(Exception):
    """Nobody watches the job any more, or the process ends."""


class Job(Generic[Result]):
    """Work in a thread of its own, shared by any number of watchers.

    It ends at its next step when the last watcher has stopped it or is gone. `fraction` says how far it is,
    0 to 1; `latest` is the result so far, None before the first; `waiting` is true until it has its turn
    and one of the process's threads for jobs.
    """

    def __init__(
        self,
        name: str,
        steps: Callable[[], Steps[Result]],
        *,
        known: Result | None = None,
        turn: threading.Lock | None = None,
        of_server: bool = False,
        failure: str = N_(
            "Something went wrong; the log of this server says what: error {error}. Try again."
        ),
    ) -> None:
        """Prepare the work that `steps()` does; `start` begins it.

        A `known` result needs no work. Jobs that share a `turn` work one at a time. One `of_server`, which
        all visitors wait for, begins at once and is not counted in limits.JOBS. `failure` is the template of
        `problem` for all errors but InputError, which brings its own message; it may have the field `error`,
        the id by which the log knows the error.
        """
        self.name = name
        self._steps, self._turn, self._of_server, self._failure = steps, turn, of_server, failure
        self._lock = threading.Lock()  # of the watchers and the two flags
        self._watchers: dict[Watcher, bool] = {}  # whether each wants it; False after they stopped it
        self._ended_early = self._must_end = False
        self._outcome: Future[None] | None = None
        self._error_id = ""  # of its last failure, in the log
        self.fraction, self.latest, self.waiting = 0.0, known, False
        if known is not None:
            self.fraction, self._outcome = 1.0, Future()
            self._outcome.set_result(None)

    @property
    def begun(self) -> bool:
        """Whether it was ever started, or its result was known."""
        return self._outcome is not None

    @property
    def running(self) -> bool:
        """Whether it works or waits for its turn."""
        return self._outcome is not None and not self._outcome.done()

    @property
    def finished(self) -> bool:
        """Whether `latest` is the result."""
        return self.begun and not self.running and self._error() is None

    @property
    def problem(self) -> Message | None:
        """Why it failed; None when it didn't."""
        error = self._error()
        if error is None or isinstance(error, _Stopped):
            return None
        return (
            error.message
            if isinstance(error, InputError)
            else Message(self._failure, {"error": self._error_id})
        )

    def start(self, watcher: Watcher) -> None:
        """Begin, unless it is under way or finished, and watch; InputError if limits.JOBS can't be read."""
        most = JOBS.value(True)
        with self._lock:
            if self.finished:
                return
            if self.running and not self._ended_early:
                self._watchers[watcher] = True
                return
            self._watchers = {watcher: True}
            self._ended_early = self._must_end = False
            self.fraction, self.latest, self.waiting = 0.0, None, True
            outcome = self._outcome = Future()
        _line.add(_Entry(self, outcome, self._turn, 0 if self._of_server else 1), most)

    def watch(self, watcher: Watcher) -> None:
        """Note that a watcher wants it, unless they, or the last of the others, have stopped it."""
        with self._lock:
            if self._is_wanted():
                self._watchers.setdefault(watcher, True)

    def is_watched_by(self, watcher: Watcher) -> bool:
        """Whether it runs and this watcher, who may be new, has not stopped it."""
        with self._lock:
            return self.running and self._watchers.get(watcher, self._is_wanted())

    def stop(self, watcher: Watcher) -> None:
        """Note that a watcher no longer wants it."""
        with self._lock:
            self._watchers[watcher] = False
        _line.advance()

    def end(self) -> None:
        """End it at its next step, regardless of its watchers."""
        with self._lock:
            self._must_end = True

    def wait(self, seconds: float | None = None) -> None:
        """Wait until it has ended, at most `seconds` if given."""
        if self._outcome is not None:
            wait_for([self._outcome], seconds)

    def _error(self) -> BaseException | None:
        return self._outcome.exception() if self._outcome is not None and self._outcome.done() else None

    def _run(self, outcome: Future[None]) -> None:
        try:
            self.waiting = False
            self._work()
        except BaseException as error:  # else those who wait would wait forever
            if not isinstance(error, (_Stopped, InputError)):
                self._error_id = log_error(_log, "job_failed", error, job=self.name)
            outcome.set_exception(error.with_traceback(None))  # which would keep its frames' arrays alive
        else:
            outcome.set_result(None)

    def _give_up(self, outcome: Future[None]) -> bool:
        """End the job before it has begun if no watcher wants it; return whether it ended."""
        try:
            self._leave_if_unwatched()
        except _Stopped as error:
            outcome.set_exception(error)
            return True
        return False

    def _work(self) -> None:
        with closing(self._steps()) as steps:
            while True:
                self._leave_if_unwatched()
                try:
                    self.fraction, self.latest = next(steps)
                except StopIteration as end:
                    self.latest = self.latest if end.value is None else end.value
                    return

    def _leave_if_unwatched(self) -> None:
        with self._lock:
            if self._must_end or not self._is_wanted():
                self._ended_early = True  # the next start begins anew
                raise _Stopped

    def _is_wanted(self) -> bool:
        return any(wants and not watcher.gone for watcher, wants in self._watchers.items())


class _Entry(NamedTuple):
    """A job in line, the outcome of this start, and the turn and the threads of limits.JOBS that it needs."""

    job: Job[Any]
    outcome: Future[None]
    turn: threading.Lock | None
    threads: int


class _Line:
    """Jobs in line for a few threads, first come, first served among those whose turn is free."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._waiting: list[_Entry] = []
        self._working, self._most = 0, JOBS.default

    def add(self, entry: _Entry, most: int | None) -> None:
        """Begin a job as soon as it is one of at most `most` that work; None: at once."""
        with self._lock:
            self._most = sys.maxsize if most is None else most
            self._waiting.append(entry)
        self.advance()

    def advance(self) -> None:
        """Begin the jobs that can begin, and end those without watchers."""
        with self._lock:
            self._waiting = [entry for entry in self._waiting if not entry.job._give_up(entry.outcome)]
            for entry in self._waiting[:]:
                if self._working + entry.threads > self._most:
                    continue
                if entry.turn is None or entry.turn.acquire(blocking=False):
                    self._waiting.remove(entry)
                    self._working += entry.threads
                    _JobThread(self, entry).start()

    def leave(self, entry: _Entry) -> None:
        """Give a job's thread and its turn to the next."""
        with self._lock:
            self._working -= entry.threads
            if entry.turn is not None:
                entry.turn.release()
        self.advance()

    def end_waiting(self) -> None:
        """End the jobs that have not begun."""
        with self._lock:
            for entry in self._waiting:
                entry.job.end()
        self.advance()


_line = _Line()


class _JobThread(threading.Thread):
    """A job's thread, by which `end_all_jobs` finds the job.

    A ThreadPoolExecutor's threads are joined before the functions of atexit are called, so that nothing
    could tell their work to stop, and a server would hang until it is done.
    """

    def __init__(self, line: _Line, entry: _Entry) -> None:
        super().__init__(name=entry.job.name, daemon=True)
        self.job, self._line, self._entry = entry.job, line, entry
        atexit.unregister(end_all_jobs)
        atexit.register(end_all_jobs)

    def run(self) -> None:
        self.job._run(self._entry.outcome)
        self._line.leave(self._entry)


def end_all_jobs(seconds: float = SECONDS_TO_END) -> None:
    """End all jobs of this process at their next step, and wait until they have ended, at most `seconds`.

    It is called when the process ends, which must not happen while one of its threads runs torch.
    """
    _line.end_waiting()
    threads = [thread for thread in threading.enumerate() if isinstance(thread, _JobThread)]
    for thread in threads:
        thread.job.end()
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
