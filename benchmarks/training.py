"""`python -m benchmarks.training`: each tutorial's own code and ours, timed in turn; a Markdown table."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import geometric_mean, median

import psutil
import torch
from tqdm import tqdm

from benchmarks.measurement import locate_mnist, markdown
from benchmarks.training_process import Measurement, Task, start_training_process
from benchmarks.tutorials import TUTORIALS
from mnist_core.messages import InputError
from mnist_core.recipes import RECIPES
from mnist_core.runtime.devices import usable_cores

PAIRS = 3
MOST_BUSY = 10  # percent; above it the ratios favour us
COLUMNS = (
    "recipe",
    "s per epoch, tutorial",
    "ours",
    "times as fast",
    "s per test pass, tutorial",
    "ours",
    "times as fast",
    "test accuracy, tutorial",
    "ours",
    "our threads",
)

TRAINING_MODULES = {"tutorial's way": "benchmarks.tutorials", "our way": "benchmarks.our_training"}


@dataclass(frozen=True)
class Plan:
    """What to measure: recipes, pairs and images; `all_epochs`: the first pair trains the recipe's epochs."""

    recipes: list[str]
    pairs: int = PAIRS
    train_images: int = 60_000
    test_images: int = 10_000
    all_epochs: bool = True

    def tasks(self, recipe: str, directory: Path) -> Iterator[Task]:
        """Yield one task per pair, each with its own seed."""
        for pair in range(self.pairs):
            epochs = RECIPES[recipe].config.epochs if self.all_epochs and pair == 0 else 1
            yield Task(recipe, str(directory), self.train_images, self.test_images, epochs, seed=pair)


@dataclass(frozen=True)
class Comparison:
    """The measurements of one recipe, in pairs: the tutorial's, then ours."""

    recipe: str
    pairs: list[tuple[Measurement, Measurement]]

    def medians(self, quantity: str) -> tuple[float, float]:
        """Return the median of a field of Measurement, for the tutorial and for us."""
        theirs, own = zip(*self.pairs, strict=True)
        return median(getattr(m, quantity) for m in theirs), median(getattr(m, quantity) for m in own)

    def ratios(self, quantity: str) -> list[float]:
        """Return the ratio of the tutorial's value to ours for each pair, in ascending order."""
        return sorted(getattr(theirs, quantity) / getattr(own, quantity) for theirs, own in self.pairs)

    def row(self) -> list[str]:
        """Return the table's cells; accuracies are the first pair's, which may have more epochs."""
        train, test = self.medians("train_seconds"), self.medians("test_seconds")
        theirs, own = self.pairs[0]
        return [
            self.recipe,
            *(f"{seconds:.2f}" for seconds in train),
            describe(self.ratios("train_seconds")),
            *(f"{seconds:.3f}" for seconds in test),
            describe(self.ratios("test_seconds")),
            *(f"{measurement.accuracy:.2%}" for measurement in (theirs, own)),
            ", ".join(str(threads) for threads in sorted({own.threads for _, own in self.pairs})),
        ]


def describe(ratios: list[float]) -> str:
    """Return the median of sorted ratios, and their range if there are several."""
    spread = f" ({ratios[0]:.1f} to {ratios[-1]:.1f})" if len(ratios) > 1 else ""
    return f"**{median(ratios):.1f}**{spread}"


def compare(plan: Plan, directory: Path) -> list[Comparison]:
    """Measure the tutorial and ours in turn, each in its own process with its own settings."""
    with ExitStack() as stack:
        processes = {
            name: stack.enter_context(start_training_process(module))
            for name, module in TRAINING_MODULES.items()
        }
        bar = stack.enter_context(tqdm(total=2 * plan.pairs * len(plan.recipes), unit="training"))

        def measure(task: Task) -> tuple[Measurement, ...]:
            measurements = []
            for name, measure_in in processes.items():
                bar.set_description(f"{task.recipe}, {name}, epochs: {task.epochs}")
                measurements.append(measure_in(task))
                bar.update()
            return tuple(measurements)

        return [
            Comparison(recipe, [measure(task) for task in plan.tasks(recipe, directory)])
            for recipe in plan.recipes
        ]


def table(comparisons: list[Comparison]) -> str:
    """Return the Markdown table, and the geometric means of the recipes' ratios."""
    train, test = (
        geometric_mean(median(one.ratios(quantity)) for one in comparisons)
        for quantity in ("train_seconds", "test_seconds")
    )
    means = f"Geometric mean: training **{train:.1f}** times as fast, testing **{test:.1f}** times."
    return "\n".join([markdown(COLUMNS, [one.row() for one in comparisons]), "", means])


def conditions(plan: Plan, busy: float) -> str:
    """Return a sentence on the measurement and the machine; `busy` is the load by other work, in percent."""
    processor = torch.cpu.get_capabilities().get("cpu_name", "")
    epochs = "the recipe's epochs" if plan.all_epochs else "one epoch"
    return (
        f"Medians of {plan.pairs} pair(s) run in turn, {plan.train_images:,} training and "
        f"{plan.test_images:,} test images, accuracy after {epochs}; "
        f"{usable_cores()} cores {processor}, {busy:.0f} % busy with other work "
        f"at the start, torch {torch.__version__}."
    )


def read_options(arguments: list[str] | None) -> tuple[Plan, Path]:
    """Parse the command line; raise InputError if it is invalid."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short version: one pair, few images, one epoch")
    parser.add_argument("--recipes", metavar="A,B", help=f"some of {', '.join(TUTORIALS)}")
    parser.add_argument("--pairs", type=int, help=f"pairs of measurements (else {PAIRS}; 1 if quick)")
    parser.add_argument("--data", metavar="DIR", help="folder of MNIST (else DIGITLAB_DATA)")
    options = parser.parse_args(arguments)
    recipes = options.recipes.split(",") if options.recipes else list(TUTORIALS)
    for recipe in recipes:
        if recipe not in TUTORIALS:
            raise InputError("There is no tutorial {recipe!r}; see --help for their names.", recipe=recipe)
    if options.pairs is not None and options.pairs < 1:
        raise InputError("--pairs must be 1 or more, not {pairs}.", pairs=options.pairs)
    if options.quick:
        plan = Plan(recipes, options.pairs or 1, train_images=3_000, test_images=500, all_epochs=False)
    else:
        plan = Plan(recipes, options.pairs or PAIRS)
    return plan, locate_mnist(options.data)


def main(arguments: list[str] | None = None) -> int:
    """Compare and print; return 0, or 2 after an error message on stderr."""
    try:
        plan, directory = read_options(arguments)
    except InputError as error:
        print(f"benchmarks.training: {error}", file=sys.stderr)
        return 2
    busy = psutil.cpu_percent(interval=2)
    if busy > MOST_BUSY:
        print(
            f"benchmarks.training: the processors are {busy:.0f} % busy with other work, which slows the "
            "tutorials' many threads more than ours; measure again when they are idle.",
            file=sys.stderr,
        )
    comparisons = compare(plan, directory)
    print(f"{conditions(plan, busy)}\n\n{table(comparisons)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
