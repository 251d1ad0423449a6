"""A cluster without Dask: its workers' sessions run in threads of this process, and break off when told."""

import asyncio
import pickle
import threading
from collections.abc import Callable, Mapping

from mnist_core.cluster import worker
from mnist_core.cluster.place import Hear, WorkerPlace
from mnist_core.cluster.protocol import Images, Job, WorkerFacts
from mnist_core.messages import InputError
from mnist_core.runs.training_place import ThisProcess, TrainingPlace

FACTS = WorkerFacts("1", "2", "a-host", "cpu", 1)


class InProcess:
    """Workers w0, w1, ...; `cut` are those that can't be reached, `reachable` whether the scheduler can.

    What workers tell by themselves doesn't arrive at a `deaf` server.
    """

    place = ThisProcess
    gather = 0.02

    def __init__(self, dataset, workers: int = 1, patience: float = 10.0) -> None:
        self._dataset, self.patience = dataset, patience
        self.places = {f"w{number}": WorkerPlace(self, f"w{number}", FACTS) for number in range(workers)}
        self.cut: set[str] = set()
        self.reachable, self.deaf = True, False
        self.jobs: list[tuple[str, Job]] = []
        self.images_sent = 0
        self.facts: Mapping[str, object] = {}

    def open(self, begin: Callable[[TrainingPlace], object], wake: Callable[[], None]) -> None:
        self._begin, self._wake = begin, wake
        for place in self.places.values():
            begin(place)

    @property
    def count(self) -> int:
        return len(self.places)

    def check(self) -> None:
        if not self.reachable:
            raise InputError("no scheduler")

    def close(self) -> None: ...

    def begin(self, address: str, session_id: str, job: Job, hear: Hear) -> None:
        if not self.reachable:
            raise OSError("no scheduler")
        self.jobs.append((address, job))

        def tell(reports: bytes, more: bool) -> None:
            if self.reachable and address not in self.cut and not self.deaf:
                hear(pickle.loads(reports), more)

        session = worker.Session(job, 1, address + session_id, tell)
        threading.Thread(target=worker.work, args=(session_id, session), daemon=True).start()

    def exchange(self, address, session_id, read, requests):
        if address in self.cut or not self.reachable:
            raise OSError("cut off")
        self.images_sent += sum(isinstance(request, Images) for _, request in requests)
        return asyncio.run(worker.exchange(session_id, read, requests))

    def keep(self, address: str, session_id: str) -> None: ...

    def failure(self, session_id: str) -> None: ...

    def end(self, address: str, session_id: str, over: bool) -> None:
        if self.reachable and address not in self.cut and not over:
            asyncio.run(worker.release(session_id))
        worker.forget(session_id)

    def is_there(self, address: str) -> bool | None:
        return address not in self.cut if self.reachable else None

    def leave(self, address: str) -> None:
        """The worker begins anew, as a process that was killed does under its nanny."""
        self.places[address].gone = True
        self._wake()
        self.cut.discard(address)
        self.places[address] = WorkerPlace(self, address, FACTS)
        self._begin(self.places[address])

    def lose(self, address: str) -> None:
        """The worker can't be reached, and the scheduler knows it."""
        self.cut.add(address)
        self.places[address].gone = True

    def dataset(self, key: str):
        return self._dataset
