"""Training a run and recording it on disk, for the command line and the queue."""

from __future__ import annotations

import math
from collections.abc import Generator
from contextlib import suppress

import torch

from mnist_core.data.mnist import Dataset, split_images
from mnist_core.dataset_choices import DATASETS
from mnist_core.evaluation.metrics import evaluate
from mnist_core.messages import N_, InputError
from mnist_core.models.architectures import build_model
from mnist_core.models.summary import count_parameters
from mnist_core.monitoring.activation_feed import ActivationFeed
from mnist_core.monitoring.batch_view import BatchView, BatchWatcher
from mnist_core.monitoring.prober import Prober, UpdateRatios, steps_between_probes
from mnist_core.runs.run import CANCELLED, check_source, failure_message, failure_status
from mnist_core.runs.slow_motion import SlowMotion
from mnist_core.runs.writer import RunWriter
from mnist_core.training.autotune import choose_threads
from mnist_core.training.events import ASIDE, Diverged, EpochDone, Event, Started, StepDone, TrainingControl
from mnist_core.training.schedules import add_change
from mnist_core.training.trainer import Training

MOST_CHECKPOINTS = 50  # of a run, about: those of a thousand epochs would fill the disk
EARLY_SNAPSHOTS = (0.02, 0.1, 0.35)  # shares of the first epoch after which weights are kept


def train_run(
    writer: RunWriter,
    dataset: Dataset,
    device: torch.device,
    control: TrainingControl | None = None,
    feed: ActivationFeed | None = None,
    slow: SlowMotion | None = None,
) -> Generator[Event]:
    """Train the run of `writer` on `dataset`; record its events, checkpoints and test results.

    A run that was trained before continues from its saved state. `writer` is closed in the end, unless the
    run was asked to step aside: then it may be trained again. Closing the generator stops the run and saves
    its weights. `feed` sees the model after each event; while `slow` is on, there is one after each step, and
    it gets the step's batch. Raises Diverged, after the run has been marked
    as failed, when the loss is no longer finite.
    """
    control, aside = control or TrainingControl(), False
    try:
        training = _begin(writer, dataset, device)
        record = _Recorder(writer, training, dataset)
        events = training.events()
        try:
            for event in events:
                record.keep(event)
                if feed:
                    feed.look(training.model, training.step)
                if slow and (seen := record.take_batch()):
                    slow.batch = seen
                yield event
                record.watch_batches(slow is not None and slow.on)
                while control.changes:
                    training.change(**control.changes.popleft())
                record.keep_changes()
                if writer.cancelled:
                    writer.update("running", CANCELLED)
                    control.ending = "stopped"
                if ending := control.ending:
                    events.close()  # it may be within a batch
                    record.leave(ending)
                    aside = ending == ASIDE
                    return
            record.finish()
        except GeneratorExit:
            events.close()
            record.leave("stopped")
            raise
    except Exception as error:
        diverged = {"diverged": True} if isinstance(error, Diverged) else {}
        with suppress(OSError):  # the disk may be what failed
            writer.update(failure_status(error), failure_message(error), **diverged)
            writer.write_metrics()  # the metrics show how the loss diverged
        raise
    finally:
        if not aside:
            writer.close()


def _begin(writer: RunWriter, dataset: Dataset, device: torch.device) -> Training:
    """Create the run's training, restored from its saved state if it has one.

    Raises InputError for another data set than it learns, and OtherImages for other images than it was
    trained on.
    """
    if dataset.key != writer.config.dataset:
        raise InputError(
            N_("This run learns {its}, not {given}."),
            its=DATASETS[writer.config.dataset].name,
            given=DATASETS[dataset.key].name,
        )
    check_source(writer.results, dataset.source)
    model = build_model(writer.config)
    splits = split_images(writer.config, dataset)
    training = Training(model, writer.config, splits.train, splits.monitored, device)
    state = writer.load_state()
    if state:
        training.load_state(state)
    training.use_changes(add_change(writer.changes, training.step, epochs=writer.config.epochs))
    writer.rewind(training.step, training.epochs_done)
    writer.set_changes(training.changes)
    writer.update(
        "running",
        parameters=count_parameters(model),
        device=device.type,
        threads=torch.get_num_threads(),
        precision=training.precision,
        source=dataset.source,
    )
    return training


