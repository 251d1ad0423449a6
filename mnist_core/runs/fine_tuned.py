"""A run made of another by fine-tuning it on a person's handwriting, with the scores of both."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mnist_core.data import Dataset, Split, hold_out
from mnist_core.evaluation import evaluate
from mnist_core.reading.calibration import recalibrate
from mnist_core.reading.fine_tuning import Progress, Sheet, fine_tune
from mnist_core.runs.labels import LONGEST_NAME

if TYPE_CHECKING:
    from mnist_core.model import DigitClassifier
    from mnist_core.runs.run import Run
    from mnist_core.runs.store import RunStore


@dataclass(frozen=True)
class Scores:
    """Shares read right, 0 to 1: of the drawings learned from, those kept back (None: none), MNIST's test.

    `test_loss` is the mean cross-entropy in nats on MNIST's test images.
    """

    learned: float
    kept_back: float | None
    test: float
    test_loss: float


@dataclass(frozen=True)
class FineTuned:
    """What came of it: the new run, and the scores of the model before and after."""

    run: Run
    before: Scores
    after: Scores


def fine_tune_run(
    store: RunStore, base: Run, sheet: Sheet, dataset: Dataset, name: str, owner: str = ""
) -> Generator[Progress, None, FineTuned]:
    """Fine-tune a copy of `base` on `sheet` and keep it as a finished run called `name`.

    Nothing is kept if the generator is left. A calibrated run's copy is calibrated again. Raises InputError
    when `base` can't be read or runs can't be written.
    """
    begun = time.monotonic()
    model = base.load_model()
    train, validation = hold_out(dataset.train, base.config.validation_size)
    tuned = yield from fine_tune(model, sheet.learned, train)
    before = _scores(model, sheet, dataset.test)
    yield Progress(1.0)
    after = _scores(tuned, sheet, dataset.test)
    yield Progress(1.0)
    before_it = base.load_calibration()
    calibration = recalibrate(tuned, before_it, validation) if before_it else None
    yield Progress(1.0)
    results = {key: base.results[key] for key in ("parameters", "source") if key in base.results} | {
        "epochs": base.results.get("epochs", 0),
        "train_seconds": round(time.monotonic() - begun, 3),
        "initial_accuracy": before.test,
        "test_accuracy": after.test,
        "test_loss": after.test_loss,
    }
    writer = store.create(base.config, owner)
    try:
        writer.save(tuned, results["epochs"])
        if calibration:
            calibration.save(store.directory / writer.id)
        writer.update("finished", fine_tuned=True, **results)
    finally:
        writer.close()
    store.rename(writer.id, name[:LONGEST_NAME])
    return FineTuned(store.get(writer.id), before, after)


def _scores(model: DigitClassifier, sheet: Sheet, test: Split) -> Scores:
    learned, kept_back = (evaluate(model, part).accuracy if len(part) else None for part in sheet)
    result = evaluate(model, test)
    return Scores(learned or 0.0, kept_back, result.accuracy, result.loss)
