"""The training loop, a generator of events; it knows nothing of threads, files or pages."""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mnist_core.choices import OPTIMIZERS
from mnist_core.config import TrainConfig
from mnist_core.data.mnist import Split
from mnist_core.messages import N_
from mnist_core.models.inference import predict_logits
from mnist_core.models.modules import DigitClassifier
from mnist_core.runtime.devices import choose_precision
from mnist_core.runtime.random_stream import RandomStream
from mnist_core.synthetic.generator import generate_digits
from mnist_core.training.batches import Batches
from mnist_core.training.events import (
    Continued,
    Diverged,
    EpochDone,
    Event,
    Started,
    StepDone,
    StepWatcher,
    Tick,
)
from mnist_core.training.gradients import choose_gradients
from mnist_core.training.optimizers import Optimizer
from mnist_core.training.schedules import ChangeSchedule, add_change, change_at, initial_changes
from mnist_core.training.training_state import TrainingState

REPORTS_PER_EPOCH = 100
TICK_SECONDS = 0.2
SCORED_AT_ONCE = 1_000  # monitored images, whole batches of predict_logits


def fit(
    model: DigitClassifier,
    config: TrainConfig,
    train: Split,
    monitor: Split,
    device: torch.device | None = None,
) -> Generator[Event]:
    """Train `model` in place on all images of `train` and the synthetic digits that `config` asks for.

    Close the generator to stop: the model keeps the weights of its last finished step. A batch of over PIECE
    images is trained on in pieces; if it is left between two, it is repeated whole. The same config and
    number of torch threads give the same run to the bit. `train_seconds` counts the training steps only, not
    the evaluation on `monitor` nor the caller's own time.

    Raises Diverged when the loss is no longer a finite number.
    """
    return Training(model, config, train, monitor, device).events()


