"""The number of threads for a training, and its speed with it: measured, as no rule fits all networks."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import torch

from mnist_core.config import TrainConfig
from mnist_core.models.architectures import build_model
from mnist_core.models.inference import predict_logits
from mnist_core.training.events import Diverged, StepDone, Tick
from mnist_core.training.speed_meter import Speed
from mnist_core.training.trainer import SCORED_AT_ONCE, fit

if TYPE_CHECKING:
    from mnist_core.config import TrainConfig
    from mnist_core.data.mnist import Split

CPU = torch.device("cpu")
TRIAL_SECONDS = 0.2
TRIALS = 2  # of each number of threads, in turn; the faster counts, as disturbances only slow down
TRIAL_BATCH = 500  # images: enough to compare numbers of threads
WORTHWHILE = 1.15  # a smaller gain becomes a loss when another process needs the core
FIRST_BATCHES = (4, 32)  # enough to see whether larger ones would take too long
STEP_SECONDS = 0.5


def choose_threads(config: TrainConfig, images: Split, most: int) -> int:
    """Return the number of threads, 1 to `most`, that trains `config` fastest in short trials.

    Two threads can be ten times slower than one for small layers on a busy machine, and twice as fast for
    convolutions on a quiet one. torch is left set to the number chosen. That number is the whole process's:
    callers let no two trials run at once.
    """
    best = _fastest(config, images, most, TRIAL_BATCH)[0] if most > 1 else 1
    torch.set_num_threads(best)
    return best


def training_speed(config: TrainConfig, images: Split, most: int, device: torch.device = CPU) -> Speed:
    """Return how fast `config` trains on up to `most` threads, and is evaluated, in a short trial.

    On other devices than the CPU one thread is enough. Batches are made smaller where a step would take long,
    so that every trial ends within a few seconds. It sets torch's number of threads, see choose_threads.
    """
    batch = _affordable_batch(config, images, device)
    speed = _fastest(config, images, most if device == CPU else 1, batch, device)[1]
    at_once = max(batch, min(SCORED_AT_ONCE, int(STEP_SECONDS * speed)))  # fewer of a slow network
    return Speed(speed, _evaluated_per_second(config, images, at_once, device))


def _evaluated_per_second(config: TrainConfig, images: Split, at_once: int, device: torch.device) -> float:
    """Evaluate a new model on parts of the images, the first not counted, for TRIAL_SECONDS or to the end."""
    model = build_model(config).to(device)
    first, *others = torch.from_numpy(images.images).split(at_once)
    predict_logits(model, first)
    start, done = time.perf_counter(), 0
    for part in others or [first]:
        predict_logits(model, part)
        done += len(part)
        if time.perf_counter() - start > TRIAL_SECONDS:
            break
    return done / (time.perf_counter() - start)


def _fastest(
    config: TrainConfig, images: Split, most: int, batch: int, device: torch.device = CPU
) -> tuple[int, float]:
    """Try numbers of threads on batches of at most `batch`; return the best and its images per second."""
    speeds = dict.fromkeys(sorted({1, most} | {2**power for power in range(1, 10) if 2**power < most}), 0.0)
    for _ in range(TRIALS):
        for threads in speeds:
            speed = _images_per_second(config, images, threads, batch, TRIAL_SECONDS, device)
            speeds[threads] = max(speeds[threads], speed)
    best, best_speed = 1, 0.0
    for threads, speed in speeds.items():
        if speed > best_speed * WORTHWHILE:
            best, best_speed = threads, speed
    return best, best_speed


def _affordable_batch(config: TrainConfig, images: Split, device: torch.device) -> int:
    """Return the largest batch worth trying, up to TRIAL_BATCH."""
    sizes = [*FIRST_BATCHES, min(config.batch_size, TRIAL_BATCH)]
    for size, larger in pairwise(sizes):
        speed = _images_per_second(config, images, 1, size, 0.0, device)
        if size >= config.batch_size or larger > STEP_SECONDS * speed:
            return size
    return sizes[-1]


def _images_per_second(
    config: TrainConfig, images: Split, threads: int, batch: int, seconds: float, device: torch.device = CPU
) -> float:
    """Train a new model for `seconds`; its first steps, which prepare kernels, are not counted."""
    torch.set_num_threads(threads)
    size = min(config.batch_size, batch)
    trial = replace(config, epochs=1000, monitor="test", batch_size=size)
    trial = replace(trial, written_share=0.0)  # generating synthetic digits takes a moment
    start = 0.0
    with suppress(Diverged):  # the run itself reports it
        for event in fit(build_model(trial), trial, images, images[:1], device):
            if not isinstance(event, StepDone | Tick):
                continue
            if not start:
                start, first = _moment_done(device), event.step
            elif time.perf_counter() - start > seconds:
                return (event.step - first) * size / (_moment_done(device) - start)
    return 0.0


def _moment_done(device: torch.device) -> float:
    """Return the time when a device has finished; devices other than the CPU work asynchronously."""
    if device != CPU:
        torch.accelerator.synchronize(device)
    return time.perf_counter()
