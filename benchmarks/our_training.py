"""Our side of `benchmarks.training`: fit() and evaluate(), with the threads that choose_threads() finds."""

import time
from dataclasses import replace
from pathlib import Path

from benchmarks.training_process import Measurement, Task, serve


def measure(task: Task) -> Measurement:
    """Train and test the recipe on the CPU; loading, building and choosing threads are not timed."""
    from mnist_core.data.mnist import open_mnist
    from mnist_core.evaluation.metrics import evaluate
    from mnist_core.models.architectures import build_model
    from mnist_core.recipes import RECIPES
    from mnist_core.runtime.devices import usable_cores
    from mnist_core.training.autotune import choose_threads
    from mnist_core.training.events import EpochDone
    from mnist_core.training.trainer import fit

    dataset = open_mnist(Path(task.directory))
    train, test = dataset.train[: task.train_images], dataset.test[: task.test_images]
    config = replace(RECIPES[task.recipe].config, epochs=task.epochs, seed=task.seed)
    threads = choose_threads(config, train, usable_cores())
    model = build_model(config)
    train_seconds = [
        event.train_seconds for event in fit(model, config, train, test) if isinstance(event, EpochDone)
    ][-1]
    start = time.perf_counter()
    result = evaluate(model, test)
    test_seconds = time.perf_counter() - start
    return Measurement(train_seconds / task.epochs, test_seconds, result.accuracy, threads)


if __name__ == "__main__":
    serve(measure)
