"""Dask's scheduler and workers as processes of their own, with no folder in common, and a proxy."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

from mnist_core.runs.store import PROJECT


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Machines:
    """Processes in folders of their own under `directory`; `address` is the scheduler's."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._port = free_port()
        self.address = f"tcp://127.0.0.1:{self._port}"
        self.processes: dict[str, subprocess.Popen] = {}

    def start_scheduler(self) -> None:
        self._start("scheduler", "scheduler", "--host", "127.0.0.1", "--port", str(self._port))

    def start_worker(self, name: str, scheduler: str = "", *options: str) -> None:
        self._start(
            name,
            "worker",
            scheduler or self.address,
            "--name",
            name,
            "--no-nanny",
            "--nthreads",
            "1",
            *options,
        )

    def kill(self, name: str) -> None:
        process = self.processes.pop(name)
        process.kill()
        process.wait()

    def close(self) -> None:
        for name in list(self.processes):
            self.kill(name)

    def _start(self, name: str, *command: str) -> None:
        folder = self._directory / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        kept = {key: value for key, value in os.environ.items() if not key.startswith("DIGITLAB_")}
        environment = {**kept, "PYTHONPATH": str(PROJECT), "TMPDIR": str(folder), "HOME": str(folder)}
        environment["OMP_NUM_THREADS"] = "1"
        with (folder / "log").open("w") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", "dask", *command, "--no-dashboard"],
                cwd=folder,
                env=environment,
                stdout=log,
                stderr=log,
            )


class Proxy:
    """Passes on connections to a port, and holds all back while it is `cut`."""

    def __init__(self, target: int, port: int | None = None) -> None:
        self._target = target
        self.joined = threading.Event()
        self.joined.set()
        self._listener = socket.create_server(("127.0.0.1", port or 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        self.joined.clear()

    def join(self) -> None:
        self.joined.set()

    def close(self) -> None:
        self._listener.close()
        self.join()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                one, _ = self._listener.accept()
                threading.Thread(target=self._connect, args=(one,), daemon=True).start()

    def _connect(self, one: socket.socket) -> None:
        self.joined.wait()
        try:
            other = socket.create_connection(("127.0.0.1", self._target))
        except OSError:
            one.close()
            return
        for source, sink in ((one, other), (other, one)):
            threading.Thread(target=self._pass_on, args=(source, sink), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self.joined.wait()
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
