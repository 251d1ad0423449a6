"""The diagnostics on real, small trainings with each problem, and on healthy ones."""

from contextlib import suppress
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mnist_core.config import TrainConfig
from mnist_core.data.mnist import Dataset, split_images
from mnist_core.models.architectures import build_model
from mnist_core.monitoring.diagnostics import diagnose
from mnist_core.monitoring.prober import Prober
from mnist_core.monitoring.probes import Probe
from mnist_core.monitoring.run_history import RunHistory
from mnist_core.recipes import RECIPES
from mnist_core.runs.run import METRICS
from mnist_core.training.events import Diverged, Started, StepDone
from mnist_core.training.trainer import fit

HEALTHY = TrainConfig(widths=(64,), batch_size=20, epochs=5, validation_size=300, train_size=1200)
DEEP = (32,) * 8


_HISTORIES: dict[tuple[str, int], RunHistory] = {}


def history(config: TrainConfig, sample: Dataset, most_steps: int = 100_000) -> RunHistory:
    """Train and look inside now and then, once for all tests of the same settings."""
    key = repr(config), most_steps
    if key not in _HISTORIES:
        _HISTORIES[key] = watched(config, sample, most_steps)
    return _HISTORIES[key]


def watched(config: TrainConfig, sample: Dataset, most_steps: int) -> RunHistory:
    splits = split_images(config, sample)
    model = build_model(config)
    prober = Prober(model, config, splits.monitored)
    rows, probes, diverged = [], [prober.probe(0)], True
    with suppress(Diverged):
        for event in fit(model, config, splits.train, splits.monitored):
            if not isinstance(event, Started):
                values = dict(vars(event))
                rows.append({"train_loss": values.pop("loss", None), **values})
            if isinstance(event, StepDone) and event.step % 15 == 0:
                probes.append(prober.probe(event.step))
            if getattr(event, "step", 0) >= most_steps:
                break
        diverged = False
    return RunHistory(config, pd.DataFrame(rows, columns=list(METRICS)), probes, diverged)


def names(history: RunHistory) -> list[str]:
    return [finding.name for finding in diagnose(history)]


def settings_after(history: RunHistory) -> TrainConfig:
    """The settings once the first finding's fix is taken."""
    return replace(history.config, **diagnose(history)[0].fix)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_a_rate_of_a_millionth_is_too_small(optimizer, sample):
    ill = history(replace(HEALTHY, optimizer=optimizer, learning_rate=1e-6), sample)
    assert names(ill) == ["rate_too_small"]
    assert "After 300 steps" in str(diagnose(ill)[0].evidence)
    assert settings_after(ill).learning_rate == (0.001 if optimizer == "adam" else 0.1)


@pytest.mark.parametrize(("last", "found"), [(0.6, ["rate_too_small"]), (0.4, [])])
def test_a_small_rate_is_too_small_while_the_falling_loss_is_above_a_half(last, found):
    losses = np.repeat([2.0, 1.5, 1.0, last], 75)
    rows = pd.DataFrame({"step": range(1, 301), "train_loss": losses}, columns=list(METRICS))
    assert names(RunHistory(replace(HEALTHY, learning_rate=1e-5), rows)) == found


@pytest.mark.parametrize(("optimizer", "rate"), [("adam", 10.0), ("adam", 0.1), ("sgd", 10.0)])
def test_a_rate_far_too_large_is_said_and_kills_units(optimizer, rate, sample):
    ill = history(replace(HEALTHY, optimizer=optimizer, learning_rate=rate, widths=(64, 64)), sample)
    assert set(names(ill)) & {"rate_too_large", "diverged"}
    assert "vanishing" not in names(ill)
    usual = 0.001 if optimizer == "adam" else 0.1
    assert settings_after(ill).learning_rate == usual
    assert names(history(settings_after(ill), sample)) == []


def test_a_large_rate_leaves_dead_units(sample):
    ill = history(replace(HEALTHY, learning_rate=0.1, widths=(64, 64)), sample)
    evidence = {finding.name: str(finding.evidence) for finding in diagnose(ill)}
    assert "% of the units output zero" in evidence["dead_units"]


def test_a_loss_that_bounces_back_comes_from_too_large_a_rate(sample):
    well = history(HEALTHY, sample)
    metrics = pd.DataFrame({name: [None] * 300 for name in METRICS})
    metrics["step"] = range(1, 301)
    metrics["train_loss"] = [*np.linspace(2.3, 0.2, 200), *np.linspace(0.2, 1.5, 100)]
    assert names(RunHistory(replace(HEALTHY, learning_rate=0.01), metrics, well.probes)) == ["rate_too_large"]


def test_exploding_numbers_are_a_divergence_and_nothing_else(sample):
    ill = history(replace(HEALTHY, widths=DEEP, optimizer="sgd", learning_rate=100.0), sample)
    assert ill.diverged
    assert names(ill) == ["diverged"]
    assert settings_after(ill).learning_rate == 0.1


