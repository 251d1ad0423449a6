"""Each finding at its threshold and just below it, and the fix it gives, on made-up metrics and probes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mnist_core.config import TrainConfig
from mnist_core.monitoring.diagnostics import Finding, diagnose
from mnist_core.monitoring.probes import Probe
from mnist_core.monitoring.run_history import RunHistory
from mnist_core.runs.run import METRICS

NOTHING = pd.DataFrame(columns=list(METRICS))


def probe(first: float, dead: float | None = None) -> Probe:
    """A probe of two layers whose gradients are `first` and 1, with a share of dead units in the first."""
    return Probe(0, (first, 1.0), (1.0, 1.0), (dead, None), np.zeros((12, 10)))


def reports(losses: Sequence[float], steps: int = 300) -> pd.DataFrame:
    """Metrics of as many reports, evenly spaced over `steps`."""
    metrics = pd.DataFrame({name: [None] * len(losses) for name in METRICS})
    metrics["step"] = np.linspace(steps / len(losses), steps, len(losses)).round().astype(int)
    metrics["train_loss"] = losses
    return metrics


def epochs(seen: Sequence[float], unseen: Sequence[float], losses: Sequence[float]) -> pd.DataFrame:
    metrics = pd.DataFrame({name: [None] * len(losses) for name in METRICS})
    metrics["step"] = range(100, 100 + len(losses))
    metrics["train_accuracy"], metrics["monitor_accuracy"], metrics["monitor_loss"] = seen, unseen, losses
    return metrics


def found(metrics: pd.DataFrame, probes: Sequence[Probe] = (), **settings: Any) -> dict[str, Finding]:
    findings = diagnose(RunHistory(TrainConfig(**settings), metrics, probes))
    return {finding.name: finding for finding in findings}


def test_gradients_vanish_only_if_all_of_the_last_three_probes_say_so():
    assert "vanishing" in found(NOTHING, [probe(1.0), *[probe(0.0009)] * 3])
    assert "vanishing" not in found(NOTHING, [*[probe(0.0009)] * 2, probe(0.0011)])
    assert "vanishing" not in found(NOTHING, [probe(0.0009)] * 2)


def test_a_dead_layer_is_not_called_vanishing():
    vanished = [probe(0.0009)] * 3
    assert "vanishing" not in found(NOTHING, [*vanished, probe(0.0009, dead=0.5)])
    assert "vanishing" in found(NOTHING, [probe(0.0009, dead=0.5), *vanished])


@pytest.mark.parametrize(
    ("settings", "fix"),
    [
        ({"activation": "sigmoid"}, {"activation": "relu"}),
        ({"activation": "tanh", "batch_norm": True}, {"activation": "relu"}),
        ({"batch_norm": False}, {"batch_norm": True}),
        ({"batch_norm": True, "widths": (8,) * 6}, {"widths": (8,) * 3}),
        ({"batch_norm": True, "widths": (8,)}, {"widths": (8,)}),
        ({"batch_size": 1, "widths": (8, 8, 8)}, {"widths": (8,)}),
    ],
)
def test_vanishing_gradients_are_fixed_by_relu_then_batch_norm_then_fewer_layers(settings, fix):
    assert found(NOTHING, [probe(0.0009)] * 3, **settings)["vanishing"].fix == fix


@pytest.mark.parametrize(("rate", "named"), [(0.0031, True), (0.0029, False)])
def test_a_loss_at_chance_blames_a_rate_of_more_than_three_times_the_usual(rate, named):
    assert ("rate_too_large" in found(reports([2.3] * 100), learning_rate=rate)) is named


def test_a_large_rate_comes_before_the_dead_units_that_it_causes_and_its_fix_is_given_once():
    dead = [probe(1.0, dead=0.8)] * 3
    both = found(reports([2.3] * 100), dead, learning_rate=0.1)
    assert list(both) == ["rate_too_large", "dead_units"]
    assert both["rate_too_large"].fix == {"learning_rate": 0.001}
    assert not both["rate_too_large"].consequence
    assert (both["dead_units"].fix, both["dead_units"].advice) == (None, None)
    assert both["dead_units"].consequence
    alone = found(reports([0.4] * 100), dead, learning_rate=0.1)["dead_units"]
    assert (alone.fix, alone.consequence) == ({"learning_rate": 0.001}, False)


def test_the_fix_of_a_rebound_is_the_usual_rate_or_a_tenth():
    rebound = reports([*np.linspace(2.3, 0.2, 200), *[1.5] * 100])
    assert found(rebound, learning_rate=0.002)["rate_too_large"].fix == {"learning_rate": 0.001}
    assert found(rebound, learning_rate=0.001)["rate_too_large"].fix == {"learning_rate": 0.0001}


def test_a_small_rate_whose_loss_falls_steadily_is_too_small():
    falling = reports(np.linspace(2.2, 1.0, 100))
    assert found(falling, learning_rate=0.0001)["rate_too_small"].fix == {"learning_rate": 0.001}
    assert "rate_too_small" not in found(falling, learning_rate=0.00011)
    assert "rate_too_small" not in found(reports(np.linspace(2.2, 1.0, 100), steps=99), learning_rate=0.0001)
    assert "rate_too_small" not in found(reports([1.0] * 100), learning_rate=0.0001)  # falls no more
    assert "rate_too_small" not in found(reports(np.linspace(0.8, 0.1, 100)), learning_rate=0.0001)


@pytest.mark.parametrize(("unseen", "named"), [(0.931, False), (0.929, True)])
def test_memorized_images_are_those_five_points_ahead(unseen, named):
    metrics = epochs([0.9, 0.98], [0.9, unseen], [0.3, 0.3])
    assert ("overfitting" in found(metrics)) is named


def test_the_last_epoch_counts():
    memorized_once = epochs([0.99, 0.95, 0.95], [0.9, 0.94, 0.94], [0.3, 0.3, 0.3])
    assert "overfitting" not in found(memorized_once)


@pytest.mark.parametrize(
    ("settings", "fix"),
    [
        ({"train_size": 19_999}, {"train_size": 60_000}),
        ({"train_size": 20_000}, {"augmentation": "affine"}),
        ({"augmentation": "shift"}, {"dropout": 0.3}),
        ({"augmentation": "shift", "dropout": 0.2}, {"epochs": 1}),
        ({"augmentation": "shift", "widths": ()}, {"epochs": 1}),
    ],
)
def test_overfitting_is_fixed_by_images_then_augmentation_then_dropout_then_fewer_epochs(settings, fix):
    metrics = epochs([0.9, 0.99], [0.9, 0.9], [0.3, 0.31])
    assert found(metrics, **settings)["overfitting"].fix == fix