class _Recorder:
    """Records the events of a training, and its weights."""

    def __init__(self, writer: RunWriter, training: Training, dataset: Dataset) -> None:
        self._writer, self._training, self._test = writer, training, dataset.test
        monitored = split_images(writer.config, dataset).monitored
        self._prober = Prober(training.model, writer.config, monitored, writer.own_digit)
        images = training.steps_per_epoch * writer.config.batch_size
        self._steps_between_probes = steps_between_probes(writer.config, images)
        self._ratios = UpdateRatios(training.model, self._next_probe_step)
        training.step_watcher = self._ratios
        self._changes = training.changes
        self._batches: BatchWatcher | None = None
        self._early = [share for share in EARLY_SNAPSHOTS if share > training.step / training.steps_per_epoch]
        self._epochs_between_checkpoints = math.ceil(writer.config.epochs / MOST_CHECKPOINTS)

    def keep(self, event: Event) -> None:
        if isinstance(event, Started):
            self._writer.update(
                "running",
                initial_accuracy=event.accuracy,
                initial_loss=event.loss,
                train_images=event.train_images,
                epochs=0,
                train_seconds=0.0,
            )
            self._probe(0)
        elif isinstance(event, StepDone):
            self._writer.add_metrics(
                epoch=event.epoch,
                step=event.step,
                train_loss=event.loss,
                learning_rate=event.learning_rate,
                train_seconds=round(event.train_seconds, 4),
            )
            self._probe(event.step)
            self._keep_snapshot()
        elif isinstance(event, EpochDone):
            self._writer.add_metrics(**{**vars(event), "train_seconds": round(event.train_seconds, 4)})
            if event.epoch % self._epochs_between_checkpoints == 0:
                self._save(between=True)
                self._update("running")

    def watch_batches(self, on: bool) -> None:
        """Have the training yield after each step with its batch, or no longer."""
        if on == self._training.step_by_step:
            return
        self._training.step_by_step = on
        self._batches = BatchWatcher(self._training.model, self._ratios) if on else None
        self._training.step_watcher = self._batches or self._ratios

    def take_batch(self) -> BatchView | None:
        """Return the last step's batch if it was watched and not taken before."""
        if self._batches is None or not self._batches.measured:
            return None
        return self._batches.take(*self._training.last_batch())

    def keep_changes(self) -> None:
        """Write the changes of settings since the last call."""
        if self._training.changes is not self._changes:
            self._changes = self._training.changes
            self._writer.set_changes(self._changes)

    def _probe(self, step: int) -> None:
        if not self._writer.probes or step >= self._next_probe_step:
            self._writer.add_probe(self._prober.probe(step, self._ratios.take()))
            self._ratios.due = self._next_probe_step

    def _probe_end(self) -> None:
        """Probe the final weights, so that the last probe describes them."""
        if self._writer.probes and self._writer.probes[-1].step < self._training.step:
            self._writer.add_probe(self._prober.probe(self._training.step, self._ratios.take()))

    @property
    def _next_probe_step(self) -> int:
        probes = self._writer.probes
        return (probes[-1].step if probes else self._training.step) + self._steps_between_probes

    def _keep_snapshot(self) -> None:
        if self._early and self._early[0] <= self._epochs < 1:
            self._early = [share for share in self._early if share > self._epochs]
            self._writer.save_snapshot(self._training.model, self._epochs)

    def finish(self) -> None:
        """Save the weights of a training that has ended, and test them."""
        self._probe_end()
        self._save()
        self._update("finished", self._scores())

    def leave(self, status: str) -> None:
        """Save the weights and the state to continue from; test the weights if it is stopped."""
        self.keep_changes()
        status, aside = ("queued", True) if status == ASIDE else (status, False)
        if not self._training.step:
            self._writer.update(status)
            return
        self._save(passing=aside)
        self._update(status)  # before the test, which takes a second: pages wait for the status
        if status == "stopped":
            self._update(status, self._scores())

    @property
    def _epochs(self) -> float:
        return round(self._training.step / self._training.steps_per_epoch, 3)

    def _save(self, between: bool = False, passing: bool = False) -> None:
        """Save everything; skip a checkpoint `between` others if the run's files would become too large.

        A `passing` one is deleted when the next is written.
        """
        self._writer.write_metrics()
        if not between or self._writer.has_room():
            self._writer.save(self._training.model, self._epochs, passing)
        self._writer.save_state(self._training.state())

    def _scores(self) -> dict[str, float]:
        result = evaluate(self._training.model, self._test)
        return {"test_accuracy": result.accuracy, "test_loss": result.loss}

    def _update(self, status: str, scores: dict[str, float] | None = None) -> None:
        seconds = round(self._training.seconds, 3)
        results = {"epochs": self._epochs, "train_seconds": seconds, **(scores or {})}
        self._writer.update(status, None, **results)


def set_threads(writer: RunWriter, dataset: Dataset, most: int) -> None:
    """Set the number of torch threads for a run: the number it used so far, or the fastest in a trial."""
    if writer.rows:
        torch.set_num_threads(writer.results["threads"])  # another number would round differently
    else:
        choose_threads(writer.config, split_images(writer.config, dataset).train, most)