class Training:
    """A training that can be stopped at any event, saved as a TrainingState, and continued to the bit.

    It takes what `fit` takes. `changes` say which settings and how many epochs hold from which step on.
    """

    def __init__(
        self,
        model: DigitClassifier,
        config: TrainConfig,
        train: Split,
        monitor: Split,
        device: torch.device | None = None,
    ) -> None:
        self.model, self.config, self._monitor = model, config, monitor
        device = device or torch.device("cpu")
        self.precision = choose_precision(config.precision, model.convolutional, device)
        model.to(device)
        self._batches = Batches(*_training_tensors(train, config, device), config, model.scaling)
        self._optimizer = Optimizer(model, config)
        self._random = RandomStream(config.seed)  # of dropout and RReLU, if there are any
        self._gradients = choose_gradients(model, config, self.precision, self._random)
        self._clock = _Stopwatch()
        # One block for an epoch's outputs: many small tensors between large ones would fragment the heap.
        self._logits = torch.empty(len(self._batches), model.outputs, device=device)
        self.step_watcher: StepWatcher | None = None
        self.step_by_step = False  # whether there is an event after every step, and `last_batch` is known
        self._inputs: Tensor | None = None
        self._reported = 0  # images of this epoch up to the last report
        self.changes: ChangeSchedule = initial_changes(config)
        self._now = config  # with the changes since the start
        self._requested: dict[str, Any] = {}  # applied after the last piece of the present batch
        self.step = self.epochs_done = 0
        self._before_batch: tuple[list[Tensor], Tensor] | None = None  # running statistics, generator

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer steps in an epoch."""
        return self._batches.steps_per_epoch

    @property
    def seconds(self) -> float:
        """Seconds of training so far."""
        return self._clock.seconds

    def events(self) -> Generator[Event]:
        """Train from the present step to the last epoch; see fit."""
        if self.step:
            yield Continued(self.step, self.steps_per_epoch)
        else:
            loss, accuracy = yield from self._score_monitored()
            yield Started(accuracy, loss, self.steps_per_epoch, len(self._batches))
        while self.epochs_done < change_at(self.changes, self.step).epochs:
            yield from self._epoch()
            train_loss, train_accuracy = _loss_and_accuracy(self._logits, self._batches.labels_in_order)
            loss, accuracy = yield from self._score_monitored()
            self._check(train_loss + loss)
            self.epochs_done, self._reported = self.epochs_done + 1, 0
            yield EpochDone(
                self.epochs_done, self.step, train_loss, train_accuracy, loss, accuracy, self.seconds
            )

    def change(self, **settings: Any) -> None:
        """Change some of `schedules.STEERED` from the next batch on, checked by `schedules.check_change`.

        A batch of which some pieces are done is finished with the old settings; if it is left, it is repeated
        with the new ones.
        """
        self._requested |= settings
        if not self._before_batch:
            self._follow_requests()

    def _follow_requests(self) -> None:
        if self._requested:
            self.use_changes(add_change(self.changes, self.step, **self._requested))
            self._requested = {}

    def use_changes(self, changes: ChangeSchedule) -> None:
        """Apply the `changes` that hold for the next step; not between pieces of a batch."""
        before, self.changes = self._now, changes
        self._now = now = change_at(changes, self.step).applied_to(self.config)
        self._optimizer.use(now)
        if (now.dropout, now.label_smoothing) != (before.dropout, before.label_smoothing):
            self._gradients = choose_gradients(self.model, now, self.precision, self._random)

    def last_batch(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return the batch of the last step, which must have been done `step_by_step`.

        These are scaled images [n, 1, 28, 28], its last piece, and the labels [B] and logits [B, 10] of all.
        """
        if self._inputs is None:
            raise ValueError("no step was done step by step")
        whole = slice(self._images_after(self._step_in_epoch - 1), self._images_after(self._step_in_epoch))
        return self._inputs, self._batches.labels_in_order[whole], self._logits[whole]

    def state(self) -> TrainingState:
        """Return all that is needed to continue; valid between events, after a Tick if `events` is closed."""
        step_in_epoch = self._step_in_epoch
        return TrainingState(
            step=self.step,
            epochs_done=self.epochs_done,
            seconds=self.seconds,
            reported=self._reported,
            model=self.model.state_dict(),
            optimizer=self._optimizer.state(),
            generators=self._batches.state(step_in_epoch) | {"random": self._random.state},
            logits=self._logits[: self._images_after(step_in_epoch)],
        )

    def load_state(self, state: TrainingState) -> None:
        """Restore what `state` returned of a training with these settings; see `use_changes` too."""
        self.step, self.epochs_done, self._reported = state.step, state.epochs_done, state.reported
        self._clock.seconds = state.seconds
        self.model.load_state_dict(state.model)
        self._optimizer.load_state(state.optimizer)
        self._batches.load_state(state.generators)
        self._random.state = state.generators.get("random", self._random.state)  # earlier versions lack it
        self._logits[: len(state.logits)] = state.logits.to(self._logits.device)

    @property
    def _step_in_epoch(self) -> int:
        return self.step - self.epochs_done * self.steps_per_epoch

    def _images_after(self, steps: int) -> int:
        """Count the images that the first `steps` steps of an epoch see."""
        return min(steps * self.config.batch_size, len(self._batches))

    def _epoch(self) -> Iterator[StepDone | Tick]:
        """Train on every image once, or on those that are left of the epoch."""
        torch.set_flush_denormal(True)  # Adam's averages of dead units become denormal: steps 5 times as slow
        self.model.train()
        report_every = math.ceil(self.steps_per_epoch / REPORTS_PER_EPOCH)
        seen = self._images_after(self._step_in_epoch)
        self._clock.start()
        for piece in self._batches.epoch(self._step_in_epoch, self._augmentation_at):
            if not piece.ends_batch and not self._before_batch:
                self._begin_batch()
            if self.step_by_step:
                self._inputs = piece.inputs
            logits = self._gradients(piece.inputs, piece.labels, piece.share)
            before, seen = seen, seen + len(logits)
            self._logits[before:seen] = logits
            if piece.ends_batch:
                rate = self._move_weights()
                if self._step_in_epoch % report_every == 0 or self._step_in_epoch == self.steps_per_epoch:
                    yield self._report(seen, rate)
                    self._clock.start()
                    continue
            if self.step_by_step or self._clock.running() > TICK_SECONDS:
                yield from self._tick()
        self._clock.pause()

    def _score_monitored(self) -> Generator[Tick, None, tuple[float, float]]:
        """Return loss and accuracy on the monitored images; the caller can act meanwhile.

        A training that is left here scores them anew when it goes on.
        """
        images, last = torch.from_numpy(self._monitor.images), time.perf_counter()
        logits: list[Tensor] = []
        for part in images.split(SCORED_AT_ONCE):
            if logits and time.perf_counter() - last > TICK_SECONDS and not self.step_by_step:
                yield Tick(self.step)
                last = time.perf_counter()
            logits.append(predict_logits(self.model, part))
        return _loss_and_accuracy(torch.cat(logits), torch.from_numpy(self._monitor.labels).long())

    def _augmentation_at(self, step: int) -> str:
        """Return how a batch of this epoch, counted from 0, is augmented."""
        return change_at(self.changes, self.epochs_done * self.steps_per_epoch + step).augmentation

    def _tick(self) -> Iterator[Tick]:
        """Let the caller act; if it closes the generator, undo the pieces of an unfinished batch."""
        self._clock.pause()
        try:
            yield Tick(self.step)
        except GeneratorExit:
            self._forget_batch()
            raise
        self._clock.start()

    def _begin_batch(self) -> None:
        """Keep a copy of what the pieces of a batch change besides the gradients."""
        self._before_batch = [buffer.clone() for buffer in self.model.buffers()], self._random.state

    def _forget_batch(self) -> None:
        """Undo the pieces of an unfinished batch."""
        if not self._before_batch:
            return
        buffers, random_state = self._before_batch
        for buffer, before in zip(self.model.buffers(), buffers, strict=True):
            buffer.copy_(before)
        self._random.state = random_state
        self._batches.forget_batch()
        self._gradients.clear()
        self._before_batch = None
        self._follow_requests()

    def _move_weights(self) -> float:
        change = change_at(self.changes, self.step)
        progress = self.step / (change.epochs * self.steps_per_epoch)
        if self.step_watcher:
            self.step_watcher.before_step(self.step + 1)
        rate = self._optimizer.step(change.learning_rate, progress)
        if self.step_watcher:
            self.step_watcher.after_step()
        self._gradients.clear()
        self._before_batch = None
        self.step += 1
        self._follow_requests()
        return rate

    def _report(self, seen: int, rate: float) -> StepDone:
        part = slice(self._reported, seen)
        loss, _ = _loss_and_accuracy(self._logits[part], self._batches.labels_in_order[part])
        self._check(loss)
        self._clock.pause()
        images, self._reported = seen - self._reported, seen
        speed = images / max(self._clock.lap(), 1e-9)
        return StepDone(self.epochs_done + 1, self.step, loss, rate, speed, self.seconds)

    def _check(self, loss: float) -> None:
        """Raise Diverged, naming the likely cause, when `loss` is infinite or no number."""
        if math.isfinite(loss):
            return
        usual = OPTIMIZERS[self.config.optimizer].learning_rate
        rate = change_at(self.changes, self.step).learning_rate
        if rate > usual:
            raise Diverged(
                N_(
                    "Training diverged at step {step}: the loss is no longer a number. The likely cause is "
                    "the learning rate of {rate:g}; try {usual:g}."
                ),
                step=self.step,
                rate=rate,
                usual=usual,
            )
        raise Diverged(
            N_(
                "Training diverged at step {step}: the loss is no longer a number. The likely cause is "
                "exploding gradients; try a tenth of the learning rate, gradient clipping, batch norm, or "
                "fewer layers."
            ),
            step=self.step,
        )


