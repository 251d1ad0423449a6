"""Streamlit's command line, with an app whose work in the background lasts: for tests that watch it.

How long a t-SNE map takes is a matter of the machine and of the data: of the offline sample, a second or two.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

from streamlit.web.cli import main

from ui import jobs

SECONDS_MORE = 1.0  # that each step takes
SECONDS_TO_LEAVE = 60.0  # a visitor whose browser is slow looks seldom
begin = jobs.Job.__init__


def begin_lasting(work: Any, name: str, steps: Callable[[], Iterator[Any]], known: Any = None) -> None:
    """Take the place of SharedWork's own."""
    begin(work, name, lambda: slowly(steps()), known)


def slowly(steps: Iterator[Any]) -> Iterator[Any]:
    """Yield the same, each step later."""
    for step in steps:
        time.sleep(SECONDS_MORE)
        yield step


if __name__ == "__main__":
    jobs.Job.__init__ = begin_lasting
    jobs.SECONDS_TO_LEAVE = SECONDS_TO_LEAVE
    main(prog_name="streamlit")
