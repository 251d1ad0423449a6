"""Small trainings that overfit, and what helps: dropout, weight decay, augmentation, more images."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from mnist_core.data.mnist import Dataset, Split, split_images
from mnist_core.recipes import RECIPES

if TYPE_CHECKING:
    from mnist_core.models.modules import DigitClassifier

RECIPE = "tutorial-5"
FEW = 500  # images, few enough for a network to memorise
SIZES = (FEW, 2_000, 10_000)
STEPS, BATCH = 1_000, 50
POINTS = 25  # of a curve
SEEN = 2_000  # most images of a split that a point is measured on


class Remedies(NamedTuple):
    """The number of training images, and what reduces overfitting; `dropout` is a fraction, 0 to 1."""

    images: int = FEW
    dropout: float = 0.0
    weight_decay: float = 0.0
    augmentation: str = "none"


class CurvePoint(NamedTuple):
    """Loss (mean cross-entropy, nats) and accuracy (0 to 1) of both sets after `step` steps, in eval mode."""

    step: int
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float


@dataclass(frozen=True)
class Curves:
    """The curves of a training from before its first step to its end, and its test accuracy, 0 to 1.

    `train_images` and `validation_images` are how many it learned from and was measured on.
    """

    points: list[CurvePoint]
    test_accuracy: float
    train_images: int
    validation_images: int

    @property
    def best(self) -> CurvePoint:
        """The point with the lowest validation loss: where early stopping would have ended."""
        return min(self.points, key=lambda point: point.validation_loss)


def settings(remedies: Remedies) -> dict[str, Any]:
    """Return the settings that this chapter changes in RECIPE; `epochs` gives STEPS steps in all."""
    return {
        "widths": (128,),
        "optimizer": "adamw",
        "train_size": remedies.images,
        "validation_size": 5_000,
        "monitor": "validation",
        "batch_size": BATCH,
        "epochs": STEPS * BATCH // remedies.images,
        "dropout": remedies.dropout,
        "weight_decay": remedies.weight_decay,
        "augmentation": remedies.augmentation,
    }


def train_curves(dataset: Dataset, remedies: Remedies) -> Generator[tuple[float, None], None, Curves]:
    """Train a network with these remedies; yield the fraction done, return the curves."""
    from mnist_core.models.architectures import build_model
    from mnist_core.training.trainer import Training

    config = replace(RECIPES[RECIPE].config, **settings(remedies))
    splits = split_images(config, dataset)
    validation = splits.validation[:SEEN]
    model = build_model(config)
    training = Training(model, config, splits.train, validation[:1])
    steps = config.epochs * training.steps_per_epoch
    points = [_point(model, 0, splits.train, validation)]
    for _event in training.events():
        if training.step >= steps * len(points) / (POINTS - 1):
            points.append(_point(model, training.step, splits.train, validation))
            yield training.step / steps, None
    test = _loss_and_accuracy(model, splits.test)[1]
    return Curves(points, test, len(splits.train), len(validation))


def _point(model: DigitClassifier, step: int, train: Split, validation: Split) -> CurvePoint:
    learned, held_out = (_loss_and_accuracy(model, split) for split in (train[:SEEN], validation))
    return CurvePoint(step, *learned, *held_out)


def _loss_and_accuracy(model: DigitClassifier, split: Split) -> tuple[float, float]:
    from mnist_core.evaluation.metrics import evaluate

    found = evaluate(model, split)
    return found.loss, found.accuracy
