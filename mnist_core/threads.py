"""How many threads a training should use: measured, since no rule held."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from mnist_core.architectures import build_model
from mnist_core.training import REPORTS_PER_EPOCH, Diverged, StepDone, fit

if TYPE_CHECKING:
    from mnist_core.config import TrainConfig
    from mnist_core.data import Split

TRIAL_SECONDS = 0.3
TRIAL_BATCH = 500  # as telling about threads as more, and over sooner
WORTHWHILE = 1.3  # a smaller gain turns into a large loss as soon as another process wants the core


def choose_threads(config: TrainConfig, images: Split, most: int) -> int:
    """Return the number of threads, 1 to `most`, that trains `config` fastest in short trials.

    Two threads can be ten times slower than one for small layers on a busy machine, and twice as fast for
    convolutions on a quiet one. torch is left set to the number chosen.
    """
    candidates = sorted({1, most} | {2**power for power in range(1, 10) if 2**power < most})
    best, best_speed = 1, 0.0
    for threads in candidates if most > 1 else []:
        speed = _images_per_second(config, images, threads)
        if speed > best_speed * WORTHWHILE:
            best, best_speed = threads, speed
    torch.set_num_threads(best)
    return best


def _images_per_second(config: TrainConfig, images: Split, threads: int) -> float:
    """Train a fresh copy for a moment; its first steps, which prepare kernels, are not counted."""
    torch.set_num_threads(threads)
    size = min(config.batch_size, TRIAL_BATCH)
    most_images = min(config.train_size, size * REPORTS_PER_EPOCH)  # few enough that each step is reported
    trial = replace(config, epochs=1000, monitor="test", batch_size=size, train_size=most_images)
    start = 0.0
    with suppress(Diverged):  # the run itself will say so
        for event in fit(build_model(trial), trial, images, images[:1]):
            if not isinstance(event, StepDone):
                continue
            now = time.perf_counter()
            if not start:
                start, first = now, event.step
            elif now - start > TRIAL_SECONDS:
                return (event.step - first) * size / (now - start)
    return 0.0
