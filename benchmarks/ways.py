"""A way to train, in a process of its own that does as a plain script does: told of a task, it tells times.

Nothing here imports mnist_core: that changes how a process keeps memory and how its threads wait, which the
tutorials' process must not profit or suffer from.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

WAITING = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")
"""How OpenMP's idle threads wait: mnist_core sets these for itself and the processes it starts."""


class Task(NamedTuple):
    """One training to time: a recipe, where MNIST is, and how many images and epochs of it."""

    recipe: str
    directory: str
    train_images: int
    test_images: int
    epochs: int
    seed: int


class Measurement(NamedTuple):
    """Seconds per epoch of training and of one test pass, test accuracy (0 to 1), and torch's threads."""

    train_seconds: float
    test_seconds: float
    accuracy: float
    threads: int


Way = Callable[[Task], Measurement]


def plain_environment() -> dict[str, str]:
    """Return this process's environment without what mnist_core has set in it."""
    return {name: value for name, value in os.environ.items() if name not in WAITING}


@contextmanager
def start_way(module: str) -> Iterator[Way]:
    """Run `python -m module`, which calls `serve`; give what has it measure a task."""
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

        yield measure  # leaving closes its input, which ends it


def serve(measure: Way) -> None:
    """Measure each task that comes as a line of JSON, and print what was measured as another."""
    for line in sys.stdin:
        print(json.dumps(measure(Task(*json.loads(line)))), flush=True)