class _Stopwatch:
    """Seconds of training, without the times it is paused."""

    def __init__(self) -> None:
        self.seconds = self._last_lap = 0.0

    def start(self) -> None:
        self._since = time.perf_counter()

    def running(self) -> float:
        """Seconds since it was started."""
        return time.perf_counter() - self._since

    def pause(self) -> None:
        self.seconds += self.running()

    def lap(self) -> float:
        """Seconds since the last lap; it must be paused."""
        lap, self._last_lap = self.seconds - self._last_lap, self.seconds
        return lap


def _training_tensors(train: Split, config: TrainConfig, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return the images to train on, uint8 [N, 28, 28], and their labels, int64 [N].

    On the CPU they share memory with `train` unless synthetic digits are added.
    """
    images, labels = train.images, train.labels
    if config.written_share:
        written = generate_digits(round(config.written_share * len(images)), config.seed)
        images, labels = np.concatenate([images, written.images]), np.append(labels, written.labels)
    if config.batch_norm and len(images) % config.batch_size == 1:
        images, labels = images[:-1], labels[:-1]  # batch norm can't normalize a batch of one image
    return torch.from_numpy(images).to(device), torch.from_numpy(labels).to(device, torch.int64)


def _loss_and_accuracy(logits: Tensor, labels: Tensor) -> tuple[float, float]:
    loss = F.cross_entropy(logits, labels).item()
    return loss, (logits.argmax(1) == labels).double().mean().item()
