"""What the commands of `python -m mnist_core` do; __main__ says how they are called."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from mnist_core.cli.terminal import complain, fraction_bar
from mnist_core.data import Dataset, Split, load_dataset
from mnist_core.messages import N_, InputError
from mnist_core.recipes import RECIPES
from mnist_core.runs.run import Run
from mnist_core.runs.store import RunStore

if TYPE_CHECKING:
    from mnist_core.evaluation import Evaluation

Answer = dict[str, Any]


def show_data(options: argparse.Namespace) -> None:
    """Print where the data came from, its path, counts and checks."""
    from mnist_core.dataset.raw_files import check_files

    dataset = load_data(options.data)
    answer: Answer = {
        "source": dataset.source,
        "path": str(dataset.path) if dataset.path else None,
        "train_images": len(dataset.train),
        "test_images": len(dataset.test),
        "files": [asdict(check) for check in check_files(dataset.path)] if dataset.path else [],
    }
    if options.json:
        return _print_json(answer)
    print(
        f"{answer['source']}: {answer['train_images']:,} training and {answer['test_images']:,} test images"
    )
    if dataset.path:
        print(f"in {dataset.path}")
    for file in answer["files"]:
        print(f"  {file['name']}: {file['size']:,} bytes, {'intact' if file['checksum_ok'] else 'DAMAGED'}")


def show_recipes(options: argparse.Namespace) -> None:
    """Print each recipe's name, number of parameters and description."""
    from mnist_core.architectures import build_model, count_parameters

    rows = [
        {
            "name": name,
            "parameters": count_parameters(build_model(recipe.config)),
            "description": recipe.description,
            "config": recipe.config.to_json(),
        }
        for name, recipe in RECIPES.items()
    ]
    if options.json:
        return _print_json({"recipes": rows})
    for row in rows:
        print(f"{row['name']:12} {row['parameters']:>8,}  {row['description']}")


def run_answer(run: Run) -> Answer:
    """Return what JSON says of a run."""
    keys = [
        "parameters",
        "epochs",
        "train_seconds",
        "initial_accuracy",
        "test_accuracy",
        "test_loss",
        "device",
        "threads",
    ]
    facts = {key: run.results.get(key) for key in keys}
    label = {"name": run.label.name, "pinned": run.label.pinned}
    about = {"run": run.id, "recipe": run.config.recipe, "status": run.status, "created": run.created}
    return {**about, **label, **facts}


def print_run(run: Run, as_json: bool) -> None:
    """Print a run's results."""
    if as_json:
        return _print_json(run_answer(run))
    results = run.results
    print(f"run {run.id} {run.status}: {results['epochs']:g} epochs in {results['train_seconds']:.1f} s")
    if "test_accuracy" in results:
        print(f"test accuracy {results['test_accuracy']:.2%}, loss {results['test_loss']:.4f}")


def evaluate_run(options: argparse.Namespace) -> None:
    """Print how a run's model does on the test images."""
    from mnist_core.evaluation import evaluate

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
    from mnist_core.evaluation import judging_splits

    splits = judging_splits(run.config, load_data(options.data))
    if options.split not in splits:
        raise InputError(N_("Run {run} held no validation images out; choose another split."), run=run.id)
    return splits[options.split][0]


def _evaluation_answer(result: Evaluation) -> Answer:
    from mnist_core.analysis.reliability import brier_score, reliability
    from mnist_core.analysis.significance import wilson_interval

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


def show_runs(options: argparse.Namespace) -> None:
    """Change the runs as asked for, then print those that are there."""
    store = RunStore(options.runs)
    for name in options.restore:
        store.restore(name)
    for name, given in options.rename:
        store.rename(name, given)
    for name in options.pin:
        store.pin(name)
    for name in options.unpin:
        store.pin(name, False)
    for name in options.remove:
        store.remove(name)
    runs = store.list()
    if options.json:
        return _print_json({"runs": [run_answer(run) for run in runs]})
    for run in runs:
        accuracy = run.results.get("test_accuracy")
        score = "" if accuracy is None else f"{accuracy:.2%}"
        pinned = "pinned" if run.label.pinned else ""
        facts = f"{run.config.recipe:12} {run.status:12} {score:8} {pinned:6} {run.label.name}"
        print(f"{run.id}  {run.created[:19]}  {facts}".rstrip())
    if not runs:
        print("no runs yet; `python -m mnist_core train --recipe quick` makes one")


def check_range(option: str, number: int, lowest: int, highest: int) -> None:
    """Raise InputError unless what was given for an option is within its range."""
    if not lowest <= number <= highest:
        raise InputError(
            "{option} must be from {lowest} to {highest}, not {number}.",
            option=option,
            lowest=lowest,
            highest=highest,
            number=number,
        )


def load_data(directory: str | None) -> Dataset:
    """Load the images, with a bar while they are fetched, and say so when they are only the sample."""
    with fraction_bar("fetching MNIST") as show:
        dataset = load_dataset(directory, show)
    if dataset.notice:
        complain(str(dataset.notice))
    return dataset


def _print_json(answer: Answer) -> None:
    print(json.dumps(answer))
