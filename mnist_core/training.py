"""Training as a generator of events: it knows nothing of threads, files or pages."""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from mnist_core.augmentation import augment
from mnist_core.config import TrainConfig
from mnist_core.data import Split
from mnist_core.devices import choose_precision
from mnist_core.gradients import PIECE, choose_gradients
from mnist_core.inference import predict_logits
from mnist_core.messages import N_, InputError
from mnist_core.model import DigitClassifier
from mnist_core.optimizers import OPTIMIZERS, Optimizer

REPORTS_PER_EPOCH = 100


@dataclass(frozen=True)
class Started:
    """Before the first step: how the untrained network does on the monitored images."""

    accuracy: float
    loss: float
    steps_per_epoch: int
    train_images: int


@dataclass(frozen=True)
class StepDone:
    """After some steps: `step` counts over the whole run from 1; `loss` is the mean since the last report."""

    epoch: int
    step: int
    loss: float
    learning_rate: float
    images_per_second: float
    train_seconds: float


@dataclass(frozen=True)
class EpochDone:
    """After an epoch: training loss and accuracy as seen on its way, and those on the monitored images."""

    epoch: int
    step: int
    train_loss: float
    train_accuracy: float
    monitor_loss: float
    monitor_accuracy: float
    train_seconds: float


Event = Started | StepDone | EpochDone


class Diverged(InputError):
    """The loss became infinite or no number; the message names the likely cause."""


def fit(
    model: DigitClassifier,
    config: TrainConfig,
    train: Split,
    monitor: Split,
    device: torch.device | None = None,
) -> Generator[Event]:
    """Train `model` in place on the first `config.train_size` images of `train`.

    Leave the loop to stop: the model keeps what its last finished step gave it. The same config and number of
    torch threads give the same run to the bit. `train_seconds` counts the training steps only, not the
    evaluation on `monitor` nor the caller's own time.

    Raises Diverged when the loss is no longer a finite number.
    """
    device = device or torch.device("cpu")
    images, labels = _tensors(train, config.train_size, device)
    if config.batch_norm and len(images) % config.batch_size == 1:
        images, labels = images[:-1], labels[:-1]  # batch norm has no spread to divide by in a batch of one
    run = _Fit(model.to(device), config, images, labels, device)
    loss, accuracy = _score(model, monitor)
    yield Started(accuracy, loss, run.steps_per_epoch, len(images))
    for epoch in range(1, config.epochs + 1):
        yield from run.epoch(epoch)
        loss, accuracy = _score(model, monitor)
        yield EpochDone(epoch, run.step, *run.seen(), run.finite(loss), accuracy, run.clock.seconds)


class _Piece(NamedTuple):
    """Images of one batch (all of them, unless it is larger than PIECE), scaled for the network."""

    inputs: Tensor
    labels: Tensor
    share: float
    ends_batch: bool


