"""`python -m benchmarks.comparison`: train and compare tutorials 3 and 5, and one recipe over five seeds.

It trains on MNIST and keeps the runs in a temporary folder.
"""

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import torch
from tqdm import tqdm

from benchmarks.measurement import locate_mnist
from mnist_core.config import TrainConfig
from mnist_core.data.mnist import Dataset, open_mnist
from mnist_core.evaluation.metrics import evaluate
from mnist_core.messages import InputError
from mnist_core.recipes import RECIPES
from mnist_core.runs.comparison import compare_runs
from mnist_core.runs.run import Run
from mnist_core.runs.run_trainer import train_run
from mnist_core.runs.seed_variance import seed_summary
from mnist_core.runs.store import RunStore
from mnist_core.runtime.devices import usable_cores

TWO = ("tutorial-3", "tutorial-5")
REPEATED, SEEDS = "quick", 5


def train(store: RunStore, config: TrainConfig, data: Dataset) -> Run:
    """Train a run and return it."""
    writer = store.create(config)
    for _ in train_run(writer, data, torch.device("cpu")):
        pass
    return store.get(writer.id)


def statements(runs: list[Run], data: Dataset) -> str:
    """Return the comparison's statements on each run, each pair and all of them, as a Markdown list."""
    names = [f"{run.config.recipe}, seed {run.config.seed}" for run in runs]
    found = compare_runs(runs, [evaluate(run.load_model(), data.test) for run in runs], names)
    scores = (
        f"{score.name}: {score.accuracy:.2%} (95% {score.interval[0]:.2%} to {score.interval[1]:.2%})"
        for score in found.scores
    )
    pairs = (" ".join(map(str, pair.statements)) for pair in found.pairs)
    return "\n".join(f"- {line}" for line in (*scores, *pairs, " ".join(map(str, found.notes))))


def main(arguments: list[str] | None = None) -> int:
    """Train, compare and print; return 0, or 2 after an error message on stderr without MNIST."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.comparison", description=__doc__)
    parser.add_argument("--data", metavar="DIR", help="folder of MNIST (else DIGITLAB_DATA)")
    options = parser.parse_args(arguments)
    try:
        data = open_mnist(locate_mnist(options.data))
    except InputError as error:
        print(f"benchmarks.comparison: {error}", file=sys.stderr)
        return 2
    torch.set_num_threads(usable_cores())
    configs = [RECIPES[name].config for name in TWO]
    configs += [replace(RECIPES[REPEATED].config, seed=seed) for seed in range(SEEDS)]
    with tempfile.TemporaryDirectory() as folder:
        runs = [train(RunStore(Path(folder)), config, data) for config in tqdm(configs, "training")]
        print(f"## {' and '.join(TWO)}\n\n{statements(runs[:2], data)}\n")
        repeats = runs[2:]
        print(f"## {REPEATED} over {SEEDS} seeds\n\n{statements(repeats, data)}")
        print(f"- {seed_summary([run.results['test_accuracy'] for run in repeats]).statement}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
