"""The server's side of training on one worker of the cluster."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from mnist_core.cluster import protocol
from mnist_core.cluster.protocol import Job, Report, Request, WorkerFacts
from mnist_core.cluster.worker import fingerprint
from mnist_core.messages import N_, InputError, Message
from mnist_core.runs.queued_run import QueuedRun
from mnist_core.runs.retention import size_in_bytes
from mnist_core.runs.run import METRICS_FILE, OWN_DIGIT_FILE, STATE_FILE
from mnist_core.runs.training_place import Turns
from mnist_core.runtime.event_log import log_event, short_id
from mnist_core.training.events import ASIDE, Event
from mnist_core.training.schedules import STEERED

if TYPE_CHECKING:
    from mnist_core.data.mnist import Dataset

_log = logging.getLogger(__name__)
FILES = ("run.json", "config.json", METRICS_FILE, "probes.jsonl", OWN_DIGIT_FILE, STATE_FILE)
MOST_LOSSES = 3
SECONDS_TO_BEGIN = 60.0
SECONDS_BETWEEN_TRIES = 0.2
SECONDS_BETWEEN_LOOKS = 0.25  # for what a run was told to do
GONE = N_(
    "The cluster's scheduler can't be reached, so the training stopped. Continue it when the cluster is back."
)


Hear = Callable[[Sequence[tuple[int, Report]], bool], None]


class Connection(Protocol):
    """What a place needs of its cluster."""

    patience: float

    @property
    def gather(self) -> float:
        """See Job."""

    def begin(self, address: str, session_id: str, job: Job, hear: Hear) -> None:
        """Have a worker begin a session; `hear` is called with what it tells."""

    def exchange(
        self, address: str, session_id: str, read: int, requests: Sequence[tuple[int, Request]]
    ) -> tuple[int, list[tuple[int, Report]]] | None:
        """See worker.exchange; OSError if it can't be reached now."""

    def keep(self, address: str, session_id: str) -> None:
        """See worker.keep."""

    def failure(self, session_id: str) -> str | None:
        """Return why a session could not begin; None if it may still begin."""

    def end(self, address: str, session_id: str, over: bool) -> None:
        """Hear no more of a session; release it, unless it is `over`, if its worker can be reached."""

    def is_there(self, address: str) -> bool | None:
        """Whether the scheduler knows a worker; None if the scheduler can't be reached."""

    def leave(self, address: str) -> None:
        """Use a worker no more until it answers again."""

    def dataset(self, key: str) -> Dataset:
        """Return the data set of this key."""

    @property
    def place(self) -> Any:
        """What makes the place on the worker that trains."""


class WorkerPlace:
    """Trains runs on one worker, see TrainingPlace."""

    gone = False

    def __init__(self, connection: Connection, address: str, facts: WorkerFacts) -> None:
        self._connection, self.address, self.facts = connection, address, facts
        self.session: RemoteSession | None = None

    def events(self, entries: Sequence[QueuedRun]) -> Turns:
        """Return the events of each run; see TrainingPlace."""
        self.session = session = RemoteSession(self._connection, self, entries)
        return {entry: session.events(entry) for entry in entries}

    @property
    def told(self) -> dict[str, Any]:
        """What the operator is told of the worker; `runs` are the ids of those that it trains."""
        runs = self.session.runs if self.session else []
        return {
            "address": self.address,
            "host": self.facts.host,
            "device": self.facts.device,
            "runs": runs,
        }


