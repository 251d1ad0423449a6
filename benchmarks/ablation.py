"""`python -m benchmarks.ablation`: each fast path of our own on and off, in turn, on each tutorial recipe.

A path is our own version of what torch or the system does by itself. Each has two processes, one with it
and one without; both train the same images in turn, so that other work on the machine slows both alike. A
path that doesn't make at least one recipe WORTHWHILE times as fast is not worth its code.
"""

import argparse
import multiprocessing
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import NamedTuple

import psutil
import torch
from tqdm import tqdm

from benchmarks.measurement import locate_mnist, markdown
from benchmarks.tutorials import TUTORIALS
from mnist_core.config import TrainConfig
from mnist_core.data.mnist import open_mnist
from mnist_core.messages import InputError
from mnist_core.models import architectures, inference
from mnist_core.models.modules import DigitClassifier
from mnist_core.recipes import RECIPES
from mnist_core.runtime.devices import usable_cores
from mnist_core.training import gradients, trainer
from mnist_core.training.autotune import choose_threads

WORTHWHILE = 1.3
PAIRS = 5
IMAGES = {"tutorial-4b": 6_000}  # of a measurement; the others train all 60,000
DENSE = tuple(name for name in TUTORIALS if name != "tutorial-4b")


class Measurement(NamedTuple):
    """Seconds of one epoch and of one test pass, by the clock and of all processors together."""

    train: float
    train_processor: float
    test: float
    test_processor: float


@dataclass(frozen=True)
class FastPath:
    """`turn_off` replaces it by what torch does, in this process; `recipes` are those that take it.

    `threads` are torch's; 0 for those that a trial finds, or torch's own number without the path.
    """

    turn_off: Callable[[], None]
    recipes: tuple[str, ...] = tuple(TUTORIALS)
    threads: int = 1


class ClassOptimizer:
    """torch.optim's own class, with the interface of mnist_core's Optimizer."""

    def __init__(self, model: torch.nn.Module, config: TrainConfig) -> None:
        entry = trainer.OPTIMIZERS[config.optimizer]
        options = {"fused": True} if entry.fused else {}
        cls = getattr(torch.optim, entry.torch_class)
        self._optimizer = cls(model.parameters(), lr=config.learning_rate, **options)

    def step(self, learning_rate: float, progress: float) -> float:
        """Move the weights; tutorials have a constant learning rate."""
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate
        self._optimizer.step()
        return learning_rate


def _use_torch_optimizers() -> None:
    trainer.Optimizer = ClassOptimizer


def _use_autograd() -> None:
    trainer.choose_gradients = gradients.AutogradGradients


def _keep_denormals() -> None:
    torch.set_flush_denormal = lambda flush: False


def _use_torch_threads() -> None:
    """Have torch's threads divide each operation, instead of ours the images."""

    @torch.inference_mode()
    def predict_logits(model: DigitClassifier, images: torch.Tensor, batch_size: int = 100) -> torch.Tensor:
        model.eval()
        return torch.cat([model(batch) for batch in images.split(batch_size)])

    inference.predict_logits = predict_logits


def _pool_after_relu() -> None:
    gradients.pooled_first = inference.pooled_first = lambda network: network


def _nothing() -> None:
    """What the process is started with makes the difference."""


PATHS = {
    "update rules without torch.optim's classes": FastPath(_use_torch_optimizers),
    "gradients without autograd": FastPath(_use_autograd, DENSE),
    "max pooling before ReLU": FastPath(_pool_after_relu, ("tutorial-4b",)),
    "denormals flushed": FastPath(_keep_denormals),
    "test images divided among threads (2 threads)": FastPath(_use_torch_threads, threads=2),
    "threads by trial, else torch's number": FastPath(_nothing, threads=0),
}


@contextmanager
def started(path: FastPath, on: bool) -> Iterator[Callable[..., Measurement]]:
    """Start a process with or without the path; give what has it measure a recipe."""
    name = next(name for name, other in PATHS.items() if other is path)
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _prepare, (name, on)) as process:
        yield lambda *task: process.submit(measure, name, on, *task).result()


def _prepare(name: str, on: bool) -> None:
    if not on:
        PATHS[name].turn_off()


def measure(name: str, on: bool, recipe: str, directory: Path, seed: int) -> Measurement:
    """Train an epoch of a recipe, then answer the test images, in a process that `_prepare` has set up."""
    dataset, path = open_mnist(directory), PATHS[name]
    train, test = dataset.train[: IMAGES.get(recipe, 60_000)], torch.from_numpy(dataset.test.images)
    config = replace(RECIPES[recipe].config, epochs=1, seed=seed)
    if path.threads:
        torch.set_num_threads(path.threads)
    elif on:
        choose_threads(config, train, usable_cores())
    model = architectures.build_model(config)
    moments = [
        (time.perf_counter(), time.process_time())
        for event in trainer.fit(model, config, train, dataset.test[:1])
        if isinstance(event, trainer.Started | trainer.EpochDone)
    ]
    inference.predict_logits(model, test[:1_000])
    moments.append((time.perf_counter(), time.process_time()))
    inference.predict_logits(model, test)
    moments.append((time.perf_counter(), time.process_time()))
    (begun, begun_processor), (trained, trained_processor), (ready, ready_processor), (end, end_processor) = (
        moments
    )
    return Measurement(
        trained - begun,
        trained_processor - begun_processor,
        end - ready,
        end_processor - ready_processor,
    )


