"""Terminal output on stderr: notices and progress bars; and the handling of Ctrl-C."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from tqdm import tqdm

from mnist_core.training.events import Continued, EpochDone, Started

if TYPE_CHECKING:
    from mnist_core.training.events import Event

T = TypeVar("T")


def print_notice(sentence: str) -> None:
    """Print an error or notice on stderr."""
    print(f"mnist_core: {plain(sentence)}", file=sys.stderr)


def plain(text: str) -> str:
    """Return text with its control characters escaped: those of file names could control the terminal."""
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)


@contextmanager
def progress_bar(what: str) -> Generator[Callable[[float], None]]:
    """Yield a function that shows a fraction, 0 to 1; the bar appears at its first call."""
    bars: list[Any] = []

    def show(fraction: float) -> None:
        if not bars:
            bars.append(tqdm(total=100, desc=what, unit="%", leave=False))
        bars[0].update(round(100 * fraction) - bars[0].n)

    try:
        yield show
    finally:
        for bar in bars:
            bar.close()


@contextmanager
def training_bar(epochs: int) -> Generator[Callable[[Event], None]]:
    """Yield a function that shows a training's events: a bar for the steps, a line for each epoch."""
    with tqdm(unit="step", desc="training", dynamic_ncols=True) as bar:

        def show(event: Event) -> None:
            if isinstance(event, Started | Continued):
                bar.reset(event.steps_per_epoch * epochs)
            if isinstance(event, Started):
                bar.write(f"before training: accuracy {event.accuracy:.2%}", file=sys.stderr)
                return
            bar.update(event.step - bar.n)
            if isinstance(event, EpochDone):
                scores = f"loss {event.train_loss:.4f}, accuracy {event.monitor_accuracy:.2%}"
                bar.write(f"epoch {event.epoch}: {scores}", file=sys.stderr)

        yield show


def counting_bar(items: Sequence[T], doing: str) -> Iterable[T]:
    """Return the items with a progress bar that counts them as they are iterated."""
    bar: Iterable[T] = tqdm(items, desc=doing, unit="run", leave=False)
    return bar


@contextmanager
def catch_ctrl_c() -> Generator[Callable[[], bool]]:
    """Yield a function that returns whether Ctrl-C was pressed; a second Ctrl-C ends the program."""
    pressed = False

    def handle(*signal_and_frame: object) -> None:
        nonlocal pressed
        pressed = True
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield lambda: pressed
    finally:
        signal.signal(signal.SIGINT, before)
