"""What `evaluate --robustness` of `python -m mnist_core` does."""

from __future__ import annotations

import argparse
import json
from typing import Any

from mnist_core.analysis.robustness import TRIALS, Robustness, measure_robustness
from mnist_core.cli.commands import check_range, choose_split
from mnist_core.cli.terminal import complain, ctrl_c, fraction_bar
from mnist_core.config import FIELD_RANGES
from mnist_core.runs.store import RunStore

Answer = dict[str, Any]


def show_robustness(options: argparse.Namespace) -> None:
    """Measure a run's model on corrupted and attacked test images, and print the accuracies."""
    check_range("--seed", options.seed, *map(int, FIELD_RANGES["seed"]))
    run = RunStore(options.runs).get(options.run)
    split = choose_split(options, run)
    steps = measure_robustness(run.load_model(), split, options.images, options.seed)
    with fraction_bar("robustness") as show, ctrl_c() as pressed:
        for done, result in steps:  # noqa: B007 - the last result is printed
            show(done)
            if pressed():
                break
    if not result.complete:
        complain("stopped; here is what was measured until then")
    if options.json:
        print(json.dumps({"run": run.id, **_answer(result)}))
    else:
        _print_table(result)


def _answer(result: Robustness) -> Answer:
    trials = [
        {
            "name": name,
            "unit": TRIALS[name].unit,
            "strengths": TRIALS[name].strengths[: len(accuracies)],
            "accuracies": accuracies,
            "score": result.score(name),
        }
        for name, accuracies in result.accuracies.items()
    ]
    about = {"images": result.images, "seed": result.seed, "complete": result.complete}
    return {**about, "accuracy": result.clean, "standard_error": result.standard_error(0.5), "trials": trials}


def _print_table(result: Robustness) -> None:
    most = result.standard_error(0.5)
    print(f"{result.clean:.2%} of {result.images:,} images right as they are")
    print(f"(a standard error of each figure is {most:.1%} at most)\n")
    print(f"{'':24}   mean  strength and accuracy; the mean is over these strengths")
    for name, accuracies in result.accuracies.items():
        trial, score = TRIALS[name], result.score(name)
        pairs = zip(trial.strengths[1:], accuracies[1:], strict=False)
        curve = "".join(f"{strength:>6g} {accuracy:>6.1%}" for strength, accuracy in pairs)
        mean = "" if score is None else f"{score:.1%}"
        print(f"{trial.label:24} {mean:>6}{curve}  {trial.unit}")