def test_gradients_that_explode_at_the_usual_rate_are_clipped(sample):
    """Eight layers of Kaiming's variance without ReLU double the signal's variance at each layer."""
    settings = {"activation": "none", "initialization": "kaiming_normal", "optimizer": "sgd"}
    ill = history(replace(HEALTHY, widths=DEEP, learning_rate=0.1, **settings), sample)
    assert names(ill) == ["diverged"]
    cured = settings_after(ill)
    assert cured == replace(ill.config, gradient_clipping=1.0)
    assert "diverged" not in names(history(cured, sample))


@pytest.mark.parametrize(("optimizer", "clipping"), [("adam", 0.0), ("sgd", 1.0)])
def test_what_clipping_would_not_help_gets_a_tenth_of_its_rate(optimizer, clipping):
    config = replace(HEALTHY, optimizer=optimizer, learning_rate=0.0005, gradient_clipping=clipping)
    ill = RunHistory(config, pd.DataFrame(columns=list(METRICS)), diverged=True)
    assert settings_after(ill) == replace(config, learning_rate=0.00005)


def test_a_loss_far_above_chance_is_a_divergence_before_it_is_no_number(sample):
    ill = history(replace(HEALTHY, activation="none", learning_rate=10.0), sample)
    assert not ill.diverged
    assert names(ill) == ["diverged"]
    assert "guessing at random gives 2.30" in str(diagnose(ill)[0].evidence)


def test_eight_sigmoid_layers_vanish_and_relu_with_batch_norm_learns(sample):
    ill = history(replace(HEALTHY, activation="sigmoid", widths=DEEP), sample)
    assert names(ill) == ["vanishing"]
    assert "times smaller" in str(diagnose(ill)[0].evidence)
    cured = settings_after(ill)
    assert cured.activation == "relu"
    assert names(history(cured, sample)) == []


def test_two_hundred_images_are_learned_by_heart(sample):
    ill = history(replace(HEALTHY, train_size=200, epochs=40, widths=(128,)), sample)
    assert names(ill) == ["overfitting"]
    assert "Training accuracy is 100.0%" in str(diagnose(ill)[0].evidence)
    assert settings_after(ill).train_size == 60_000


def test_a_monitored_loss_that_rises_is_overfitting_too():
    epochs = pd.DataFrame({name: [None] * 4 for name in METRICS})
    epochs["step"] = [100, 200, 300, 400]
    epochs["monitor_loss"] = [0.3, 0.2, 0.22, 0.25]
    epochs["train_accuracy"] = [0.9, 0.94, 0.95, 0.96]
    epochs["monitor_accuracy"] = [0.9, 0.93, 0.93, 0.93]
    (finding,) = diagnose(RunHistory(TrainConfig(), epochs))
    assert "25% above its minimum at epoch 2" in str(finding.evidence)
    assert finding.fix == {"augmentation": "affine"}
    varied = TrainConfig(augmentation="affine", dropout=0.3)
    assert diagnose(RunHistory(varied, epochs))[0].fix == {"epochs": 2}
    assert not diagnose(RunHistory(TrainConfig(), epochs[:3]))  # 10 % after one epoch is nothing


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"optimizer": "sgd", "learning_rate": 0.1},
        {"activation": "tanh", "widths": DEEP},
        {"widths": DEEP},
        {"batch_size": 1, "epochs": 1},
        {"architecture": "cnn", "channels": (4, 8), "batch_norm": True, "epochs": 2},
    ],
    ids=["plain", "sgd", "deep tanh", "deep relu", "single images", "cnn"],
)
def test_healthy_trainings_raise_no_alarm(changes, sample):
    assert names(history(replace(HEALTHY, **changes), sample)) == []


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_raise_no_alarm(name, sample):
    config = replace(RECIPES[name].config, epochs=2)
    if name in ("accurate", "best", "world", "tutorial-4b"):  # with all channels they take up to 15 s
        narrow = tuple(channels // 8 for channels in config.channels)
        config = replace(config, channels=narrow, written_share=min(config.written_share, 0.1))
    assert names(history(config, sample, most_steps=105)) == []


@pytest.mark.slow
def test_a_recipe_of_six_convolutions_raises_no_alarm_with_all_of_its_channels(sample):
    config = replace(RECIPES["world"].config, epochs=2, train_size=1000, written_share=0.25)
    assert names(history(config, sample, most_steps=45)) == []


def test_nothing_is_said_before_there_is_anything_to_say():
    nothing = pd.DataFrame(columns=list(METRICS))
    assert diagnose(RunHistory(TrainConfig(), nothing)) == []
    assert names(RunHistory(TrainConfig(learning_rate=10.0), nothing, diverged=True)) == ["diverged"]


def test_dead_units_at_the_usual_rate_are_given_a_slope():
    probes = [Probe(step, (1.0, 1.0), (1.0, 1.0), (0.8, None), np.zeros((12, 10))) for step in range(3)]
    metrics = pd.DataFrame({name: [None] * 100 for name in METRICS})
    metrics["step"], metrics["train_loss"] = range(2, 202, 2), 0.4
    (finding,) = diagnose(RunHistory(TrainConfig(), metrics, probes))
    assert (finding.name, finding.fix) == ("dead_units", {"activation": "leaky_relu"})
    assert str(finding.evidence).startswith("In one layer 80%")
