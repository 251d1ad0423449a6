"""Streamlit's command line, with an app whose jobs last: for tests that watch them.

How long a t-SNE map takes depends on the machine and on the data: of the offline sample, a second or two.
"""

import time
from collections.abc import Generator
from typing import Any

from streamlit.web.cli import main

from mnist_core.runtime.job import Job

SECONDS_MORE = 1.0  # that each step takes
do_steps = Job._work


def do_slow_steps(job: Job[Any]) -> None:
    """Take the place of a job's own method."""
    steps = job._steps
    job._steps = lambda: slowly(steps())
    try:
        do_steps(job)
    finally:
        job._steps = steps


def slowly(steps: Generator[Any, None, Any]) -> Generator[Any, None, Any]:
    """Yield and return the same, each step later."""
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            return end.value
        time.sleep(SECONDS_MORE)
        yield step


if __name__ == "__main__":
    Job._work = do_slow_steps
    main(prog_name="streamlit")