class _Stopwatch:
    """Seconds of training, without the times it is paused."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def start(self) -> None:
        self._since = time.perf_counter()

    def pause(self) -> None:
        self.seconds += time.perf_counter() - self._since


class _Report:
    """Loss and speed since the last report, added up without waiting for the numbers."""

    def __init__(self, clock: _Stopwatch) -> None:
        self._clock, self._since = clock, clock.seconds
        self._loss: Tensor | float = 0.0
        self._steps = self._images = 0

    def add(self, loss: Tensor, piece: _Piece) -> None:
        self._loss = self._loss + loss * piece.share
        self._steps += piece.ends_batch
        self._images += len(piece.labels)

    def mean_loss(self) -> float:
        return float(self._loss) / self._steps

    def speed(self) -> float:
        """Images per second; the clock must be paused."""
        return self._images / max(self._clock.seconds - self._since, 1e-9)


class _Fit:
    """The state of one training: where it is, its random draws, and what it has seen in this epoch."""

    def __init__(
        self,
        model: DigitClassifier,
        config: TrainConfig,
        images: Tensor,
        labels: Tensor,
        device: torch.device,
    ) -> None:
        self.model, self.config, self.images, self.labels = model, config, images, labels
        precision = choose_precision(config, model, device)
        self.layout = torch.channels_last if model.convolutional else torch.contiguous_format
        model.to(memory_format=self.layout)
        self.steps_per_epoch = math.ceil(len(images) / config.batch_size)
        self.optimizer = Optimizer(model, config, config.epochs * self.steps_per_epoch)
        self.gradients = choose_gradients(model, config, precision)
        self.shuffling = torch.Generator().manual_seed(config.seed)
        self.varying = torch.Generator().manual_seed(config.seed)
        self.clock = _Stopwatch()
        self.step = 0
        self._logits = torch.empty(
            len(images), 10, device=device
        )  # one block: many small ones break up the heap

    def epoch(self, epoch: int) -> Iterator[StepDone]:
        """Train on every image once."""
        torch.set_flush_denormal(True)  # Adam's averages of dead units decay into them: steps 5 times as slow
        self.model.train()
        report_every = math.ceil(self.steps_per_epoch / REPORTS_PER_EPOCH)
        report = _Report(self.clock)
        seen = 0
        self.clock.start()
        for piece in self._pieces():
            logits, loss = self.gradients(piece.inputs, piece.labels, piece.share)
            self._logits[seen : seen + len(logits)] = logits
            seen += len(logits)
            report.add(loss, piece)
            if not piece.ends_batch:
                continue
            rate = self.optimizer.step(self.step)
            self.gradients.clear()
            self.step += 1
            if self.step % report_every == 0 or self.step % self.steps_per_epoch == 0:
                mean_loss = self.finite(report.mean_loss())
                self.clock.pause()
                yield StepDone(epoch, self.step, mean_loss, rate, report.speed(), self.clock.seconds)
                report = _Report(self.clock)
                self.clock.start()
        self.clock.pause()

    def seen(self) -> tuple[float, float]:
        """Mean loss and accuracy over this epoch's images, each as it was when its batch came."""
        loss, accuracy = _loss_and_accuracy(self._logits, self._labels_seen)
        return self.finite(loss), accuracy

    def _pieces(self) -> Iterator[_Piece]:
        """This epoch's batches: images gathered, varied and scaled in blocks of whole batches, then cut."""
        count, size = len(self.images), self.config.batch_size
        order = (
            torch.randperm(count, generator=self.shuffling) if self.config.shuffle else torch.arange(count)
        )
        order = order.to(self.images.device)
        self._labels_seen = self.labels[order]
        for block in order.split(max(PIECE // size, 1) * size):
            parts = block.tensor_split(math.ceil(len(block) / PIECE))
            for number, part in enumerate(parts, 1):
                batches = zip(self._inputs(part).split(size), self.labels[part].split(size), strict=True)
                for inputs, labels in batches:
                    yield _Piece(inputs, labels, len(part) / len(block), number == len(parts))

    def _inputs(self, chosen: Tensor) -> Tensor:
        varied = augment(self.images[chosen], self.config.augmentation, self.varying)
        inputs: Tensor = self.model.scaling(varied)
        return inputs.contiguous(memory_format=self.layout)

    def finite(self, loss: float) -> float:
        """Return `loss`; raise Diverged, naming the likely cause, when it is infinite or no number."""
        if math.isfinite(loss):
            return loss
        usual = OPTIMIZERS[self.config.optimizer].learning_rate
        if self.config.learning_rate > usual:
            raise Diverged(
                N_(
                    "Training diverged at step {step}: the loss is no longer a number. The likely cause is "
                    "the learning rate of {rate:g}; try {usual:g}."
                ),
                step=self.step,
                rate=self.config.learning_rate,
                usual=usual,
            )
        raise Diverged(
            N_(
                "Training diverged at step {step}: the loss is no longer a number. The likely cause is "
                "exploding gradients; try a tenth of the learning rate, batch norm, or fewer layers."
            ),
            step=self.step,
        )


def _tensors(split: Split, most: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return the first `most` images (uint8) and labels (int64), images shared with `split` on the CPU."""
    images = torch.from_numpy(split.images[:most]).to(device)
    return images, torch.from_numpy(split.labels[:most]).to(device, torch.int64)


def _score(model: DigitClassifier, split: Split) -> tuple[float, float]:
    logits = predict_logits(model, torch.from_numpy(split.images))
    return _loss_and_accuracy(logits, torch.from_numpy(split.labels).long())


def _loss_and_accuracy(logits: Tensor, labels: Tensor) -> tuple[float, float]:
    loss = F.cross_entropy(logits, labels).item()
    return loss, (logits.argmax(1) == labels).double().mean().item()
