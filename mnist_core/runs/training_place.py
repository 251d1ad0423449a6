"""Where runs train: an interface, and its implementation by the threads of this process."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from mnist_core.runs.queued_run import QueuedRun
from mnist_core.training.events import Event

if TYPE_CHECKING:
    from mnist_core.data.mnist import Dataset


Turns = dict[QueuedRun, Iterator[Event]]


class TrainingPlace(Protocol):
    """A place where one run trains at a time, or the two of a pair in turns."""

    @property
    def gone(self) -> bool:
        """Whether no more runs can train here; whoever changes that notifies the line."""

    def events(self, entries: Sequence[QueuedRun]) -> Turns:
        """Train runs, each while its events are taken; record them by their writers, as train_run does.

        An iterator that ends leaves its writer closed unless the run is to go back into the line.
        """


class Places(Protocol):
    """Many places, which come and go, instead of the threads of this process: a cluster."""

    def open(self, begin: Callable[[TrainingPlace], object], wake: Callable[[], None]) -> None:
        """Call `begin` for each place that comes, and `wake` when one has gone."""

    @property
    def count(self) -> int:
        """How many places there are now."""

    def check(self) -> None:
        """Raise InputError, with the reason, while no run can train there."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the operator is told of them."""

    def close(self) -> None:
        """Leave the places."""


class ThisProcess:
    """Trains runs in the thread that takes their events.

    `load_dataset` is called for each run with its data set's key; `threads` is the most that torch may use.
    `trial` is a lock that all such places share: a trial of threads sets the number of the whole process.
    """

    gone = False

    def __init__(self, load_dataset: Callable[[str], Dataset], threads: int, trial: threading.Lock) -> None:
        self._load_dataset, self._threads, self._trial = load_dataset, threads, trial

    def events(self, entries: Sequence[QueuedRun]) -> Turns:
        """Return the events of each run; see TrainingPlace."""
        return {entry: self._events(entry) for entry in entries}

    def _events(self, entry: QueuedRun) -> Iterator[Event]:
        """Train a run, with its own number of threads whenever it goes on."""
        import torch

        from mnist_core.runs.run_trainer import set_threads, train_run
        from mnist_core.runtime.devices import choose_device

        dataset = self._load_dataset(entry.writer.config.dataset)
        with self._trial:
            set_threads(entry.writer, dataset, self._threads)
        threads = torch.get_num_threads()
        for event in train_run(entry.writer, dataset, choose_device(), entry.control, entry.feed, entry.slow):
            yield event
            if torch.get_num_threads() != threads:  # its partner's
                torch.set_num_threads(threads)
