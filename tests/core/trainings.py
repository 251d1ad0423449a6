"""Small trainings, and images that are all different."""

import numpy as np
import torch
import torch.nn.functional as F

from mnist_core.config import TrainConfig
from mnist_core.data.mnist import Dataset, Split
from mnist_core.models.architectures import build_model
from mnist_core.training.trainer import fit

CONFIG = TrainConfig(widths=(16,), epochs=2, batch_size=20, train_size=210, monitor="test")


def train(config: TrainConfig, data: Dataset) -> tuple[dict[str, torch.Tensor], list]:
    """The weights that a training ends with, and its events."""
    model = build_model(config)
    events = list(fit(model, config, data.train[: config.train_size], data.test))
    return model.state_dict(), events


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in other)


def numbered(count: int, first: int = 0) -> Split:
    """Images whose first two pixels tell which they are."""
    images = np.random.default_rng(0).integers(0, 256, (count, 28, 28), np.uint8)
    images[:, 0, 0], images[:, 0, 1] = np.divmod(np.arange(first, first + count), 256)
    return Split(images, (np.arange(count) % 10).astype(np.uint8))


def plain_training(config: TrainConfig, train: Split, optimizer: torch.optim.Optimizer, model) -> None:
    """The loop as every tutorial writes it."""
    images, labels = torch.from_numpy(train.images), torch.from_numpy(train.labels).long()
    model.train()
    for _ in range(config.epochs):
        for start in range(0, len(images), config.batch_size):
            chosen = slice(start, start + config.batch_size)
            optimizer.zero_grad()
            F.cross_entropy(model(images[chosen]), labels[chosen]).backward()
            optimizer.step()
