"""What `evaluate` of `python -m mnist_core` does, with and without --robustness."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from mnist_core.cli.commands import Answer, _print_json, check_range, load_data
from mnist_core.cli.terminal import complain, ctrl_c, fraction_bar
from mnist_core.config import FIELD_RANGES
from mnist_core.data.mnist import Split
from mnist_core.evaluation.robustness import DISTURBANCES, Robustness, measure_robustness
from mnist_core.messages import N_, InputError
from mnist_core.runs.run import Run
from mnist_core.runs.store import RunStore

if TYPE_CHECKING:
    from mnist_core.evaluation.metrics import Evaluation


def evaluate_run(options: argparse.Namespace) -> None:
    """Print how a run's model does on the test images."""
    from mnist_core.evaluation.metrics import evaluate

    run = RunStore(options.runs).get(options.run)
    result = evaluate(run.load_model(), choose_split(options, run))
    answer = {"run": run.id, "split": options.split, **_evaluation_answer(result)}
    if options.json:
        return _print_json(answer)
    low, high = answer["accuracy_interval"]
    error = f"calibration error {answer['calibration_error']:.2%}"
    names = {"validation": "validation", "train": "training", "test": "test"}
    images = f"{answer['images']:,} {names[options.split]} images"
    print(f"{result.accuracy:.2%} of {images} right, loss {result.loss:.4f}")
    print(f"95% interval (Wilson) of the accuracy on all images like these: {low:.2%} to {high:.2%}")
    sure = "sure on average, before its calibration" if run.load_calibration() else "sure on average"
    print(f"{answer['confidence']:.2%} {sure}, {error}, Brier score {answer['brier_score']:.4f}\n")
    print("digit  precision  recall      F1  images")
    for row in result.per_class:
        print(f"{row.digit:5}  {row.precision:9.2%}  {row.recall:6.2%}  {row.f1:6.2%}  {row.images:6,}")
    print("\nrows: the digit it is; columns: the digit it was taken for")
    print("\n".join(" ".join(f"{count:5}" for count in row) for row in result.confusion_matrix))


def choose_split(options: argparse.Namespace, run: Run) -> Split:
    """Load the images that `--split` names; InputError when the run has none such."""
    from mnist_core.data.mnist import split_images

    splits = split_images(run.config, load_data(options.data)).to_evaluate
    if options.split not in splits:
        raise InputError(N_("Run {run} held no validation images out; choose another split."), run=run.id)
    return splits[options.split]


def _evaluation_answer(result: Evaluation) -> Answer:
    from mnist_core.evaluation.calibration_curves import brier_score, reliability
    from mnist_core.evaluation.significance import wilson_interval

    images = len(result.labels)
    sureness = reliability(result.probabilities, result.labels)
    return {
        "images": images,
        "accuracy": result.accuracy,
        "accuracy_interval": wilson_interval(images - len(result.errors), images),
        "loss": result.loss,
        "confidence": sureness.confidence,
        "calibration_error": sureness.expected_error,
        "brier_score": brier_score(result.probabilities, result.labels),
        "per_class": [asdict(metrics) for metrics in result.per_class],
        "confusion_matrix": result.confusion_matrix.tolist(),
    }


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
            "unit": DISTURBANCES[name].unit,
            "strengths": DISTURBANCES[name].strengths[: len(accuracies)],
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
        trial, score = DISTURBANCES[name], result.score(name)
        pairs = zip(trial.strengths[1:], accuracies[1:], strict=False)
        curve = "".join(f"{strength:>6g} {accuracy:>6.1%}" for strength, accuracy in pairs)
        mean = "" if score is None else f"{score:.1%}"
        print(f"{trial.label:24} {mean:>6}{curve}  {trial.unit}")
