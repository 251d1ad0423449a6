"""The status of running servers: a file that each writes beside its runs every few seconds."""

from __future__ import annotations

import atexit
import json
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from mnist_core import __version__
from mnist_core.runs.run import json_bytes
from mnist_core.runtime.event_log import log_event
from mnist_core.runtime.files import write_whole
from mnist_core.runtime.process import resident_bytes
from mnist_core.training.memory import memory_limit

SECONDS_BETWEEN = 10.0
SECONDS_FRESH = 45.0  # a server that has not written for longer is taken for dead
SECONDS_KEPT = 24 * 3600.0  # then the file of a killed server is deleted
SECONDS_BETWEEN_LOGS = 600.0
NOT_LOGGED = ("written", "cluster_workers")  # the workers may be many
FILES = ".server-*.json"
Facts = Mapping[str, Any]
_log = logging.getLogger(__name__)


class Heartbeat:
    """Writes the server's status while its process lives.

    `facts` returns what only the server knows: `source` of the data, runs `training` and `waiting`, `pages`
    that are open. None of them identifies a visitor. A directory that can't be written gets no file.
    """

    def __init__(self, directory: Path, facts: Callable[[], Facts]) -> None:
        self._directory, self._facts = directory, facts
        self._file = directory / FILES.replace("*", str(os.getpid()))
        self._begun, self._most, self._logged = time.time(), 0, 0.0

    def start(self) -> None:
        """Begin to write, in a thread that ends with the process."""
        threading.Thread(target=self._work, name="heartbeat", daemon=True).start()
        atexit.register(self._file.unlink, missing_ok=True)

    def write(self) -> None:
        """Write the status now; while a page is open, also log it from time to time."""
        status = self._status()
        if status["pages"] and time.monotonic() - self._logged > SECONDS_BETWEEN_LOGS:
            self._logged = time.monotonic()
            log_event(_log, "server", **{name: status[name] for name in status if name not in NOT_LOGGED})
        with suppress(OSError):
            self._directory.mkdir(parents=True, exist_ok=True)
            write_whole(self._file, json_bytes(status))

    def _work(self) -> None:
        with suppress(OSError):
            _delete_old(self._directory)
        while True:
            self.write()
            time.sleep(SECONDS_BETWEEN)

    def _status(self) -> dict[str, Any]:
        memory, limit = resident_bytes(), memory_limit()
        self._most = max(self._most, memory or 0)
        megabytes = {"memory_mb": memory, "most_memory_mb": self._most or None, "memory_limit_mb": limit}
        return {
            "version": __version__,
            "process": os.getpid(),
            "begun": round(self._begun),
            "written": round(time.time()),
            **self._facts(),
            **{name: size and size // 1_000_000 for name, size in megabytes.items()},
        }


def running_servers(directory: Path) -> list[dict[str, Any]]:
    """Return the status of each server that keeps its runs in `directory` and has written lately."""
    found = []
    for file in sorted(directory.glob(FILES)):
        with suppress(OSError, ValueError):
            status = json.loads(file.read_text())
            if time.time() - status["written"] < SECONDS_FRESH:
                found.append(status)
    return found


def _delete_old(directory: Path) -> None:
    for file in directory.glob(FILES):
        if time.time() - file.stat().st_mtime > SECONDS_KEPT:
            file.unlink(missing_ok=True)
