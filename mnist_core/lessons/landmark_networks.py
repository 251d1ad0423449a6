"""Four landmarks of image recognition as small networks, trained side by side; and the shipped results.

`python -m mnist_core.lessons.landmark_networks` trains them on MNIST and writes models/landmarks.json;
names after it train only those.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from mnist_core.config import TrainConfig
from mnist_core.data.mnist import Dataset, load_dataset
from mnist_core.recipes import RECIPES
from mnist_core.runtime.files import write_whole
from mnist_core.runtime.job import Steps, in_share

RECIPE = "tutorial-4b"
TRAINED_IMAGES, EPOCHS = 5_000, 3
TIMED_IMAGES = 2_000  # for the time of an answer
FILE = Path(__file__).resolve().parent.parent.parent / "models" / "landmarks.json"

_SMALL = {
    "train_size": TRAINED_IMAGES,
    "epochs": EPOCHS,
    "batch_size": 50,
    "learning_rate": 0.01,
    "schedule": "one_cycle",
    "input_scaling": "standard",
}
LANDMARKS: dict[str, dict[str, Any]] = {
    "lenet": {**_SMALL, "architecture": "lenet5", "activation": "tanh", "channels": ()},
    "alexnet": {**_SMALL, "architecture": "cnn", "channels": (16, 32), "widths": (128,), "dropout": 0.5},
    "vgg": {**_SMALL, "architecture": "vgg", "channels": (16, 32), "widths": (64,), "batch_norm": True},
    "resnet": {
        **_SMALL,
        "architecture": "resnet",
        "channels": (16, 32, 64),
        "widths": (),
        "batch_norm": True,
    },
}
"""The settings that each network changes in RECIPE, in the order of their years."""


@dataclass(frozen=True)
class LandmarkResult:
    """One network's parameters, test accuracies (0 to 1) before training and after each epoch, and times.

    `train_seconds` is that of all epochs; `answer_seconds` that of reading one image, as one of many.
    """

    name: str
    parameters: int
    accuracies: list[float]
    train_seconds: float
    answer_seconds: float


def config_of(name: str) -> TrainConfig:
    """Return the settings of one of LANDMARKS."""
    return replace(RECIPES[RECIPE].config, **LANDMARKS[name])


def train_landmarks(dataset: Dataset, names: Sequence[str] = tuple(LANDMARKS)) -> Steps[list[LandmarkResult]]:
    """Train the networks one after the other on `dataset`; yield the fraction of all steps done."""
    results = []
    for place, name in enumerate(names):
        share = place / len(names), (place + 1) / len(names)
        results.append((yield from in_share(_train(name, dataset), *share)))
    return [result for result in results if result]


def _train(name: str, dataset: Dataset) -> Steps[LandmarkResult]:
    """Train one network; yield the fraction done."""
    from mnist_core.models.architectures import build_model
    from mnist_core.models.summary import count_parameters
    from mnist_core.training.events import EpochDone, Started
    from mnist_core.training.trainer import Training

    config = config_of(name)
    model = build_model(config)
    training = Training(model, config, dataset.train[: config.train_size], dataset.test)
    accuracies = []
    for event in training.events():
        if isinstance(event, Started):
            accuracies.append(event.accuracy)
        elif isinstance(event, EpochDone):
            accuracies.append(event.monitor_accuracy)
        yield training.step / (config.epochs * training.steps_per_epoch), None
    seconds = _seconds_per_answer(model, dataset)
    return LandmarkResult(name, count_parameters(model), accuracies, training.seconds, seconds)


def _seconds_per_answer(model: Any, dataset: Dataset) -> float:
    import torch

    from mnist_core.models.inference import predict_logits

    images = torch.from_numpy(dataset.test.images[:TIMED_IMAGES])
    start = time.perf_counter()
    predict_logits(model, images)
    return (time.perf_counter() - start) / len(images)


def shipped_results() -> list[LandmarkResult]:
    """Return the results in FILE."""
    return [LandmarkResult(**entry) for entry in json.loads(FILE.read_text("utf-8"))]


def main(names: Sequence[str]) -> None:
    """Train the networks with these names, by default all, with one thread; write their results to FILE."""
    import torch

    torch.set_num_threads(1)
    known = {one.name: one for one in shipped_results()} if FILE.exists() else {}
    steps = train_landmarks(load_dataset(), names or tuple(LANDMARKS))
    while True:
        try:
            next(steps)
        except StopIteration as end:
            known |= {one.name: one for one in end.value}
            results = [asdict(known[name]) for name in LANDMARKS if name in known]
            write_whole(FILE, (json.dumps(results, indent=2) + "\n").encode())
            return


if __name__ == "__main__":
    main(sys.argv[1:])
