"""The cluster that DIGITLAB_CLUSTER names: its connection, and a place for each worker that fits."""

from __future__ import annotations

import asyncio
import logging
import pickle
import threading
import time
import uuid
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from subprocess import Popen, TimeoutExpired
from typing import TYPE_CHECKING, Any

from mnist_core.cluster import worker
from mnist_core.cluster.local import start_local
from mnist_core.cluster.place import Hear, WorkerPlace
from mnist_core.cluster.protocol import Job, Report, Request
from mnist_core.cluster.refusals import check_encryption, why_it_fails, why_not
from mnist_core.messages import N_, InputError, Message
from mnist_core.runs.training_place import ThisProcess, TrainingPlace
from mnist_core.runtime.cluster_setting import CLUSTER_VARIABLE, ClusterSetting
from mnist_core.runtime.event_log import log_event

if TYPE_CHECKING:
    from distributed import Future

    from mnist_core.data.mnist import Dataset

PATIENCE = 20.0  # seconds without an answer after which a worker, or its server, is taken for lost
ASK_SECONDS = 10.0  # for an answer to a small question
SEND_SECONDS = 120.0  # for one that brings images or a run's state
CONNECT_SECONDS = 5.0  # for one try to reach the scheduler
SECONDS_BETWEEN_LOOKS = 1.0
GATHER, MOST_GATHER = 0.1, 0.6  # seconds for reports: of up to 20 workers, and of 120 or more
_log = logging.getLogger(__name__)


