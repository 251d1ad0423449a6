"""`python -m benchmarks.ingredients`: what each ingredient of the pretrained model adds, in short trainings.

Each row is the recipe `world` with one thing changed, trained on SHORT's images. The recipe itself is trained
with several seeds, which shows how much differs by chance. Three of these networks teach a fourth one
(distillation: Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network", 2015): it learns from
the mean of their probabilities, softened by TEMPERATURE, as well as from the labels. The last rows are the
pretrained model with one view of each image and with several.
"""

import argparse
import multiprocessing
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from benchmarks.drawing import OWN_DIGITS
from benchmarks.measurement import locate_mnist, markdown
from benchmarks.own_digits import load_own_digits
from mnist_core.config import TrainConfig
from mnist_core.data.mnist import open_mnist, split_images
from mnist_core.messages import InputError
from mnist_core.models.architectures import build_model
from mnist_core.models.modules import DigitClassifier
from mnist_core.recipes import RECIPES
from mnist_core.recognition.calibration import Calibration
from mnist_core.recognition.recognizer import predict_all
from mnist_core.runs.run import PRETRAINED_ID
from mnist_core.runs.store import RunStore
from mnist_core.runtime.devices import usable_cores
from mnist_core.training import trainer
from mnist_core.training.gradients import AutogradGradients

Weights = Mapping[str, Tensor]

SHORT: dict[str, Any] = {"train_size": 20_000, "written_share": 0.5, "epochs": 4}
SEEDS = 4  # of the recipe itself; the networks of all but the first are the teachers
CHANGED: dict[str, dict[str, Any]] = {
    "without synthetic digits": {"written_share": 0.0, "epochs": 6},  # as many images in all
    "without augmentation": {"augmentation": "none"},
    "without label smoothing": {"label_smoothing": 0.0},
    "half the channels": {"channels": (16, 32, 64)},
}
TEMPERATURE = 2.0
TAUGHT = 0.7  # share of the teachers in the loss
AVERAGED = 2  # last epochs whose weights are averaged
HEADS = ("trained on 120,000 images", "MNIST's test set", "scans", "pictures of digits")


class Score(NamedTuple):
    """Shares read right, refused or not."""

    mnist: float
    scans: float
    pictures: float


class TaughtGradients(AutogradGradients):
    """Gradients of a loss that the teachers' probabilities are a part of."""

    def __init__(self, teachers: Sequence[DigitClassifier], *arguments: Any) -> None:
        super().__init__(*arguments)
        self._teachers = teachers
        self._loss = self._taught

    def __call__(self, inputs: Tensor, labels: Tensor, share: float) -> Tensor:
        """Add the gradients; see AutogradGradients."""
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=self._bfloat16):
            answers = [teacher.network(inputs).float() for teacher in self._teachers]
        self._soft = (torch.stack(answers) / TEMPERATURE).softmax(2).mean(0)
        return super().__call__(inputs, labels, share)

    def _taught(self, logits: Tensor, labels: Tensor) -> Tensor:
        # Gradients of softened answers are smaller by the temperature's square (Hinton et al., section 2).
        soft = TEMPERATURE**2 * F.cross_entropy(logits / TEMPERATURE, self._soft)
        return TAUGHT * soft + (1 - TAUGHT) * self._cross_entropy(logits, labels)


def train(
    config: TrainConfig, directory: Path, teachers: Sequence[tuple[TrainConfig, Weights]] = ()
) -> list[Weights]:
    """Train a network on MNIST in `directory` with one thread; return its weights after each epoch."""
    torch.set_num_threads(1)
    model, taught_by = build_model(config), [_model(*teacher) for teacher in teachers]
    splits, weights = split_images(config, open_mnist(directory)), []
    with patch.object(trainer, "choose_gradients", _choice(taught_by)):
        for event in trainer.fit(model, config, splits.train, splits.validation):
            if isinstance(event, trainer.EpochDone):
                weights.append({name: value.clone() for name, value in model.state_dict().items()})
    return weights


