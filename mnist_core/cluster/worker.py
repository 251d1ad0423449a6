"""What a worker of the cluster does: sessions train runs and keep their reports until they are read."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import pickle
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakKeyDictionary

import numpy as np

from mnist_core import __version__
from mnist_core.cluster.protocol import (
    Busy,
    Ended,
    Happened,
    Images,
    ImagesWanted,
    Job,
    Report,
    Request,
    RunToTrain,
    Steer,
    WorkerFacts,
    Written,
)
from mnist_core.cluster.relayed_writer import RelayedWriter
from mnist_core.data.mnist import Dataset, find_mnist, open_mnist
from mnist_core.dataset_choices import MNIST
from mnist_core.messages import InputError
from mnist_core.runs.admission import UNLIMITED
from mnist_core.runs.queued_run import QueuedRun, Snapshot
from mnist_core.runs.run import CANCEL_FILE
from mnist_core.training.events import ASIDE, Event

if TYPE_CHECKING:
    from distributed import Worker


TOPIC = "digitlab"  # of Dask's events
LOOK_SECONDS = 0.02
RELEASE_SECONDS = 1.0
SOON = 0.1  # seconds for which reports are gathered while somebody steers a run,
STEERING = 1.0  # and for so many seconds after a request
NEWS_BYTES = 20_000  # no more are told by an event, as the scheduler keeps the last thousand
FEW_BYTES = 20_000_000  # an answer is no longer than this and one report more
_SESSIONS: dict[str, Session] = {}
_DATASETS: dict[str, Dataset] = {}  # by their fingerprints
_FINGERPRINTS: WeakKeyDictionary[Dataset, str] = WeakKeyDictionary()
_TRIAL = threading.Lock()


class Vanished(Exception):
    """A session was released, or nobody has asked it for news in a long time."""


async def describe(dask_worker: Worker) -> WorkerFacts:
    """Say what this worker is; `threads` are those that it was started with."""
    return await asyncio.to_thread(_facts, dask_worker.state.nthreads)


def _facts(threads: int) -> WorkerFacts:
    import importlib.metadata
    import socket

    from mnist_core.runtime.devices import choose_device

    return WorkerFacts(
        __version__, importlib.metadata.version("torch"), socket.gethostname(), choose_device().type, threads
    )


async def exchange(
    session_id: str, read: int, requests: Sequence[tuple[int, Request]]
) -> tuple[int, list[tuple[int, Report]]] | None:
    """Give a session numbered requests; return the number of the last one done and the reports after `read`.

    None if the session isn't there.
    """
    session = _SESSIONS.get(session_id)
    return session.exchange(read, requests) if session else None


async def keep(session_id: str) -> None:
    """Tell a session that its server is still there, which has no time for its news."""
    if session := _SESSIONS.get(session_id):
        session.asked = time.monotonic()


async def release(session_id: str) -> None:
    """End a session, whose reports nobody needs any more; return when it has ended, or after a second."""
    if session := _SESSIONS.get(session_id):
        session.release()
        end = time.monotonic() + RELEASE_SECONDS
        while not session.over and time.monotonic() < end:
            await asyncio.sleep(LOOK_SECONDS)


def train(session_id: str, job: Job) -> None:
    """Train the runs of a job in a session of this id, as a task of this worker.

    Its last reports are kept for a while: the server asks for those that it was told in vain.
    """
    from distributed import get_worker

    dask_worker = get_worker()

    def tell(reports: bytes, more: bool) -> None:
        dask_worker.log_event(TOPIC, {"session": session_id, "reports": reports, "more": more})

    work(session_id, Session(job, dask_worker.state.nthreads, dask_worker.id, tell))
    dask_worker.loop.add_callback(dask_worker.loop.call_later, job.patience, forget, session_id)


def work(session_id: str, session: Session) -> None:
    """Train the runs of a session, unless its worker trains for another server."""
    busy = any(other.worker == session.worker and not other.over for other in list(_SESSIONS.values()))
    _SESSIONS[session_id] = session
    try:
        with session.telling():
            if busy:
                session.report(Busy())
            else:
                session.train()
    except BaseException as error:
        forget(session_id)  # the server sees that it is lost
        if not isinstance(error, Vanished):
            raise


def forget(session_id: str) -> None:
    """Keep a session's reports no longer."""
    _SESSIONS.pop(session_id, None)


