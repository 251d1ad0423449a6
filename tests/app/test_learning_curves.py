import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from mnist_core.data.mnist import load_sample
from mnist_core.recipes import RECIPES
from ui.learning_curves import (
    ACCURACY,
    ERROR_RATE,
    LOSS,
    WHOLE_RUN,
    CurveWords,
    RunAxes,
    accuracy_points,
    centred_mean,
    curve_points,
    curve_spec,
    loss_points,
    run_curve_spec,
    run_curves,
)
from ui.train.curves import gap_text

WORDS = CurveWords("training", "validation", "epoch", "loss", "guessing")


def across(epochs):
    return curve_spec(epochs, WORDS, LOSS)["encoding"]["x"]["scale"]


def history(accuracies, reports=2):
    """A run's table: `reports` of the loss an epoch, then a row with both accuracies."""
    rows = []
    for epoch, accuracy in enumerate(accuracies, 1):
        rows += [
            {"position": epoch - 1 + (i + 1) / reports, "train_loss": 2.0 / epoch} for i in range(reports)
        ]
        rows.append(
            {
                "position": epoch,
                "epoch": epoch,
                "train_loss": 2.0 / epoch,
                "train_accuracy": accuracy,
                "monitor_loss": 1.0 / epoch,
                "monitor_accuracy": accuracy,
            }
        )
    return pd.DataFrame(rows)


def curve(points, name):
    shown = points[points["curve"] == name]
    return list(zip(shown["position"], shown["value"], strict=True))


@pytest.mark.parametrize("epochs", [1, 10, WHOLE_RUN])
def test_a_short_run_shows_how_far_it_will_go(epochs):
    assert across(epochs)["domain"] == [0, epochs]


@pytest.mark.parametrize("epochs", [WHOLE_RUN + 1, 1000])
def test_a_long_run_shows_what_there_is_so_far(epochs):
    """Its first epochs would be a vertical line else."""
    assert "domain" not in across(epochs)
    assert across(epochs)["domainMin"] == 0


@pytest.mark.parametrize("quantity", [ACCURACY, ERROR_RATE, LOSS])
def test_the_axis_covers_its_least_span_whatever_the_curves_take(quantity):
    spec = curve_spec(5, WORDS, quantity, smooth=True)
    raw = spec["layer"][0]["encoding"]["y"]
    assert spec["encoding"]["y"]["scale"]["domain"] == {"unionWith": list(quantity.least)}
    assert raw["scale"] == spec["encoding"]["y"]["scale"]  # else Vega-Lite leaves the raw curve out of it
    assert min(quantity.least) <= quantity.guess <= max(quantity.least)


def test_the_monitored_curves_begin_before_the_training():
    rows = history([0.9, 0.95])
    assert curve(accuracy_points(rows, WORDS, 0.08), "validation") == [(0, 0.08), (1, 0.9), (2, 0.95)]
    assert curve(accuracy_points(rows, WORDS), "validation") == [(1, 0.9), (2, 0.95)]  # of an old run
    assert curve(loss_points(rows, WORDS, 2.4), "validation") == [(0, 2.4), (1, 1.0), (2, 0.5)]


def test_a_line_says_what_guessing_would_give():
    rows = history([0.9, 0.95])
    assert curve(accuracy_points(rows, WORDS), "guessing") == [(0, 0.1), (2, 0.1)]
    errors = curve(accuracy_points(rows, WORDS, as_errors=True), "guessing")
    assert errors == [(0, pytest.approx(0.9)), (2, pytest.approx(0.9))]
    assert curve(loss_points(rows, WORDS), "guessing")[0] == (0, math.log(10))


def test_the_spec_is_the_same_while_a_run_trains():
    assert curve_spec(5, WORDS, ACCURACY, smooth=True) == curve_spec(5, WORDS, ACCURACY, smooth=True)
    before, after = (loss_points(history([0.1] * n), WORDS, window=11) for n in (1, 4))
    assert list(before.columns) == list(after.columns)


def test_a_centred_mean_keeps_lines_and_ends():
    line = np.arange(10.0)
    assert centred_mean(line, 5) == pytest.approx(line)
    assert centred_mean(np.array([0, 0, 9, 0, 0.0]), 3) == pytest.approx([0, 3, 3, 3, 0])


def test_smoothing_keeps_the_raw_curve_and_leaves_few_points_alone():
    values = np.random.default_rng(0).normal(size=100)
    smooth = curve_points(np.arange(100.0), values, "loss", 11)
    assert smooth["value"].std() < smooth["raw"].std() / 2
    assert smooth["raw"] == pytest.approx(values)
    few = curve_points(np.arange(5.0), values[:5], "loss", 11)
    assert few["value"] == pytest.approx(few["raw"])


def test_curves_of_several_runs_have_a_line_at_guessing_only_on_request():
    curves = [(np.array([1.0, 2.0]), np.array([0.5, 0.8]))] * 2
    axes = RunAxes("epoch", "accuracy", ACCURACY, True)
    assert set(run_curves(["A", "B"], curves, ACCURACY)["curve"]) == {"A", "B"}
    assert "domain" not in run_curve_spec(["A", "B"], "Run", axes)["encoding"]["y"]["scale"]
    assert set(run_curves(["A", "B"], curves, ACCURACY, "guessing")["curve"]) == {"A", "B", "guessing"}
    pointed = run_curves(["A", "B"], [curves[0], (np.array([2.0]), np.array([0.9]))], ACCURACY, "g", str)
    assert pointed[pointed["hover"]][["run_1", "run_2"]].values.tolist() == [
        ["0.5", "\u2013"],
        ["0.8", "0.9"],
    ]
    across = run_curve_spec(["A", "B"], "Run", axes, "guessing")["encoding"]["y"]["scale"]
    assert across["domain"] == {"unionWith": list(ACCURACY.least)}


@pytest.mark.parametrize(
    ("training", "changes", "said"),
    [
        (0.905, {}, "both curves are equally high, within 0.5 percentage points."),
        (1.0, {}, "is 10.0 percentage points higher than on the validation set"),
        (
            0.8,
            {},
            "lower than on the validation set. That is no error: it is measured during the epoch",
        ),
        (
            0.8,
            {"dropout": 0.5, "augmentation": "shift"},
            "improves; dropout sets units to zero meanwhile; ",
        ),
        (0.8, {"monitor": "test"}, "lower than on the test set."),
    ],
)
def test_a_training_curve_above_or_below_the_other_is_explained(training, changes, said, monkeypatch):
    sample = load_sample()
    monkeypatch.setattr("ui.train.curves.resources.dataset", lambda _key: sample)
    watched = {"monitor": "validation", "validation_size": 500, "train_size": 1000}
    rows = history([0.9]).assign(train_accuracy=training)
    run = SimpleNamespace(config=replace(RECIPES["tutorial-1"].config, **watched | changes))
    assert said in gap_text(run, rows)
    assert ("no error" in gap_text(run, rows)) == (training < 0.9)
