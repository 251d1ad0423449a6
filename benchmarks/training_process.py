"""A child process that trains tasks sent to it and returns their times, for `benchmarks.training`.

This module doesn't import mnist_core, which changes the process's memory allocator and OpenMP settings: the
tutorials' process must run as a plain script does.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

WAITING = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")
"""OpenMP's settings for idle threads; mnist_core sets them for its process and child processes."""


class Task(NamedTuple):
    """One training to time: recipe, folder of MNIST, numbers of images and epochs, seed."""

    recipe: str
    directory: str
    train_images: int
    test_images: int
    epochs: int
    seed: int


class Measurement(NamedTuple):
    """Seconds per training epoch and per test pass, test accuracy (0 to 1), and torch's number of threads."""

    train_seconds: float
    test_seconds: float
    accuracy: float
    threads: int


Measure = Callable[[Task], Measurement]


def plain_environment() -> dict[str, str]:
    """Return this process's environment variables without those that mnist_core sets."""
    return {name: value for name, value in os.environ.items() if name not in WAITING}


@contextmanager
def start_training_process(module: str) -> Iterator[Measure]:
    """Run `python -m module`, which calls `serve`; yield a function that has it measure a task."""
    command, environment = [sys.executable, "-m", module], plain_environment()
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, env=environment
    ) as process:

        def measure(task: Task) -> Measurement:
            assert process.stdin
            assert process.stdout
            print(json.dumps(task), file=process.stdin)
            answer = process.stdout.readline()
            if not answer:
                raise RuntimeError(f"{module} ended before it had measured {task.recipe}.")
            return Measurement(*json.loads(answer))

        yield measure  # leaving the block closes the process's stdin, which ends it


def serve(measure: Measure) -> None:
    """Read tasks from stdin, one line of JSON each; print each measurement as a line of JSON."""
    for line in sys.stdin:
        print(json.dumps(measure(Task(*json.loads(line)))), flush=True)
