"""How many threads a training should use, and how fast it then is: measured, since no rule held."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import torch

from mnist_core.architectures import build_model
from mnist_core.learning.events import Diverged, StepDone, Tick
from mnist_core.runs.recording import monitored_splits
from mnist_core.training import fit

if TYPE_CHECKING:
    from mnist_core.config import TrainConfig
    from mnist_core.data import Dataset, Split
    from mnist_core.runs.writer import RunWriter

TRIAL_SECONDS = 0.2
TRIALS = 2  # of each number of threads, in turn: the faster counts, as a disturbance only slows
TRIAL_BATCH = 500  # as telling about threads as more, and over sooner
WORTHWHILE = 1.15  # a smaller gain turns into a loss as soon as another process wants the core
FIRST_BATCHES = (4, 32)  # enough to see whether larger ones would take too long
STEP_SECONDS = 0.5
_TRIALS = threading.Lock()  # one at a time, as the number of threads is the whole process's


def choose_threads(config: TrainConfig, images: Split, most: int) -> int:
    """Return the number of threads, 1 to `most`, that trains `config` fastest in short trials.

    Two threads can be ten times slower than one for small layers on a busy machine, and twice as fast for
    convolutions on a quiet one. torch is left set to the number chosen.
    """
    with _TRIALS:
        best = _fastest(config, images, most, TRIAL_BATCH)[0] if most > 1 else 1
        torch.set_num_threads(best)
    return best


def set_threads(writer: RunWriter, dataset: Dataset, most: int) -> None:
    """Set torch's threads for a run: as many as it had so far, or by trial."""
    if writer.rows:
        torch.set_num_threads(writer.results["threads"])  # another number would round differently
    else:
        choose_threads(writer.config, monitored_splits(writer.config, dataset)[0], most)


def training_speed(
    config: TrainConfig, images: Split, most: int, is_busy: Callable[[], bool]
) -> float | None:
    """Return the images per second that `config` trains, on up to `most` threads, in a trial of a moment.

    Batches are cut where a step would take long, so that a trial of anything ends in a few seconds. None when
    `is_busy()` says that a training runs: it needs the cores, and its number of threads must stay.
    """
    with _TRIALS:
        if is_busy():
            return None
        return _fastest(config, images, most, _affordable_batch(config, images))[1]


def _fastest(config: TrainConfig, images: Split, most: int, batch: int) -> tuple[int, float]:
    """Try numbers of threads on batches of at most `batch`; return the best and its images per second."""
    speeds = dict.fromkeys(sorted({1, most} | {2**power for power in range(1, 10) if 2**power < most}), 0.0)
    for _ in range(TRIALS):
        for threads in speeds:
            speeds[threads] = max(speeds[threads], _images_per_second(config, images, threads, batch))
    best, best_speed = 1, 0.0
    for threads, speed in speeds.items():
        if speed > best_speed * WORTHWHILE:
            best, best_speed = threads, speed
    return best, best_speed


def _affordable_batch(config: TrainConfig, images: Split) -> int:
    """Return the largest batch worth trying, up to TRIAL_BATCH."""
    sizes = [*FIRST_BATCHES, min(config.batch_size, TRIAL_BATCH)]
    for size, larger in pairwise(sizes):
        speed = _images_per_second(config, images, 1, size, seconds=0.0)
        if size >= config.batch_size or larger > STEP_SECONDS * speed:
            return size
    return sizes[-1]


def _images_per_second(
    config: TrainConfig, images: Split, threads: int, batch: int = TRIAL_BATCH, seconds: float | None = None
) -> float:
    """Train a fresh copy for a moment; its first steps, which prepare kernels, are not counted."""
    seconds = TRIAL_SECONDS if seconds is None else seconds
    torch.set_num_threads(threads)
    size = min(config.batch_size, batch)
    trial = replace(config, epochs=1000, monitor="test", batch_size=size)
    trial = replace(trial, written_share=0.0)  # as fast as others, but writing them takes a moment
    start = 0.0
    with suppress(Diverged):  # the run itself will say so
        for event in fit(build_model(trial), trial, images, images[:1]):
            if not isinstance(event, StepDone | Tick):
                continue
            now = time.perf_counter()
            if not start:
                start, first = now, event.step
            elif now - start > seconds:
                return (event.step - first) * size / (now - start)
    return 0.0
