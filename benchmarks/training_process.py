"""A child process that trains tasks sent to it and returns their times, for `benchmarks.training`.

This module doesn't import mnist_core: the tutorials' process must run as a plain script does.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple


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


@contextmanager
def start_training_process(module: str) -> Iterator[Measure]:
    """Run `python -m module`, which calls `serve`; yield a function that has it measure a task."""
    command = [sys.executable, "-m", module]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
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
