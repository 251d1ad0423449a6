"""The searches that a server works on: each by a worker, continued after a restart of the server."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from mnist_core.messages import Message
from mnist_core.runs.admission import TrainingLimits
from mnist_core.runs.store import RunStore
from mnist_core.search.study import Search, Studies
from mnist_core.search.worker import SearchWorker

if TYPE_CHECKING:
    from mnist_core.runs.queue import TrainingQueue

MOST_AT_ONCE = 64  # trials of a search that train or wait: a thread each
SECONDS_TO_LEAVE = 10.0


class ServerSearches:
    """The searches on which this server works; their trials are runs in `store`.

    `queue` returns what trains them; it is called when the first search begins. `server` is what the searches
    call this server.
    """

    def __init__(self, store: RunStore, queue: Callable[[], TrainingQueue]) -> None:
        self._store, self._queue = store, queue
        self._studies = Studies(store.directory)
        self.server = f"{socket.gethostname()}:{store.directory.resolve()}"  # others share the studies
        self._starting = threading.Lock()  # two clicks must not make two workers
        self._workers: dict[str, SearchWorker] = {}

    def go_on(self, search: Search, limits: TrainingLimits, here: bool = False) -> None:
        """Work on a search within the limits of its owner, unless this server does.

        With `here` the server trains the trials itself, as its cluster can't be reached.
        """
        at_once = 1 if here else min(limits.runs_at_once or MOST_AT_ONCE, MOST_AT_ONCE)
        queue = self._queue()
        with self._starting:
            if self.is_working(search.id):
                return
            search.note_server(self.server)
            worker = SearchWorker(self._studies, search, queue, self._store, limits, at_once, here)
            self._workers[search.id] = worker
            worker.start()

    def continue_lost(self, limits: TrainingLimits) -> None:
        """Go on with the searches that this server worked on when it ended, the oldest first."""
        for search in reversed(self._studies.list()) if self._studies.exist() else ():
            begun = search.server == self.server and not search.stopped and not search.problem
            if begun and search.has_more_to_do:
                self.go_on(search, limits)

    def is_working(self, search_id: str) -> bool:
        """Return whether this server works on a search."""
        worker = self._workers.get(search_id)
        return worker is not None and worker.working

    def problem(self, search: Search) -> Message | None:
        """Return why a search ended early: what the study knows, or this server's worker."""
        worker = self._workers.get(search.id)
        return search.problem or (worker.problem if worker else None)

    def delete(self, search: Search, seconds: float = SECONDS_TO_LEAVE) -> None:
        """Delete a search but not its runs: those that this server trains are paused first."""
        search.stop()
        if worker := self._workers.get(search.id):
            worker.leave(seconds)
        self._studies.delete(search.id)

    def leave(self, seconds: float = SECONDS_TO_LEAVE) -> None:
        """Pause the trials of all searches, and wait up to `seconds` for each until its work has ended."""
        for worker in list(self._workers.values()):
            worker.leave(seconds)
