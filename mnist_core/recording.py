"""A training whose progress is kept in a run: what the command line and the queue both do."""

from __future__ import annotations

from collections.abc import Generator

import torch

from mnist_core.architectures import build_model, count_parameters
from mnist_core.config import TrainConfig
from mnist_core.data import Dataset, Split, hold_out
from mnist_core.devices import choose_precision
from mnist_core.evaluation import evaluate
from mnist_core.model import DigitClassifier
from mnist_core.runs import RunWriter, failure_message
from mnist_core.training import EpochDone, Event, Started, StepDone, fit


def train_run(writer: RunWriter, dataset: Dataset, device: torch.device) -> Generator[Event]:
    """Train the run of `writer` on `dataset` and keep its events, checkpoints and test results.

    Closing the iterator stops the run, which then keeps what it had learned. Raises Diverged, after the
    run has been marked as failed, when the loss is no longer a number.
    """
    config = writer.config
    model = build_model(config)
    progress = _Progress(writer, model)
    writer.update(
        "running",
        parameters=count_parameters(model),
        device=device.type,
        threads=torch.get_num_threads(),
        precision=choose_precision(config, model, device),
        source=dataset.source,
    )
    train, monitor = monitored_splits(config, dataset)
    try:
        for event in fit(model, config, train, monitor, device):
            progress.keep(event)
            yield event
        progress.end("finished", dataset.test)
    except GeneratorExit:
        progress.end("stopped", dataset.test)
        raise
    except Exception as error:
        writer.update("failed", failure_message(error))
        raise
    finally:
        writer.close()


def monitored_splits(config: TrainConfig, dataset: Dataset) -> tuple[Split, Split]:
    """Return the images to train on and those to watch: held out of the training set, or the test set."""
    train, validation = hold_out(dataset.train, config.validation_size)
    return train, dataset.test if config.monitor == "test" else validation


class _Progress:
    """Writes events down, and knows how far the model has come."""

    def __init__(self, writer: RunWriter, model: DigitClassifier) -> None:
        self._writer, self._model = writer, model
        self._epochs = 0.0

    def keep(self, event: Event) -> None:
        if isinstance(event, Started):
            self._steps_per_epoch = event.steps_per_epoch
            self._writer.update(
                "running",
                initial_accuracy=event.accuracy,
                train_images=event.train_images,
                epochs=0,
                train_seconds=0.0,
            )
            return
        self._epochs = event.step / self._steps_per_epoch
        self._train_seconds = event.train_seconds
        if isinstance(event, StepDone):
            self._writer.add_metrics(
                epoch=event.epoch,
                step=event.step,
                train_loss=event.loss,
                learning_rate=event.learning_rate,
                train_seconds=round(event.train_seconds, 4),
            )
        else:
            self._keep_epoch(event)

    def _keep_epoch(self, event: EpochDone) -> None:
        row = {name: getattr(event, name) for name in EpochDone.__dataclass_fields__}
        self._writer.add_metrics(**{**row, "train_seconds": round(event.train_seconds, 4)})
        self._writer.write_metrics()
        self._writer.save(self._model, event.epoch)
        self._writer.update("running", epochs=event.epoch, train_seconds=round(event.train_seconds, 3))

    def end(self, status: str, test: Split) -> None:
        """Keep the weights as they are now, and how they do on the test set."""
        if not self._epochs:
            self._writer.update(status)
            return
        self._writer.write_metrics()
        self._writer.save(self._model, self._epochs)
        result = evaluate(self._model, test)
        self._writer.update(
            status,
            epochs=round(self._epochs, 3),
            train_seconds=round(self._train_seconds, 3),
            test_accuracy=result.accuracy,
            test_loss=result.loss,
        )
