"""Opening the data once for the whole server, in the background when it has to be downloaded."""

import logging
import threading
from collections.abc import Callable

from mnist_core.data.mnist import Dataset
from mnist_core.messages import InputError, Message

logger = logging.getLogger(__name__)

Load = Callable[[Callable[[float], None]], Dataset]


class _StopDownload(Exception):
    """Leaves the download from inside its progress callback."""


class DatasetLoader:
    """Loads a dataset in a thread; who can't wait stops it and gets the fallback.

    `load` is called with a progress callback (fraction 0 to 1); `fallback` with the reason why `load` gave
    nothing, or None if it was stopped. Until one of them has returned, `dataset` is None.
    """

    def __init__(self, load: Load, fallback: Callable[[Message | None], Dataset]) -> None:
        self._load, self._fallback = load, fallback
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.dataset: Dataset | None = None
        self.fraction = 0.0

    def start(self) -> None:
        """Begin to load, unless that is under way."""
        if self._thread is None or not self._thread.is_alive():
            self._stopping.clear()
            self.dataset, self.fraction = None, 0.0
            self._thread = threading.Thread(target=self._run, name="dataset", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Give up the download at its next sign of progress."""
        self._stopping.set()

    def wait(self, seconds: float | None = None) -> Dataset | None:
        """Wait for the data, at most `seconds` if given, and return it if it is there."""
        if self._thread is not None:
            self._thread.join(seconds)
        return self.dataset

    def _run(self) -> None:
        try:
            self.dataset = self._load(self._progress)
        except _StopDownload:
            self.dataset = self._fallback(None)
        except InputError as error:
            self.dataset = self._fallback(error.message)
        except Exception:  # whatever it was, visitors must not wait for ever
            logger.exception("loading the data failed")
            self.dataset = self._fallback(None)

    def _progress(self, fraction: float) -> None:
        self.fraction = fraction
        if self._stopping.is_set():
            raise _StopDownload
