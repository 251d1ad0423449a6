"""`python -m benchmarks.cluster [RUNS] [WORKERS]`: runs of 1 s on many workers that sleep, not train.

It starts a Dask scheduler, two processes of workers, and the training queue of a server. Runs of ten
visitors wait in its line already when the first begins. Meanwhile two endless runs are steered. It prints a
Markdown table.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.measurement import markdown, seconds
from mnist_core.cluster.cluster import Cluster
from mnist_core.config import TrainConfig
from mnist_core.data.mnist import Dataset, Split
from mnist_core.runs.queue import TrainingQueue
from mnist_core.runs.queued_run import QueuedRun
from mnist_core.runs.store import PROJECT, RunStore
from mnist_core.runs.training_place import Turns
from mnist_core.runtime.cluster_setting import ClusterSetting
from mnist_core.training.events import Event, Started, StepDone

PROCESSES, VISITORS = 2, 10
# What each of Dask's workers does all the time, which on a machine of its own doesn't matter.
SPARING = {
    "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
    "DASK_DISTRIBUTED__ADMIN__TICK__INTERVAL": "1s",
    "DASK_DISTRIBUTED__ADMIN__SYSTEM_MONITOR__INTERVAL": "1h",
}
STEPS, SECONDS = 10, 1.0  # of an epoch
SHORT = TrainConfig(widths=(8,), epochs=1)
ENDLESS = TrainConfig(widths=(8,), epochs=1000)


class Asleep:
    """A place that sleeps SECONDS for each epoch, and follows stop, pause and a new learning rate."""

    gone = False

    def __init__(self, *_arguments: object) -> None: ...

    def events(self, entries: Sequence[QueuedRun]) -> Turns:
        """Return the events of each run."""
        return {entry: self._sleep(entry) for entry in entries}

    def _sleep(self, entry: QueuedRun) -> Iterator[Event]:
        writer, control, rate = entry.writer, entry.control, entry.writer.config.learning_rate
        writer.update("running", threads=1)
        yield Started(0.1, 2.3, STEPS, 1000)
        for step in range(1, 1 + STEPS * writer.config.epochs):
            time.sleep(SECONDS / STEPS)
            while control.changes:
                rate = control.changes.popleft()["learning_rate"]
            writer.add_metrics(step=step, loss=2.3, learning_rate=rate)
            yield StepDone(1, step, 2.3, rate, 1000.0, step * SECONDS / STEPS)
            if control.ending:
                break
        writer.update(control.ending or "finished", test_accuracy=0.1)
        writer.close()


class Machines:
    """A scheduler and processes of workers; they end with the block."""

    def __init__(self, folder: Path, workers: int) -> None:
        self._file, self._each = folder / "scheduler.json", workers // PROCESSES
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Machines:
        self._start(
            "-m", "dask", "scheduler", "--port", "0", "--no-dashboard", f"--scheduler-file={self._file}"
        )
        wait_for(lambda: self._file.exists() and self._file.stat().st_size)
        self.address = str(json.loads(self._file.read_text())["address"])
        for _ in range(PROCESSES):
            self._start("-m", "benchmarks.cluster", "--workers", self.address, str(self._each))
        return self

    def seconds(self) -> dict[str, float]:
        """Return the processor time so far of this process, of the scheduler and of all workers."""
        scheduler, *workers = (_processor_time(process.pid) for process in self._processes)
        return {"server": time.process_time(), "scheduler": scheduler, "workers": sum(workers)}

    def __exit__(self, *_error: object) -> None:
        for process in self._processes:
            process.kill()
            process.wait()

    def _start(self, *command: str) -> None:
        environment = {**os.environ, **SPARING, "PYTHONPATH": str(PROJECT)}
        self._processes.append(
            subprocess.Popen([sys.executable, *command], env=environment, stderr=subprocess.DEVNULL)
        )


async def be_workers(scheduler: str, count: int) -> None:
    """Be so many workers, until the process is killed."""
    from distributed import Worker

    make: Callable[..., Any] = Worker
    workers = [await make(scheduler, nthreads=1, memory_limit=0, dashboard=False) for _ in range(count)]
    await asyncio.gather(*(worker.finished() for worker in workers))


def wait_for(true: Callable[[], object]) -> float:
    """Wait until something is so; return how many seconds that took."""
    return seconds(lambda: _wait(true))


def _wait(true: Callable[[], object]) -> None:
    while not true():
        time.sleep(0.02)


def _processor_time(process: int) -> float:
    times = psutil.Process(process).cpu_times()
    return float(times.user + times.system)


def made_runs(store: RunStore, count: int) -> list[str]:
    """Make waiting runs of VISITORS: a copy is made faster than a run with a name of its own."""
    first = []
    for number in range(VISITORS):
        writer = store.create(SHORT, owner=f"visitor {number}")
        writer.close()
        first.append(writer.folder)
    copies = [store.directory / secrets.token_hex(8) for _ in range(count - VISITORS)]
    for number, folder in enumerate(copies):
        shutil.copytree(first[number % VISITORS], folder)
    return [folder.name for folder in (*first, *copies)]


class Lab:
    """A server's queue on the cluster, with endless runs that train already."""

    def __init__(self, machines: Machines, folder: Path, workers: int) -> None:
        self._machines = machines
        some = Split(np.zeros((10, 28, 28), np.uint8), np.zeros(10, np.uint8))
        data = Dataset(some, some, "mnist")
        self.store = RunStore(folder)
        cluster = Cluster(ClusterSetting(address=machines.address), lambda _key: data, place=Asleep)
        self.queue = TrainingQueue(self.store, lambda _key: data, 1, places=cluster)
        wait_for(lambda: cluster.count == workers)

    def train(self, runs: int) -> list[tuple[str, str]]:
        """Train so many runs and steer others meanwhile; return what to tell."""
        queue = self.queue
        ids, endless = made_runs(self.store, runs), [queue.submit(ENDLESS) for _ in range(2)]
        wait_for(lambda: all(self._step(run) for run in endless))
        memory, before = psutil.Process().memory_info().rss, self._machines.seconds()
        with queue._line.changed:  # so that all wait before the first begins
            for run in ids:
                queue.resume(run)
            begun = time.monotonic()
        answers, steered, took = [], [], 0.0
        while not took or len(endless) > 1:
            answers.append(seconds(lambda: (queue.snapshot(endless[0]), queue.rows(endless[0]))))
            if len(answers) % 5 == 1:
                steered.append(self._change(endless[0], 0.001 * (1 + len(answers))))
            if not took and sum(queue.line.values()) == len(endless):
                took = time.monotonic() - begun
            elif len(endless) > 1 and len(answers) > 5:
                steered.append(self._end(queue.pause, endless.pop()))
            time.sleep(0.1)
        steered.append(self._end(queue.stop, endless.pop()))
        busy = [f"{now - before[name]:.1f}" for name, now in self._machines.seconds().items()]
        grown = psutil.Process().memory_info().rss - memory
        finished = sum(self.store.get(run).status == "finished" for run in ids)
        return [
            ("from the first's begin to the last's end, s", f"{took:.1f}"),
            ("of them finished", str(finished)),
            ("processor time of server, scheduler, workers, s", ", ".join(busy)),
            (
                "a new learning rate, pause or stop is in the run's record after at most, s",
                f"{max(steered):.2f}",
            ),
            ("the state of a run is read in, median and most, ms", _milliseconds(answers)),
            ("the server's memory grows by, MB", f"{grown / 1e6:.0f}"),
        ]

    def _step(self, run: str) -> int:
        snapshot = self.queue.snapshot(run)
        return snapshot.step if snapshot else 0

    def _end(self, command: Callable[[str], None], run: str) -> float:
        """Pause or stop a run; return after how many seconds it has ended."""
        command(run)
        return wait_for(lambda: self.queue.snapshot(run) is None)

    def _change(self, run: str, rate: float) -> float:
        """Change a run's learning rate; return after how many seconds the change shows in its rows."""
        self.queue.change(run, learning_rate=rate)
        return wait_for(lambda: self.queue.rows(run)[-1]["learning_rate"] == rate)


def _milliseconds(times: Sequence[float]) -> str:
    return f"{1000 * statistics.median(times):.1f}, {1000 * max(times):.0f}"


def main() -> None:
    """Start scheduler and workers, measure with ten runs and with all, and print."""
    if sys.argv[1:2] == ["--workers"]:
        return asyncio.run(be_workers(sys.argv[2], int(sys.argv[3])))
    runs, workers = (int(sys.argv[1]), int(sys.argv[2])) if sys.argv[2:] else (1000, 100)
    os.environ["DIGITLAB_QUEUE_LIMIT"] = "none"
    with tempfile.TemporaryDirectory() as folder, Machines(Path(folder), workers) as machines:
        lab = Lab(machines, Path(folder, "runs"), workers)
        few, many = lab.train(VISITORS), lab.train(runs)
        lab.queue.close()
        rows = [(name, value, other) for (name, value), (_, other) in zip(few, many, strict=True)]
        print(markdown((f"runs of {SECONDS:g} s on {workers} workers", str(VISITORS), str(runs)), rows))


if __name__ == "__main__":
    from benchmarks.cluster import main as begin  # so that workers find Asleep by the name of its module

    begin()
