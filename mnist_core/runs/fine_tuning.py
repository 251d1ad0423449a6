"""Fine-tuning: a copy of a model trained further on one person's drawings.

With rehearsal: every batch mixes the drawings, augmented anew each time, with images that the model was
trained on, so that it does not forget them (A. Robins, "Catastrophic Forgetting, Rehearsal and
Pseudorehearsal", Connection Science 7(2), 1995).
"""

from __future__ import annotations

import copy
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnist_core.data.mnist import Dataset, Split, split_images
from mnist_core.evaluation.metrics import evaluate
from mnist_core.messages import N_, InputError
from mnist_core.recognition.calibration import recalibrate

if TYPE_CHECKING:
    import torch

    from mnist_core.models.modules import DigitClassifier
    from mnist_core.runs.run import Run
    from mnist_core.runs.store import RunStore

STEPS = 200
OWN, REHEARSED = 16, 48  # images in each batch: the person's, and MNIST's
LEARNING_RATE = 3e-4  # a tenth of what training begins with
VARIATION = "pens"  # elastic, with thinner and thicker lines
KEPT_BACK = 3  # every third drawing of a digit is for testing
FEWEST = 3  # drawings, in all


class DrawingSplit(NamedTuple):
    """A person's drawings as MNIST images: those to train on, and those held out for the test."""

    learned: Split
    kept_back: Split


def split_drawings(images: Sequence[NDArray[np.uint8]], labels: Sequence[int]) -> DrawingSplit:
    """Hold every third drawing of each digit out for the test.

    Raises InputError for fewer than 3 drawings.
    """
    if len(images) < FEWEST:
        raise InputError(N_("Draw and label at least {fewest} digits first."), fewest=FEWEST)
    drawn, digits = np.stack(images), np.array(labels, np.uint8)
    rank = np.array([int((digits[:place] == digit).sum()) for place, digit in enumerate(digits)])
    back = rank % KEPT_BACK == KEPT_BACK - 1
    return DrawingSplit(Split(drawn[~back], digits[~back]), Split(drawn[back], digits[back]))


def fine_tune(
    model: DigitClassifier, own: Split, train: Split, steps: int = STEPS, seed: int = 0
) -> Generator[tuple[float, None], None, DigitClassifier]:
    """Train a copy of `model` on `own` drawings mixed with images of `train`; return it.

    It yields the fraction done, 0 to 1, and None, as the steps of a Job do. `model` is not changed; close the
    generator to cancel. Batch norm keeps its statistics, which a few drawings would disturb, and dropout is
    off. The same seed on the same processor gives the same copy.
    """
    import torch
    import torch.nn.functional as F

    from mnist_core.config import TrainConfig
    from mnist_core.training.augmentation import augment
    from mnist_core.training.optimizers import Optimizer

    random = torch.Generator().manual_seed(seed)
    tuned = copy.deepcopy(model).eval()
    optimizer = Optimizer(tuned, TrainConfig(optimizer="adamw", schedule="one_cycle", weight_decay=0.01))
    for step in range(1, steps + 1):
        parts = [_draw(own, OWN, random), _draw(train, REHEARSED, random)]
        images = torch.cat([images for images, _ in parts])
        loss = F.cross_entropy(tuned(augment(images, VARIATION, random)), torch.cat([y for _, y in parts]))
        tuned.zero_grad()
        loss.backward()
        optimizer.step(LEARNING_RATE, step / steps)
        yield step / steps, None
    return tuned


def _draw(split: Split, count: int, random: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw images uint8 [count, 28, 28] and labels int64 [count], with repetition."""
    import torch

    chosen = torch.randint(0, len(split), (count,), generator=random).numpy()
    return torch.from_numpy(split.images[chosen]), torch.from_numpy(split.labels[chosen].astype(np.int64))


@dataclass(frozen=True)
class Scores:
    """Accuracies, 0 to 1: on the drawings trained on, on those held out (None if there are none), on MNIST.

    `test` is the accuracy on MNIST's test images, `test_loss` the mean cross-entropy on them in nats.
    """

    learned: float
    kept_back: float | None
    test: float
    test_loss: float


@dataclass(frozen=True)
class FineTunedRun:
    """The new run, and the scores of the model before and after fine-tuning."""

    run: Run
    before: Scores
    after: Scores


def fine_tune_run(
    store: RunStore, base: Run, sheet: DrawingSplit, dataset: Dataset, name: str, owner: str = ""
) -> Generator[tuple[float, None], None, FineTunedRun]:
    """Fine-tune a copy of `base` on `sheet` and keep it as a finished run called `name`.

    Nothing is kept if the generator is closed. The copy of a calibrated run is calibrated again. Raises
    InputError when `base` can't be read or runs can't be written.
    """
    begun = time.monotonic()
    model = base.load_model()
    splits = split_images(base.config, dataset)
    tuned = yield from fine_tune(model, sheet.learned, splits.train)
    before = _scores(model, sheet, dataset.test)
    yield 1.0, None
    after = _scores(tuned, sheet, dataset.test)
    yield 1.0, None
    earlier = base.load_calibration()
    calibration = recalibrate(tuned, earlier, splits.validation) if earlier else None
    yield 1.0, None
    results = {key: base.results[key] for key in ("parameters", "source") if key in base.results} | {
        "epochs": base.results.get("epochs", 0),
        "train_seconds": round(time.monotonic() - begun, 3),
        "initial_accuracy": before.test,
        "test_accuracy": after.test,
        "test_loss": after.test_loss,
    }
    with store.making(base.config, name, owner) as writer:
        writer.save(tuned, results["epochs"])
        if calibration:
            calibration.save(writer.folder)
        writer.update("finished", fine_tuned=True, **results)
    return FineTunedRun(store.get(writer.id), before, after)


def _scores(model: DigitClassifier, sheet: DrawingSplit, test: Split) -> Scores:
    learned, kept_back = (evaluate(model, part).accuracy if len(part) else None for part in sheet)
    result = evaluate(model, test)
    return Scores(learned or 0.0, kept_back, result.accuracy, result.loss)
