"""`python -m benchmarks.live_picture`: a training's speed with the picture of its network and without.

One training per recipe, in slices of some seconds, with and without in turn: a thread does each second what
the Train page does. The browser's own drawing is not part of it. Prints a Markdown table, by the clock and in
processor time, which is steadier on a busy machine.
"""

import argparse
import json
import tempfile
import threading
import time
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from benchmarks.measurement import locate_mnist, markdown
from mnist_core.config import TrainConfig
from mnist_core.data.mnist import Dataset, open_mnist
from mnist_core.monitoring.activation_feed import ActivationFeed
from mnist_core.recipes import RECIPES
from mnist_core.runs.run_trainer import train_run
from mnist_core.runs.store import RunStore
from mnist_core.training.events import Event, Started
from ui.live_network import layers_data

NAMES = ("tutorial-1", "tutorial-4b", "best")
SECONDS, PAIRS, EPOCHS = 4.0, 8, 1000
HEADS = ("recipe", "speed that remains, by the clock", "in processor time", "lowest", "highest")


class Page(threading.Thread):
    """What a Train page does each second while `shown` is set, until `closed` is."""

    def __init__(self, feed: ActivationFeed, config: TrainConfig, image: np.ndarray) -> None:
        super().__init__(daemon=True)
        self.feed, self.config, self.image = feed, config, image
        self.shown, self.closed = threading.Event(), threading.Event()

    def run(self) -> None:
        """Do it."""
        while not self.closed.wait(1.0):
            if self.shown.is_set():
                self.feed.request(self.image)
                if view := self.feed.latest(self.image):
                    json.dumps(layers_data(view, self.config))


def ratios(name: str, data: Dataset) -> np.ndarray:
    """Return the speed with the picture divided by that without, of each pair of slices: [pairs, 2].

    By the clock, and in processor time.
    """
    config = replace(RECIPES[name].config, epochs=EPOCHS)
    feed = ActivationFeed()
    page = Page(feed, config, data.test.images[0])
    page.start()
    with tempfile.TemporaryDirectory() as folder:
        writer = RunStore(Path(folder)).create(config)
        events = train_run(writer, data, torch.device("cpu"), None, feed)
        try:
            return np.array(list(_pairs(events, page)))
        finally:
            page.closed.set()
            events.close()


def _pairs(events: Generator[Event], page: Page) -> Iterator[np.ndarray]:
    _speed(events, SECONDS)  # the first steps are slower
    for _ in range(PAIRS):
        page.shown.clear()
        without = _speed(events, SECONDS)
        page.shown.set()
        yield _speed(events, SECONDS) / without


def _speed(events: Generator[Event], seconds: float) -> np.ndarray:
    """Return the steps of the next `seconds`, per second and per second of processor time."""
    first = _step(next(events))
    start, used = time.perf_counter(), time.process_time()
    for event in events:
        passed = time.perf_counter() - start
        if passed > seconds:
            return (_step(event) - first) / np.array([passed, time.process_time() - used])
    raise RuntimeError("the training ended before the measurement")


def _step(event: Event) -> int:
    return 0 if isinstance(event, Started) else event.step


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", help="a folder with MNIST/raw")
    torch.set_num_threads(1)
    data = open_mnist(locate_mnist(options.parse_args().data))
    rows = []
    for name in NAMES:
        found = ratios(name, data)
        clock, processor = np.median(found, axis=0)
        shares = (clock, processor, found[:, 1].min(), found[:, 1].max())
        rows.append((name, *(f"{share:.1%}" for share in shares)))
    print(markdown(HEADS, rows))


if __name__ == "__main__":
    main()
