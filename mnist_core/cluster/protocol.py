"""What a server and a worker of the cluster tell each other about the runs that train there.

A server opens a session on a worker for one run, or for the two of a pair, with a Job. The worker tells small
Reports by itself, in events of Dask. The server asks for reports (`worker.exchange`) when it has Requests,
when some are large or missing, and now and then. Both are numbered, and kept until the other has them, so a
lost connection neither loses nor doubles one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mnist_core.runs.training_place import ThisProcess, TrainingPlace

if TYPE_CHECKING:
    from mnist_core.data.mnist import Dataset
    from mnist_core.monitoring.activation_view import ActivationView
    from mnist_core.monitoring.batch_view import BatchView
    from mnist_core.training.events import Event


@dataclass(frozen=True)
class RunToTrain:
    """A run as it goes to a worker: the files of its folder that a training reads, and its most bytes."""

    id: str
    files: Mapping[str, bytes]
    most_bytes: int | None
    slow: bool = False


@dataclass(frozen=True)
class Job:
    """What a session trains; `fingerprints` are those of the data sets, by key.

    `patience` is how many seconds it goes on without being asked for news: then its server has gone.
    `gather` is for how many seconds it gathers reports that nobody waits for.
    `place` makes the place that trains, from what ThisProcess takes.
    """

    runs: Sequence[RunToTrain]
    fingerprints: Mapping[str, str]
    patience: float
    gather: float = 0.1
    place: Callable[..., TrainingPlace] = ThisProcess


@dataclass(frozen=True)
class Images:
    """The images, for a worker that asked for them."""

    dataset: Dataset


@dataclass(frozen=True)
class Steer:
    """What to do with run number `run` of the session from its next event on; None leaves a thing as it is.

    `go_on_after` is the number of the report of the last event that a run in slow motion need not wait at.
    """

    run: int
    ending: str | None = None
    changes: Sequence[Mapping[str, Any]] = ()
    cancelled: bool = False
    slow: bool | None = None
    go_on_after: int | None = None
    watched: Sequence[bytes] = ()


Request = Images | Steer


@dataclass(frozen=True)
class ImagesWanted:
    """The worker doesn't have the images of the data set of this key."""

    key: str


@dataclass(frozen=True)
class Busy:
    """The worker trains for another server."""


@dataclass(frozen=True)
class Written:
    """A method of run number `run`'s writer was called."""

    run: int
    method: str
    arguments: tuple[Any, ...]
    named: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Happened:
    """An event of a training; `slow` is whether the run waits after it. `views` are None if they are old."""

    run: int
    event: Event
    slow: bool = False
    batch: BatchView | None = None
    views: dict[bytes, ActivationView] | None = None


@dataclass(frozen=True)
class Ended:
    """A run's training has ended; `aside`: it goes back into the line. `error` is what it failed with."""

    run: int
    aside: bool = False
    error: Exception | None = None


Report = ImagesWanted | Busy | Written | Happened | Ended
OF_A_RUN = (Written, Happened, Ended)  # as opposed to the whole session


@dataclass(frozen=True)
class WorkerFacts:
    """A worker: its versions of Digit Lab and torch, host, device, and threads for a run."""

    version: str
    torch: str
    host: str
    device: str
    threads: int