class RemoteSession:
    """Runs that train on a worker: what it reports is recorded by their writers."""

    def __init__(self, connection: Connection, place: WorkerPlace, entries: Sequence[QueuedRun]) -> None:
        self._connection, self._place, self._entries = connection, place, list(entries)
        self._address, self.id = place.address, uuid.uuid4().hex
        self._news: dict[QueuedRun, deque[tuple[int, Report]]] = {entry: deque() for entry in entries}
        self._heard = threading.Condition()  # hold it to change the next three
        self._arrived: deque[tuple[int, Report]] = deque()
        self._read, self._lacks = 0, False  # the last report that arrived; whether others are known of
        self._numbered = self._ended = 0
        self._requests: deque[tuple[int, Request]] = deque()
        self._told_slow = {entry: entry.slow.on for entry in entries}
        self._told_ending: dict[QueuedRun, str | None] = dict.fromkeys(entries)
        self._told_cancel: set[QueuedRun] = set()
        self._begun = self._answered = time.monotonic()
        self._started, self._there = False, False
        self._broken: str | None = None  # why it can't go on: "lost", "busy" or "gone"
        self._left = set(entries)
        self._told = False  # whether a run was told something since the last look
        for entry in entries:
            entry.on_told = self._look_soon

    @property
    def open(self) -> bool:
        """Whether a run of it still trains."""
        return bool(self._left)

    @property
    def runs(self) -> list[str]:
        """The ids of its runs that still train."""
        return [entry.writer.id for entry in self._entries if entry in self._left]

    @property
    def silent_seconds(self) -> float:
        """How long the worker has not been asked for news."""
        return time.monotonic() - self._answered

    def keep(self) -> None:
        """Tell the worker that the server is still there."""
        self._connection.keep(self._address, self.id)

    def events(self, entry: QueuedRun) -> Iterator[Event]:
        """Train one of the runs on the worker; see TrainingPlace."""
        try:
            self._start()
            while True:
                while self._news[entry]:
                    number, report = self._news[entry].popleft()
                    if isinstance(report, protocol.Ended):
                        return self._end(entry, report)
                    if isinstance(report, protocol.Written):
                        getattr(entry.writer, report.method)(*report.arguments, **report.named)
                    elif isinstance(report, protocol.Happened):
                        yield from self._happened(entry, report, number)
                if self._broken:
                    return self._break_off(entry, self._broken)
                self._listen()
        finally:
            self._left.discard(entry)
            entry.on_told = None  # or the two, which hold each other, would stay in memory for long
            if not self._left:
                self._connection.end(self._address, self.id, self._ended == len(self._entries))

    def _start(self) -> None:
        """Begin the session on the worker, when the first of its runs begins."""
        if self._started:
            return
        self._started = True
        keys = {entry.writer.config.dataset for entry in self._entries}
        fingerprints = {key: fingerprint(self._connection.dataset(key)) for key in keys}
        runs = [_to_train(entry, self._place.facts) for entry in self._entries]
        there = self._connection
        job = Job(runs, fingerprints, there.patience, there.gather, there.place)
        self._begun = self._answered = time.monotonic()
        try:
            there.begin(self._address, self.id, job, self.hear)
        except OSError:
            self._look_for_it()

    def _happened(self, entry: QueuedRun, report: protocol.Happened, number: int) -> Iterator[Event]:
        """Pass on an event; in slow motion only those after which the run waits."""
        if report.views is not None:
            entry.feed.views = report.views
        if report.batch is not None and entry.slow.on:
            entry.slow.batch = report.batch
        if entry.slow.on and not report.slow:
            entry.snapshot = entry.snapshot.after(report.event)
            return
        yield report.event
        if report.slow:
            self._request(protocol.Steer(self._entries.index(entry), go_on_after=number))

    def hear(self, reports: Sequence[tuple[int, Report]], more: bool) -> None:
        """Take what the worker tells by itself: reports, and whether there are more to ask for."""
        with self._heard:
            self._take(reports)
            self._lacks = self._lacks or more
            self._heard.notify_all()

    def _take(self, reports: Sequence[tuple[int, Report]]) -> None:
        self._there = True
        for number, report in reports:
            if number == self._read + 1:
                self._read = number
                self._arrived.append((number, report))
            self._lacks = self._lacks or number > self._read

    def _look_soon(self) -> None:
        with self._heard:
            self._told = True
            self._heard.notify_all()

    def _listen(self) -> None:
        """Wait for news and sort them; ask when the runs were told something, or there are no news."""
        with self._heard:
            self._heard.wait_for(
                lambda: self._arrived or self._lacks or self._requests or self._told, SECONDS_BETWEEN_LOOKS
            )
            self._told = False
        for entry in self._left:
            self._collect(entry)
        old = self.silent_seconds > self._connection.patience / 4
        if self._requests or self._lacks or self._place.gone or old:
            self._exchange()
        while self._arrived:
            self._sort(*self._arrived.popleft())

    def _exchange(self) -> None:
        """Send what the runs were told, and take what the worker reports."""
        self._lacks = False
        try:
            answer = self._connection.exchange(self._address, self.id, self._read, list(self._requests))
        except OSError:
            self._lacks = True
            self._look_for_it()
            return
        if answer is None:
            self._lacks = True
            self._wait_for_begin()
            return
        self._answered = time.monotonic()
        done, reports = answer
        with self._heard:
            self._take(reports)
        while self._requests and self._requests[0][0] <= done:
            self._requests.popleft()
        if self._requests:
            time.sleep(SECONDS_BETWEEN_TRIES)

    def _sort(self, number: int, report: Report) -> None:
        if isinstance(report, protocol.OF_A_RUN):
            self._news[self._entries[report.run]].append((number, report))
        elif isinstance(report, protocol.Busy):
            self._broken = "busy"
        elif isinstance(report, protocol.ImagesWanted):
            dataset = self._connection.dataset(report.key)
            log_event(_log, "images_sent", worker=self._address)
            self._request(protocol.Images(replace(dataset, path=None, notice=None)))

    def _collect(self, entry: QueuedRun) -> None:
        """Note as a request what a run was told since the last time."""
        control, run = entry.control, self._entries.index(entry)
        changes = []
        while control.changes:
            changes.append(control.changes.popleft())
        ending = control.ending if control.ending != self._told_ending[entry] else None
        cancelled = entry.writer.cancelled and entry not in self._told_cancel
        slow = entry.slow.on if entry.slow.on != self._told_slow[entry] else None
        watched = entry.feed.watched()
        if ending or changes or cancelled or slow is not None or watched:
            self._request(protocol.Steer(run, ending, changes, cancelled, slow, watched=watched))
        self._told_ending[entry], self._told_slow[entry] = control.ending, entry.slow.on
        if cancelled:
            self._told_cancel.add(entry)

    def _request(self, request: Request) -> None:
        self._numbered += 1
        self._requests.append((self._numbered, request))

    def _wait_for_begin(self) -> None:
        """The worker doesn't know the session: it hasn't begun, or it has begun anew and lost it."""
        if self._there:
            self._broken = "lost"
        elif cause := self._connection.failure(self.id):
            raise InputError(
                N_(
                    "The cluster could not begin this training: {cause}. Ask whoever runs this server "
                    "whether Digit Lab is installed on the scheduler, too."
                ),
                cause=cause,
            )
        elif time.monotonic() - self._begun > SECONDS_TO_BEGIN:
            self._broken = "busy"
        elif self._connection.is_there(self._address) is False:
            self._broken = "lost"
        else:
            time.sleep(SECONDS_BETWEEN_TRIES)

    def _look_for_it(self) -> None:
        """The worker can't be reached: find out why, and give it time unless it is known to be gone."""
        there = self._connection.is_there(self._address)
        if there is False:
            self._broken = "lost"
        elif self.silent_seconds > self._connection.patience:
            self._broken = "lost" if there else "gone"
        else:
            time.sleep(SECONDS_BETWEEN_TRIES)

    def _end(self, entry: QueuedRun, report: protocol.Ended) -> None:
        self._ended += 1
        if report.error:
            raise report.error
        if report.aside:
            entry.control.ending = ASIDE
        else:
            entry.writer.close()

    def _break_off(self, entry: QueuedRun, why: str) -> None:
        """Have a run go back into the line that its worker was lost with; after MOST_LOSSES it fails."""
        log_event(_log, "run_lost", run=short_id(entry.writer.id), worker=self._address, why=why)
        self._connection.leave(self._address)
        if why == "gone":
            entry.writer.update("interrupted", Message(GONE))
            entry.writer.close()
            return
        entry.losses += why == "lost"
        if entry.losses >= MOST_LOSSES:
            raise InputError(
                N_(
                    "The workers that trained this run were lost {count} times; the run may need more memory "
                    "than they have. Ask whoever runs this server, or train smaller settings."
                ),
                count=entry.losses,
            )
        ending = entry.control.ending
        now = {name: getattr(entry.snapshot.current, name) for name in STEERED}
        entry.writer.add_change(**now)  # or what was changed since the last state would be lost
        entry.writer.update(ending if ending and ending != ASIDE else "queued")
        entry.control.ending = ending or ASIDE


def _to_train(entry: QueuedRun, facts: WorkerFacts) -> protocol.RunToTrain:
    """Return a run as it goes to a worker; write down where it trains."""
    writer = entry.writer
    writer.update("running", trained_on=facts.host)
    if writer.rows:
        writer.write_metrics()
    files = {name: content for name in FILES if (content := _read(writer.folder / name)) is not None}
    most = writer.most_bytes
    if most is not None:
        most -= size_in_bytes(writer.folder) - sum(map(len, files.values()))
    return protocol.RunToTrain(writer.id, files, most, entry.slow.on)


def _read(path: Path) -> bytes | None:
    with suppress(FileNotFoundError):
        return path.read_bytes()
    return None