def fingerprint(dataset: Dataset) -> str:
    """Return a text that only a dataset with the same images and labels has."""
    if known := _FINGERPRINTS.get(dataset):
        return known
    digest = hashlib.sha256()
    digest.update(f"{dataset.key} {dataset.source}".encode())
    for split in dataset.files.values():
        for values in (split.images, split.labels):
            digest.update(str(values.shape).encode())
            digest.update(np.ascontiguousarray(values).data)
    _FINGERPRINTS[dataset] = digest.hexdigest()
    return _FINGERPRINTS[dataset]


class Session:
    """The runs that a server has given to a worker, and the numbered reports that it has not read yet.

    `tell` is called with pickled reports soon after they were made, and with whether there are more, too
    large for it: those the server asks for. `worker` names the worker.
    """

    def __init__(self, job: Job, threads: int, worker: str, tell: Callable[[bytes, bool], object]) -> None:
        self._job, self._threads, self.worker, self._tell = job, threads, worker, tell
        self.asked = time.monotonic()
        self.over = False
        self._reports: deque[tuple[int, Report]] = deque()
        self._urgent = self._released = False
        self._reported = self._requested = self._told = 0
        self._steered = -STEERING
        self._lock = threading.Condition()
        self._runs: list[_Training] = []
        self._sent: dict[str, Dataset] = {}

    def report(self, report: Report) -> None:
        """Add a report."""
        with self._lock:
            self._reported += 1
            self._reports.append((self._reported, report))
            self._urgent = self._urgent or _is_urgent(report)
            if self._urgent or self._reported == self._told + 1:  # not for those that are gathered
                self._lock.notify_all()

    @property
    def reported(self) -> int:
        """The number of the last report."""
        return self._reported

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Tell what is reported within the block; it is over when all is told."""
        teller = threading.Thread(target=self._tell_reports, name="news", daemon=True)
        teller.start()
        try:
            yield
        finally:
            with self._lock:
                self.over = True
                self._lock.notify_all()
            teller.join()

    def _tell_reports(self) -> None:
        while self._wait_for_reports():
            with self._lock:
                first = self._told + 1
                self._told, self._urgent = self._reported, False
                news = [each for each in self._reports if each[0] >= first]
            few = list(itertools.takewhile(lambda each: not _bytes(each[1]), news))
            told = pickle.dumps(few)
            if len(told) > NEWS_BYTES:
                few, told = [], pickle.dumps([])
            self._tell(told, len(few) < len(news))

    def _wait_for_reports(self) -> bool:
        """Wait until there are reports, and a little for more of them; False once there will be none."""
        with self._lock:
            self._lock.wait_for(lambda: self._told < self._reported or self.over)
            steered = time.monotonic() - self._steered < STEERING
            gather = min(self._job.gather, SOON) if steered else self._job.gather
            self._lock.wait_for(lambda: self._urgent or self.over, gather)
            return self._told < self._reported or not self.over

    def exchange(
        self, read: int, requests: Sequence[tuple[int, Request]]
    ) -> tuple[int, list[tuple[int, Report]]]:
        """Forget the reports up to number `read`, and do new requests; see the function exchange."""
        with self._lock:
            self.asked = time.monotonic()
            while self._reports and self._reports[0][0] <= read:
                self._reports.popleft()
            for number, request in requests:
                if number == self._requested + 1 and (self._runs or isinstance(request, Images)):
                    self._requested = number
                    self._do(request)
                    self._steered = self.asked
            reports = self._first_reports()
            self._told = max(self._told, reports[-1][0] if reports else 0)
            self._lock.notify_all()
            return self._requested, reports

    def _first_reports(self) -> list[tuple[int, Report]]:
        """Return the reports that were not read, as many as FEW_BYTES allow."""
        chosen, size = [], 0
        for number, report in self._reports:
            chosen.append((number, report))
            size += _bytes(report)
            if size > FEW_BYTES:
                break
        return chosen

    def _do(self, request: Request) -> None:
        if isinstance(request, Images):
            self._sent[request.dataset.key] = request.dataset
        else:
            self._runs[request.run].steer(request)

    def release(self) -> None:
        """Have it end."""
        with self._lock:
            self._released = True
            self._lock.notify_all()

    def wait_for(self, true: Callable[[], object]) -> None:
        """Wait until something is so that requests change; Vanished when it is released or nobody asks."""
        with self._lock:
            while not self._lock.wait_for(lambda: true() or self._released, 0.5):
                self.check()
        self.check()

    def check(self) -> None:
        """Raise Vanished if it is released, or nobody has asked for too long."""
        if self._released or time.monotonic() - self.asked > self._job.patience:
            raise Vanished

    def train(self) -> None:
        """Train the runs, always the least advanced to its next event."""
        with TemporaryDirectory(prefix="digitlab-") as folder:
            runs = [_Training(number, run, Path(folder), self) for number, run in enumerate(self._job.runs)]
            with self._lock:
                self._runs = runs
            place = self._job.place(self._images, self._threads, _TRIAL)
            turns = place.events([run.entry for run in runs])
            left = list(runs)
            try:
                while left:
                    run = min(left, key=lambda each: each.entry.share)
                    self.check()
                    if not run.go_on(turns[run.entry]):
                        left.remove(run)
            finally:
                for run in runs:
                    with suppress(Exception):  # nobody needs what it comes to now
                        cast("Generator[Event]", turns[run.entry]).close()
                    run.entry.writer.close()

    def _images(self, key: str) -> Dataset:
        """Return the data set of this key: that of this worker, or what the server sends."""
        wanted = self._job.fingerprints[key]
        if wanted not in _DATASETS:
            own = _own_images(wanted) if key == MNIST else None
            if own is None:
                self.report(ImagesWanted(key))
                self.wait_for(lambda: key in self._sent)
                own = self._sent.pop(key)
            _DATASETS[wanted] = own
        return _DATASETS[wanted]


class _Training:
    """One run of a session."""

    def __init__(self, number: int, run: RunToTrain, directory: Path, session: Session) -> None:
        self.number, self._session = number, session
        folder = directory / run.id
        folder.mkdir()
        for name, content in run.files.items():
            (folder / name).write_bytes(content)
        writer = RelayedWriter(folder, self._written)
        writer.most_bytes = run.most_bytes
        config = writer.config
        self.entry = QueuedRun(writer, Snapshot(writer.id, config, config), None, UNLIMITED)
        if run.slow:
            self.entry.slow.begin()
        self._views = self.entry.feed.views
        self._held_at, self._go_on_after = 0, -1

    def _written(self, method: str, *arguments: Any, **named: Any) -> None:
        self._session.report(Written(self.number, method, arguments, named))

    def steer(self, request: Steer) -> None:
        """Do what was requested; called with the session's lock."""
        entry = self.entry
        entry.control.ending = request.ending or entry.control.ending
        entry.control.changes.extend(request.changes)
        if request.cancelled:
            (entry.writer.folder / CANCEL_FILE).touch()
        if request.slow is True and not entry.slow.on:
            entry.slow.begin()
        elif request.slow is False:
            entry.slow.end()
        self._go_on_after = max(self._go_on_after, request.go_on_after or -1)
        for pixels in request.watched:
            entry.feed.request(np.frombuffer(pixels, np.uint8).reshape(28, 28))

    def go_on(self, events: Iterator[Event]) -> bool:
        """Train to the next event and report it; return False once the training has ended."""
        try:
            self._hold()
            event = next(events, None)
        except Vanished:
            raise
        except Exception as error:
            self._session.report(Ended(self.number, error=_sendable(error)))
            return False
        if event is None:
            aside = self.entry.control.ending == ASIDE and self.entry.writer.is_open
            self._session.report(Ended(self.number, aside))
            return False
        self.entry.snapshot = self.entry.snapshot.after(event)
        views, slow = self.entry.feed.views, self.entry.slow
        news = None if views is self._views else views
        self._views = views
        self._session.report(Happened(self.number, event, slow.on, slow.batch if slow.on else None, news))
        self._held_at = self._session.reported if slow.on else 0
        return True

    def _hold(self) -> None:
        """Wait while the run is in slow motion until the server has asked for more."""
        entry = self.entry
        self._session.wait_for(
            lambda: (
                not self._held_at
                or self._go_on_after >= self._held_at
                or not entry.slow.on
                or entry.control.ending
                or entry.writer.cancelled
            )
        )


def _own_images(wanted: str) -> Dataset | None:
    """Return this machine's MNIST if it is what is wanted."""
    with suppress(InputError, OSError):
        if (folder := find_mnist()) and fingerprint(own := open_mnist(folder)) == wanted:
            return own
    return None


def _bytes(report: Report) -> int:
    """Return how large the file is that a report brings."""
    if isinstance(report, Written) and report.method == "receive":
        return len(report.arguments[1])
    return 0


def _is_urgent(report: Report) -> bool:
    """Whether somebody waits for it: all but rows, probes, and the events of a run at full speed."""
    if isinstance(report, Happened):
        return report.slow
    if isinstance(report, Written):
        progress = report.method == "update" and report.arguments[0] == "running"
        return not progress and not report.method.startswith(("add_", "write_"))
    return True


def _sendable(error: Exception) -> Exception:
    """Return an error that another process can read."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
