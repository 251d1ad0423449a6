"""Networks that differ only in their seed: their answers before and after training, and in train mode."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnist_core.config import TrainConfig
from mnist_core.data.mnist import Split
from mnist_core.evaluation.significance import Interval, wilson_interval
from mnist_core.recipes import RECIPES

if TYPE_CHECKING:
    import torch

    from mnist_core.models.modules import DigitClassifier

RECIPE = "tutorial-5"
SEEDS = range(5)
SIZES = (100, 1_000, 10_000)  # numbers of test images; larger sets contain the smaller
BATCH = 1_000  # images that are read at once in train mode


@dataclass(frozen=True, eq=False)
class SeedAnswers:
    """Which of N test images the network of one seed reads right: bool [N] each.

    `before` is untrained; `evaluated` and `trained` are the trained network in eval and in train mode;
    `differing` counts the images that two passes in train mode read as different digits.
    """

    seed: int
    before: NDArray[np.bool_]
    evaluated: NDArray[np.bool_]
    trained: NDArray[np.bool_]
    differing: int


class Estimate(NamedTuple):
    """An accuracy, `correct` of `images`, with the 95% interval that its number of images allows, 0 to 1."""

    correct: int
    images: int
    interval: Interval

    @property
    def accuracy(self) -> float:
        """Correct / all, 0 to 1."""
        return self.correct / self.images

    @property
    def half_width(self) -> float:
        """Half of the interval's width, 0 to 1."""
        return (self.interval[1] - self.interval[0]) / 2


def estimate(right: NDArray[np.bool_], images: int) -> Estimate:
    """Return the accuracy on the first `images` of the images that `right` [N] is about, at most all N."""
    used = right[:images]
    correct = int(used.sum())
    return Estimate(correct, len(used), wilson_interval(correct, len(used)))


def settings(dropout: float) -> dict[str, Any]:
    """Return the settings that this chapter changes in RECIPE."""
    return {"widths": (64,), "dropout": dropout, "train_size": 3_000, "batch_size": 50, "epochs": 4}


def train_seeds(
    train: Split, test: Split, dropout: float
) -> Generator[tuple[float, None], None, list[SeedAnswers]]:
    """Train a small network with each of SEEDS and classify `test` with it; yield the fraction done."""
    config = replace(RECIPES[RECIPE].config, **settings(dropout))
    found = []
    for seed in SEEDS:
        found.append(_train_seed(replace(config, seed=seed), train, test))
        yield len(found) / len(SEEDS), None
    return found


def _train_seed(config: TrainConfig, train: Split, test: Split) -> SeedAnswers:
    import torch

    from mnist_core.models.architectures import build_model
    from mnist_core.models.inference import predict_logits
    from mnist_core.training.trainer import fit

    model = build_model(config)
    images = torch.from_numpy(test.images)
    before = predict_logits(model, images).argmax(1).numpy()
    for _event in fit(model, config, train[: config.train_size], test[:1]):
        pass
    after = predict_logits(model, images).argmax(1).numpy()
    first, second = (_read_in_train_mode(model, images, seed) for seed in (1, 2))
    differing = int((first != second).sum())
    labels = test.labels
    return SeedAnswers(config.seed, before == labels, after == labels, first == labels, differing)


def _read_in_train_mode(model: DigitClassifier, images: torch.Tensor, seed: int) -> NDArray[np.int64]:
    """Return the digits [N] that a network predicts in train mode, with dropout drawn from `seed`."""
    import torch

    from mnist_core.runtime.random_stream import RandomStream

    model.train()
    with RandomStream(seed), torch.inference_mode():
        read = torch.cat([model(batch).argmax(1) for batch in images.split(BATCH)])
    model.eval()
    digits: NDArray[np.int64] = read.numpy()
    return digits