class Cluster:
    """The workers of a Dask cluster as places to train, see Places.

    `load_dataset` returns the data set of a key; `threads` is the most that torch may use on a local worker.
    Raises InputError if Dask is not installed, or TLS has no certificates; a scheduler that can't be reached
    is tried again and again.
    """

    def __init__(
        self,
        setting: ClusterSetting,
        load_dataset: Callable[[str], Dataset],
        threads: int = 1,
        patience: float = PATIENCE,
        place: Callable[..., TrainingPlace] = ThisProcess,
    ) -> None:
        self._setting, self._load_dataset = setting, load_dataset
        self.patience, self.place = patience, place
        self._lock = threading.Lock()
        self._places: dict[str, WorkerPlace] = {}
        self._tried: set[str] = set()  # addresses of workers that are being asked, or don't fit
        self._refused: dict[str, Message] = {}
        self._futures: dict[str, Future[Any]] = {}
        self._hear: dict[str, Hear] = {}  # by the id of the session
        self._name = uuid.uuid4().hex  # in the keys of this server's tasks
        self._elsewhere: set[str] = set()  # addresses of workers that work for others,
        self._facts_read = threading.Event()  # which is looked up only after somebody was told
        self._closed = threading.Event()
        self._reachable, self._dashboard = False, ""
        self._client: Any = None  # a distributed.Client, whose methods have no types
        _import_dask()
        self._local: Popen[str] | None = None
        self._address = setting.address
        if setting.local:
            self._local, self._address = start_local(setting.local, threads)
        # Else a half-made client would be left, whose end can lock up the process.
        check_encryption(self._address)
        self._loop = _event_loop()  # one for all tries: each client would leave its own behind
        self._connect()

    def open(self, begin: Callable[[TrainingPlace], object], wake: Callable[[], None]) -> None:
        """Look for workers from now on; see Places."""
        self._begin, self._wake = begin, wake
        threading.Thread(target=self._watch, name="cluster", daemon=True).start()

    @property
    def count(self) -> int:
        """How many workers can train."""
        return len(self._places)

    @property
    def gather(self) -> float:
        """For how many seconds a worker gathers reports; many workers tell theirs less often."""
        return min(MOST_GATHER, max(GATHER, self.count / 200))

    def check(self) -> None:
        """Raise InputError while no run can train; see Places."""
        if not self._reachable:
            raise InputError(
                N_("The cluster's scheduler, {address}, can't be reached. Ask whoever runs this server."),
                address=self._address,
            )
        if self._refused and not self._places:
            message = next(iter(self._refused.values()))
            raise InputError(message.template, **message.values)

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the operator is told: see Places."""
        places = list(self._places.values())
        self._facts_read.set()
        return {
            "cluster": self._setting.address or f"local:{self._setting.local}",
            "cluster_reachable": self._reachable,
            "cluster_dashboard": self._dashboard if self._reachable else "",
            "cluster_workers": [
                {**place.told, "elsewhere": place.address in self._elsewhere}
                for place in sorted(places, key=lambda one: one.address)
            ],
            "cluster_refused": list(self._refused.values()),
        }

    def close(self) -> None:
        """Leave the cluster; local processes end."""
        self._closed.set()
        if self._client:
            with suppress(Exception):  # it may be gone already
                self._client.close()
        with suppress(Exception):
            self._loop.stop()
        if self._local:
            try:
                self._local.communicate(timeout=ASK_SECONDS)
            except TimeoutExpired:
                self._local.kill()

    def dataset(self, key: str) -> Dataset:
        """Return the data set of this key."""
        return self._load_dataset(key)

    def begin(self, address: str, session_id: str, job: Job, hear: Hear) -> None:
        """Have a worker begin a session, as its task; OSError if the scheduler can't be reached."""
        self._hear[session_id] = hear
        with _as_os_error():
            self._futures[session_id] = self._connected().submit(
                worker.train,
                session_id,
                job,
                key=f"{self._name}-{session_id}",
                workers=[address],
                retries=0,
                pure=False,
            )

    def failure(self, session_id: str) -> str | None:
        """Why a session could not begin, in Dask's first sentence; None if it may still begin."""
        future: Any = self._futures.get(session_id)
        if future is None or future.status != "error":
            return None
        with _as_os_error():
            said = " ".join(str(future.exception(timeout=ASK_SECONDS)).split())
        return said.split(". ")[0].rstrip(".")

    def end(self, address: str, session_id: str, over: bool) -> None:
        """Hear no more of a session; release it, unless it is `over`, if its worker can be reached."""
        self._hear.pop(session_id, None)
        if address in self._places and not over:
            with suppress(OSError):
                self._ask(address, ASK_SECONDS, worker.release, session_id)
        if future := self._futures.pop(session_id, None):
            with suppress(Exception):
                future.release()  # type: ignore[no-untyped-call]

    def exchange(
        self, address: str, session_id: str, read: int, requests: Sequence[tuple[int, Request]]
    ) -> tuple[int, list[tuple[int, Report]]] | None:
        """See worker.exchange; OSError if the worker can't be reached now."""
        seconds = min(SEND_SECONDS if requests else ASK_SECONDS, 3 * self.patience)
        answer: tuple[int, list[tuple[int, Report]]] | None
        answer = self._ask(address, seconds, worker.exchange, session_id, read, requests)
        return answer

    def keep(self, address: str, session_id: str) -> None:
        """See worker.keep."""
        self._ask(address, ASK_SECONDS, worker.keep, session_id)

    def is_there(self, address: str) -> bool | None:
        """Whether the scheduler knows a worker; None if the scheduler can't be reached."""
        addresses = self._addresses()
        return None if addresses is None else address in addresses

    def leave(self, address: str) -> None:
        """Use a worker no more until it answers again."""
        with self._lock:
            place = self._places.pop(address, None)
            self._tried.discard(address)
        if place:
            place.gone = True
            log_event(_log, "worker_left", worker=address)
            self._wake()

    def _watch(self) -> None:
        """Look again and again which workers there are."""
        reached = time.monotonic()
        while not self._closed.is_set():
            addresses = self._addresses()
            self._reachable = addresses is not None
            if addresses is not None:
                reached = time.monotonic()
                self._compare(addresses)
                self._listen()
                if self._facts_read.is_set():
                    self._facts_read.clear()
                    self._look_for_others()
            else:
                if time.monotonic() - reached > self.patience:
                    self._compare(set())  # or waiting runs would begin, and be interrupted
                self._connect()
            self._keep_silent_sessions()
            self._closed.wait(SECONDS_BETWEEN_LOOKS)

    def _compare(self, addresses: set[str]) -> None:
        for address in set(self._places) - addresses:
            self.leave(address)
        with self._lock:
            for address in set(self._refused) - addresses:
                del self._refused[address]
            self._tried &= addresses
            new = addresses - self._tried
            self._tried |= new
        for address in new:
            threading.Thread(target=self._admit, args=(address,), name="cluster worker", daemon=True).start()

    def _admit(self, address: str) -> None:
        """Train on a worker from now on if it has the same version."""
        try:
            facts = self._ask(address, SEND_SECONDS, worker.describe)
            reason = why_not(address, facts)
        except OSError:
            with self._lock:
                self._tried.discard(address)
            return
        except Exception as error:  # such as for a package that it lacks
            reason = why_it_fails(address, error)
        if reason:
            log_event(_log, "worker_refused", worker=address, reason=str(reason))
            self._refused[address] = reason
            return
        place = WorkerPlace(self, address, facts)
        with self._lock:
            self._places[address] = place
            self._refused.pop(address, None)
        log_event(_log, "worker_came", worker=address, device=facts.device, threads=facts.threads)
        self._begin(place)

    def _keep_silent_sessions(self) -> None:
        for place in list(self._places.values()):
            session = place.session
            if session and session.open and session.silent_seconds > self.patience / 2:
                with suppress(OSError):
                    session.keep()

    def _addresses(self) -> set[str] | None:
        """Return the addresses of the workers; None if the scheduler can't be reached."""
        with suppress(OSError), _as_os_error():
            client = self._connected()
            return set(client.sync(_within, client.scheduler.ncores_running, ASK_SECONDS, workers=None))
        return None

    def _listen(self) -> None:
        """Hear what workers tell; told again and again, for a scheduler that was away has forgotten it."""
        with suppress(OSError):
            self._connected().subscribe_topic(worker.TOPIC, self._pass_on)

    def _look_for_others(self) -> None:
        """Note which workers have tasks that are not this server's: they train for another one."""
        with suppress(OSError), _as_os_error():
            client = self._connected()
            tasks = client.sync(_within, client.scheduler.processing, ASK_SECONDS, workers=None)
            self._elsewhere = {
                address
                for address, keys in tasks.items()
                if any(not str(key).startswith(self._name) for key in keys)
            }

    def _pass_on(self, event: tuple[float, Mapping[str, Any]]) -> None:
        """Pass on what a worker tells to its session; other servers hear it too."""
        _time, news = event
        if hear := self._hear.get(news["session"]):
            hear(pickle.loads(news["reports"]), news["more"])

    def _connected(self) -> Any:
        if self._client is None or self._client.status not in ("running", "connecting"):
            raise OSError("no scheduler")
        return self._client

    def _connect(self) -> None:
        """Connect to the scheduler, unless that is done; if it can't be reached, leave it at that."""
        from distributed import Client

        if self._client and self._client.status in ("running", "connecting"):
            return
        with suppress(OSError):
            make: Any = Client
            self._client = make(
                self._address, timeout=CONNECT_SECONDS, set_as_default=False, loop=self._loop.loop
            )
            self._reachable = True
            self._dashboard = self._find_dashboard()

    def _ask(self, address: str, seconds: float, question: Callable[..., Any], *arguments: Any) -> Any:
        """Return what a function on a worker answers; OSError if it can't be reached in time."""
        client = self._connected()
        with _as_os_error():
            answers = client.sync(_within, client.run, seconds, question, *arguments, workers=[address])
        return answers[address]

    def _find_dashboard(self) -> str:
        """Return the address of Dask's dashboard, "" if the scheduler serves none."""
        with suppress(Exception):  # such as for a scheduler that lacks this package
            client = self._connected()
            if client.sync(_within, client.run_on_scheduler, ASK_SECONDS, _serves_dashboard):
                return str(client.dashboard_link)
        return ""


def _serves_dashboard(dask_scheduler: Any) -> bool:
    """Whether this scheduler serves the dashboard: bokeh is there, and nobody turned it off."""
    return bool(dask_scheduler.http_application.applications)


async def _within(
    ask: Callable[..., Coroutine[Any, Any, Any]], seconds: float, *arguments: Any, **named: Any
) -> Any:
    return await asyncio.wait_for(ask(*arguments, **named), seconds)


@contextmanager
def _as_os_error() -> Iterator[None]:
    """Turn what Dask raises for a closed connection into an OSError; a late answer is one already."""
    from concurrent.futures import CancelledError

    from distributed.client import ClosedClientError

    try:
        yield
    except (ClosedClientError, CancelledError, asyncio.CancelledError) as error:
        raise OSError(str(error)) from error


def _event_loop() -> Any:
    """Start Dask's event loop in a thread of its own."""
    from distributed.utils import LoopRunner

    make: Any = LoopRunner
    runner = make()
    runner.start()
    return runner


def _import_dask() -> None:
    try:
        import distributed  # noqa: F401
    except ImportError:
        raise InputError(
            N_("{variable} needs Dask; install it by: pip install -r requirements-cluster.txt"),
            variable=CLUSTER_VARIABLE,
        ) from None