@contextmanager
def busy_processes(number: int) -> Iterator[None]:
    """Keep `number` processors busy with other work meanwhile, as on a machine that others share."""
    context = multiprocessing.get_context("spawn")
    others = [context.Process(target=_be_busy, daemon=True) for _ in range(number)]
    for other in others:
        other.start()
    try:
        yield
    finally:
        for other in others:
            other.terminate()
            other.join()


def _be_busy() -> None:
    while True:
        pass


def compare(names: list[str], recipes: list[str], pairs: int, directory: Path) -> dict[str, dict[str, list]]:
    """Return the pairs (on, off) of each path and each recipe that takes it."""
    found: dict[str, dict[str, list]] = {}
    for name in names:
        path = PATHS[name]
        with ExitStack() as stack:
            on, off = (stack.enter_context(started(path, on)) for on in (True, False))
            tasks = [recipe for recipe in recipes if recipe in path.recipes]
            for recipe in tqdm(tasks, desc=name):
                for process in (on, off):
                    process(recipe, directory, 0)  # kernels are prepared, files read
                found.setdefault(name, {})[recipe] = [
                    _pair(on, off, recipe, directory, seed) for seed in range(pairs)
                ]
    return found


def _pair(
    on: Callable[..., Measurement], off: Callable[..., Measurement], recipe: str, directory: Path, seed: int
) -> tuple[Measurement, Measurement]:
    """Measure with and without; which comes first changes from pair to pair."""
    if seed % 2:
        second = off(recipe, directory, seed)
        return on(recipe, directory, seed), second
    return on(recipe, directory, seed), off(recipe, directory, seed)


def table(found: dict[str, dict[str, list]], recipes: list[str], quantity: str) -> str:
    """Return how many times as fast each recipe is with each path: median of the pairs, range."""

    def cell(pairs: list) -> str:
        ratios = sorted(getattr(off, quantity) / getattr(on, quantity) for on, off in pairs)
        strong = "**" if median(ratios) >= WORTHWHILE else ""
        return f"{strong}{median(ratios):.2f}{strong} ({ratios[0]:.2f} to {ratios[-1]:.2f})"

    rows = [[name, *(cell(row[r]) if r in row else "–" for r in recipes)] for name, row in found.items()]
    return markdown(["times as fast with", *recipes], rows)


def conditions(pairs: int, busy: float, beside: int) -> str:
    """Return in a sentence what was measured on what.

    `busy` is what else the processors did, in percent; `beside` the number of our own busy processes.
    """
    processor = torch.cpu.get_capabilities().get("cpu_name", "")
    return (
        f"Medians (least to most) of {pairs} pairs run in turn; {usable_cores()} cores {processor}, "
        f"{busy:.0f} % busy with other work at the start, {beside} busy processes of our own, "
        f"torch {torch.__version__}."
    )


def main(arguments: list[str] | None = None) -> int:
    """Compare and print; return 0, or 2 after one sentence on stderr when there is nothing to compare on."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ablation", description=__doc__)
    parser.add_argument("--paths", metavar="A,B", help="words in the names of the paths to measure")
    parser.add_argument("--recipes", metavar="A,B", help=f"some of {', '.join(TUTORIALS)}")
    parser.add_argument("--pairs", type=int, default=PAIRS, help=f"measurements with and without ({PAIRS})")
    parser.add_argument("--beside", type=int, default=0, help="busy processes to run beside it (0)")
    parser.add_argument("--data", metavar="DIR", help="where MNIST is (else DIGITLAB_DATA)")
    options = parser.parse_args(arguments)
    words = options.paths.split(",") if options.paths else [""]
    names = [name for name in PATHS if any(word in name for word in words)]
    recipes = options.recipes.split(",") if options.recipes else list(TUTORIALS)
    try:
        directory = locate_mnist(options.data)
    except InputError as error:
        print(f"benchmarks.ablation: {error}", file=sys.stderr)
        return 2
    busy = psutil.cpu_percent(interval=2)
    with busy_processes(options.beside):
        found = compare(names, recipes, options.pairs, directory)
    print(conditions(options.pairs, busy, options.beside))
    for title, quantity in (
        ("Training, by the clock", "train"),
        ("Training, by processor time", "train_processor"),
        ("Test pass, by the clock", "test"),
        ("Test pass, by processor time", "test_processor"),
    ):
        print(f"\n{title}\n\n{table(found, recipes, quantity)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
