"""The command `evaluate`, with and without --robustness."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from mnist_core.cli.commands import JsonObject, check_range, load_data, print_json
from mnist_core.cli.terminal import catch_ctrl_c, print_notice, progress_bar
from mnist_core.config import FIELD_RANGES
from mnist_core.data.datasets import check_classes, transfer_text
from mnist_core.data.mnist import Split
from mnist_core.dataset_choices import DATASETS
from mnist_core.evaluation.robustness import DISTURBANCES, Robustness, measure_robustness
from mnist_core.messages import N_, InputError
from mnist_core.runs.run import Run
from mnist_core.runs.store import RunStore

if TYPE_CHECKING:
    from mnist_core.evaluation.metrics import Evaluation


def evaluate_run(options: argparse.Namespace) -> None:
    """Evaluate a run's model on a split; print accuracy, calibration, metrics per digit, confusion matrix."""
    from mnist_core.evaluation.metrics import evaluate

    run = RunStore(options.runs).get(options.run)
    result = evaluate(run.load_model(), selected_split(options, run))
    answer = {"run": run.id, "split": options.split, **_evaluation_json(result)}
    if options.json:
        return print_json(answer)
    low, high = answer["accuracy_interval"]
    error = f"calibration error {answer['calibration_error']:.2%}"
    names = {"validation": "validation", "train": "training", "test": "test", "further": "further test"}
    images = f"{answer['images']:,} {names[options.split]} images"
    print(f"accuracy {result.accuracy:.2%} on {images}, loss {result.loss:.4f}")
    print(f"95% confidence interval (Wilson): {low:.2%} to {high:.2%}")
    before = " before calibration" if run.load_calibration() else ""
    confidence = f"mean confidence {answer['confidence']:.2%}{before}"
    print(f"{confidence}, {error}, Brier score {answer['brier_score']:.4f}\n")
    facts = DATASETS[run.config.dataset]
    heading, classes = ("digit" if facts.digits else "class"), facts.classes
    width = max(5, *map(len, classes))
    print(f"{heading:{width}}  precision  recall      F1  images")
    for row in result.per_class:
        scores = f"{row.precision:9.2%}  {row.recall:6.2%}  {row.f1:6.2%}  {row.images:6,}"
        print(f"{classes[row.digit]:>{width}}  {scores}")
    print(f"\nconfusion matrix; rows: true {heading}, columns: predicted {heading}")
    print("\n".join(" ".join(f"{count:5}" for count in row) for row in result.confusion_matrix))


def selected_split(options: argparse.Namespace, run: Run) -> Split:
    """Load the split that `--split` names; raise InputError if the run has no images in it."""
    from mnist_core.data.mnist import split_images

    shown = options.dataset or run.config.dataset
    check_classes(run.config.dataset, shown)
    splits = split_images(run.config, load_data(options.data, shown)).to_evaluate
    if options.split == "further" and options.split not in splits:
        raise InputError(
            N_("{name} has no further test images; choose another split, or --dataset qmnist."),
            name=DATASETS[shown].label,
        )
    if options.split not in splits:
        raise InputError(N_("Run {run} held no validation images out; choose another split."), run=run.id)
    if text := transfer_text(run.config.dataset, shown):
        print_notice(str(text))
    return splits[options.split]


def _evaluation_json(result: Evaluation) -> JsonObject:
    from mnist_core.evaluation.calibration_curves import brier_score, reliability
    from mnist_core.evaluation.significance import wilson_interval

    images = len(result.labels)
    calibration = reliability(result.probabilities, result.labels)
    return {
        "images": images,
        "accuracy": result.accuracy,
        "accuracy_interval": wilson_interval(images - len(result.errors), images),
        "loss": result.loss,
        "confidence": calibration.confidence,
        "calibration_error": calibration.expected_error,
        "brier_score": brier_score(result.probabilities, result.labels),
        "per_class": [asdict(metrics) for metrics in result.per_class],
        "confusion_matrix": result.confusion_matrix.tolist(),
    }


def show_robustness(options: argparse.Namespace) -> None:
    """Measure a run's model on corrupted and adversarial images; print the accuracies."""
    check_range("--seed", options.seed, *map(int, FIELD_RANGES["seed"]))
    run = RunStore(options.runs).get(options.run)
    split = selected_split(options, run)
    steps = measure_robustness(run.load_model(), split, options.images, options.seed)
    with progress_bar("robustness") as show, catch_ctrl_c() as pressed:
        for done, result in steps:  # noqa: B007 - the last result is printed after the loop
            show(done)
            if pressed():
                break
    if not result.complete:
        print_notice("stopped; the results so far follow")
    if options.json:
        print(json.dumps({"run": run.id, **_robustness_json(result)}))
    else:
        _print_table(result)


def _robustness_json(result: Robustness) -> JsonObject:
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
    print(f"accuracy {result.clean:.2%} on {result.images:,} unchanged images")
    print(f"(the standard error of each accuracy is at most {most:.1%})\n")
    print(f"{'':24}   mean  strength and accuracy; the mean is over these strengths")
    for name, accuracies in result.accuracies.items():
        trial, score = DISTURBANCES[name], result.score(name)
        pairs = zip(trial.strengths[1:], accuracies[1:], strict=False)
        curve = "".join(f"{strength:>6g} {accuracy:>6.1%}" for strength, accuracy in pairs)
        mean = "" if score is None else f"{score:.1%}"
        print(f"{trial.label:24} {mean:>6}{curve}  {trial.unit}")