def _choice(teachers: Sequence[DigitClassifier]) -> Any:
    if not teachers:
        return trainer.choose_gradients
    return lambda *arguments: TaughtGradients(teachers, *arguments)


def _model(config: TrainConfig, weights: Weights) -> DigitClassifier:
    model = build_model(config)
    model.load_state_dict(weights)
    return model.eval()


def mean_weights(of: Sequence[Weights]) -> Weights:
    """Return the mean of several networks' weights, and of their running statistics."""
    return {name: torch.stack([each[name].float() for each in of]).mean(0) for name in of[0]}


class Images:
    """The images that the networks are measured on."""

    def __init__(self, directory: Path, own_digits: Path) -> None:
        self._test = open_mnist(directory).test
        digits = [digit for digit in load_own_digits(own_digits) if digit.label >= 0]
        self._own = {
            source: [digit for digit in digits if digit.source == source] for source in ("scans", "pictures")
        }

    def score(self, model: DigitClassifier, calibration: Calibration | None, several_views: bool) -> Score:
        """Read all images."""

        def right(images: Sequence[Any], labels: Sequence[int]) -> float:
            read = predict_all(model, images, calibration, several_views)
            return float(np.mean([each.label == label for each, label in zip(read, labels, strict=True)]))

        own = (
            right([digit.image for digit in digits], [digit.label for digit in digits])
            for digits in self._own.values()
        )
        return Score(right(list(self._test.images), self._test.labels.tolist()), *own)


def report(directory: Path, own_digits: Path, base: TrainConfig) -> str:
    """Train and measure everything; return the table."""
    images = Images(directory, own_digits)
    recipes = [replace(base, seed=seed) for seed in range(SEEDS)]
    changed = [replace(base, **settings) for settings in CHANGED.values()]
    with ProcessPoolExecutor(usable_cores(), multiprocessing.get_context("spawn")) as processes:
        begun = [processes.submit(train, config, directory) for config in recipes + changed]
        trained = [each.result() for each in tqdm(begun, desc="trainings")]
        teachers = [(config, weights[-1]) for config, weights in zip(recipes[1:], trained[1:], strict=False)]
        taught = processes.submit(train, base, directory, teachers).result()
    rows = [(f"the recipe, seed {seed}", base, weights[-1]) for seed, weights in enumerate(trained[:SEEDS])]
    rows += [
        (name, config, weights[-1])
        for name, config, weights in zip(CHANGED, changed, trained[SEEDS:], strict=True)
    ]
    rows += [
        (f"mean of the weights of the last {AVERAGED} epochs", base, mean_weights(trained[0][-AVERAGED:])),
        (f"taught by {len(teachers)} networks", base, taught[-1]),
    ]
    scores = {name: images.score(_model(config, weights), None, False) for name, config, weights in rows}
    return markdown(HEADS, [_row(*each) for each in (scores | _pretrained_scores(images)).items()])


def _pretrained_scores(images: Images) -> dict[str, Score]:
    run = RunStore().get(PRETRAINED_ID)
    model, calibration = run.load_model(), run.load_calibration()
    return {
        f"the pretrained model, {views}": images.score(model, calibration, several)
        for views, several in (("one view", False), ("several views", True))
    }


def _row(name: str, score: Score) -> tuple[str, ...]:
    return (name, *(f"{share:.2%}" for share in score))


def main() -> None:
    """Train, measure and print."""
    parser = argparse.ArgumentParser(description="Measure each ingredient of the pretrained model.")
    parser.add_argument("--data", help="folder of MNIST (else DIGITLAB_DATA)")
    parser.add_argument("--own-digits", type=Path, default=OWN_DIGITS, help="a folder of scans and pictures")
    options = parser.parse_args()
    try:
        base = replace(RECIPES["world"].config, **SHORT)
        print(report(locate_mnist(options.data), options.own_digits, base))
    except InputError as error:
        print(error, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
