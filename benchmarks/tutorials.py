"""The tutorials' side of `benchmarks.training`: torchvision's dataset, a DataLoader and a plain loop.

Each tutorial has its own network, transform, loader and optimizer, and torch's default number of threads.
Nothing is added or omitted, except printing. mnist_core isn't imported, so nothing of ours can change them.
"""

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam
from torch.utils.data import DataLoader, Dataset, Subset

from benchmarks.training_process import Measurement, Task, serve


def mlp(*widths: int, activation: type[nn.Module] = nn.ReLU) -> nn.Sequential:
    """Fully connected layers of `widths`, each with an activation, then ten outputs."""
    layers: list[nn.Module] = [nn.Flatten()]
    for inputs, outputs in pairwise((784, *widths)):
        layers += [nn.Linear(inputs, outputs), activation()]
    return nn.Sequential(*layers, nn.Linear(widths[-1], 10))


def mlp_with_log_softmax(*widths: int) -> nn.Sequential:
    """An MLP with log-softmax outputs, for the negative log-likelihood."""
    return nn.Sequential(*mlp(*widths), nn.LogSoftmax(dim=1))


def cnn() -> nn.Sequential:
    """Two convolutions, each with ReLU and pooling, then a hidden layer of 128."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(64 * 7 * 7, 128),
        nn.ReLU(),
        nn.Linear(128, 10),
    )


@dataclass(frozen=True)
class Tutorial:
    """A tutorial's network and settings; `test_batch_size` None means `batch_size`."""

    network: Callable[[], nn.Sequential]
    optimizer: Callable[..., torch.optim.Optimizer]
    batch_size: int
    shuffle: bool = True
    workers: int = 0
    test_batch_size: int | None = None
    train_images: int = 60_000
    normalize: tuple[float, float] | None = None
    loss: Callable[[Tensor, Tensor], Tensor] = nn.functional.cross_entropy


ADAM = partial(Adam, lr=0.001)
TUTORIALS = {
    "tutorial-1": Tutorial(partial(mlp, 64, 64, 64), ADAM, batch_size=15, normalize=(0.1307, 0.3081)),
    "tutorial-2": Tutorial(
        partial(mlp, 128, 256, activation=nn.Sigmoid), partial(SGD, lr=0.2), batch_size=64, shuffle=False
    ),
    "tutorial-3": Tutorial(
        partial(mlp, 256), partial(SGD, lr=0.5), batch_size=64, shuffle=False, workers=4, test_batch_size=1
    ),
    "tutorial-4a": Tutorial(
        partial(mlp_with_log_softmax, 64, 64, 64), ADAM, batch_size=15, loss=nn.functional.nll_loss
    ),
    "tutorial-4b": Tutorial(cnn, ADAM, batch_size=100, train_images=55_000, normalize=(0.5, 0.5)),
    "tutorial-5": Tutorial(partial(mlp, 500), ADAM, batch_size=100),
}


def measure(task: Task) -> Measurement:
    """Train and test as the recipe's tutorial does, on the CPU; loading and building are not timed.

    Training time is per epoch; the test pass is timed once.
    """
    tutorial = TUTORIALS[task.recipe]
    torch.manual_seed(task.seed)
    train, test = load(tutorial, task)
    network = tutorial.network()
    optimizer = tutorial.optimizer(network.parameters())
    start = time.perf_counter()
    for _ in range(task.epochs):
        train_epoch(network, tutorial.loss, train, optimizer)
    trained = time.perf_counter()
    accuracy = score(network, test)
    tested = time.perf_counter()
    return Measurement((trained - start) / task.epochs, tested - trained, accuracy, torch.get_num_threads())


def load(tutorial: Tutorial, task: Task) -> tuple[DataLoader[Any], DataLoader[Any]]:
    """Return the loaders of the training and test images, with the tutorial's settings."""
    from torchvision.datasets import MNIST  # only here: 4 s in each test process otherwise
    from torchvision.transforms import Compose, Normalize, ToTensor

    warnings.filterwarnings("ignore", "This DataLoader will create")  # the tutorial sets 4 workers
    scaling = [Normalize(*((number,) for number in tutorial.normalize))] if tutorial.normalize else []
    read = partial(MNIST, task.directory, transform=Compose([ToTensor(), *scaling]))
    train = first(read(train=True), min(tutorial.train_images, task.train_images))
    test = first(read(train=False), task.test_images)
    return (
        DataLoader(train, tutorial.batch_size, tutorial.shuffle, num_workers=tutorial.workers),
        DataLoader(test, tutorial.test_batch_size or tutorial.batch_size, num_workers=tutorial.workers),
    )


def first(images: Dataset[Any], count: int) -> Dataset[Any]:
    """Return the first `count` images; the dataset itself if it has no more."""
    return Subset(images, range(count)) if count < len(images) else images


def train_epoch(
    network: nn.Sequential,
    loss: Callable[[Tensor, Tensor], Tensor],
    batches: DataLoader[Any],
    optimizer: torch.optim.Optimizer,
) -> None:
    """Train on every batch once."""
    network.train()
    for images, labels in batches:
        optimizer.zero_grad()
        loss(network(images), labels).backward()
        optimizer.step()


def score(network: nn.Sequential, batches: DataLoader[Any]) -> float:
    """Return the accuracy, 0 to 1."""
    network.eval()
    correct = 0
    with torch.no_grad():
        for images, labels in batches:
            correct += (network(images).argmax(1) == labels).sum().item()
    return correct / len(batches.dataset)


if __name__ == "__main__":
    serve(measure)
