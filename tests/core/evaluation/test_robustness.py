import math
import time

import numpy as np
import pytest
import torch

from mnist_core.config import TrainConfig
from mnist_core.data.mnist import Split
from mnist_core.evaluation import robustness
from mnist_core.evaluation.adversarial import ATTACKS, attack
from mnist_core.evaluation.corruptions import CORRUPTIONS, corrupt
from mnist_core.evaluation.metrics import evaluate
from mnist_core.evaluation.robustness import (
    DISTURBANCES,
    Robustness,
    chosen_images,
    estimate_seconds,
    examples,
    measure_robustness,
)
from mnist_core.messages import InputError
from mnist_core.models.architectures import build_model
from mnist_core.models.modules import DigitClassifier
from mnist_core.training.trainer import fit

IMAGES = 120  # more than a batch


@pytest.fixture(scope="module")
def model(sample) -> DigitClassifier:
    config = TrainConfig(widths=(16,), monitor="test", epochs=3, batch_size=32, learning_rate=0.005)
    network = build_model(config)
    for _ in fit(network, config, sample.train, sample.test):
        pass
    return network


@pytest.fixture(scope="module")
def steps(model, sample) -> list[tuple[float, Robustness]]:
    return list(measure_robustness(model, sample.test, IMAGES, seed=3))


@pytest.fixture(scope="module")
def result(steps) -> Robustness:
    return steps[-1][1]


def test_everything_is_measured_at_every_strength(result):
    assert result.complete
    assert list(result.accuracies) == list(DISTURBANCES)
    for name, accuracies in result.accuracies.items():
        assert len(accuracies) == len(DISTURBANCES[name].strengths)
        assert all(0 <= accuracy <= 1 for accuracy in accuracies)
    assert {"rotation", "fgsm", "pgd"} <= set(DISTURBANCES)


def test_without_strength_it_is_the_plain_accuracy_of_the_same_images(result, model, sample):
    chosen = chosen_images(sample.test, IMAGES)
    subset = Split(sample.test.images[chosen], sample.test.labels[chosen])
    assert (result.images, result.seed) == (IMAGES, 3)
    assert result.clean == evaluate(model, subset).accuracy > 0.7
    assert {accuracies[0] for accuracies in result.accuracies.values()} == {result.clean}


@pytest.mark.parametrize(("name", "position"), [("rotation", 4), ("noise", 3), ("occlusion", 5), ("blur", 2)])
def test_a_point_is_the_accuracy_on_the_corrupted_images(name, position, result, model, sample):
    chosen = chosen_images(sample.test, IMAGES)
    images, labels = torch.from_numpy(sample.test.images[chosen]), sample.test.labels[chosen]
    draws = torch.Generator().manual_seed(3)
    strength = DISTURBANCES[name].strengths[position]
    changed = torch.cat([corrupt(part, name, strength, draws) for part in images.split(robustness.BATCH)])
    assert result.accuracies[name][position] == evaluate(model, Split(changed.numpy(), labels)).accuracy


@pytest.mark.parametrize("name", ["fgsm", "pgd"])
def test_a_point_of_an_attack_is_the_accuracy_on_the_attacked_images(name, result, model, sample):
    chosen = chosen_images(sample.test, IMAGES)
    images = torch.from_numpy(sample.test.images[chosen]).split(robustness.BATCH)
    labels = torch.from_numpy(sample.test.labels[chosen]).long().split(robustness.BATCH)
    draws = torch.Generator().manual_seed(3)
    reach = DISTURBANCES[name].strengths[2]
    parts = [attack(model, *pair, name, reach, draws) for pair in zip(images, labels, strict=True)]
    attacked = Split(torch.cat(parts).numpy(), sample.test.labels[chosen])
    assert result.accuracies[name][2] == evaluate(model, attacked).accuracy < result.clean


def test_a_score_is_the_mean_over_the_strengths_but_none(result):
    for name, accuracies in result.accuracies.items():
        assert result.score(name) == pytest.approx(sum(accuracies[1:]) / len(accuracies[1:]))


def test_a_seed_repeats_all_and_another_differs(result, model, sample):
    *_, (_, again) = measure_robustness(model, sample.test, IMAGES, seed=3)
    assert again == result
    steps = measure_robustness(model, sample.test, IMAGES, seed=4)
    other = next(other for _, other in steps if len(other.accuracies) == 3)
    assert other.clean == result.clean
    assert any(other.accuracies[name] != result.accuracies[name] for name in ("rotation", "shift"))


def test_progress_rises_from_none_to_all_in_small_steps(steps):
    fractions = [fraction for fraction, _ in steps]
    assert fractions[0] == 0
    assert fractions[-1] == 1
    assert fractions == sorted(set(fractions))
    assert max(np.diff(fractions)) < 0.15


def test_progress_counts_attacks_by_what_they_cost(steps):
    begun = next(fraction for fraction, result in steps if set(CORRUPTIONS) <= set(whole(result)))
    plain = sum(len(corruption.strengths) - 1 for corruption in CORRUPTIONS.values())
    attacks = sum(trial.cost * (len(trial.strengths) - 1) for trial in ATTACKS.values())
    assert begun == pytest.approx(plain / (plain + attacks))


def whole(result):
    """The trials that were measured at every strength."""
    return [name for name in result.accuracies if result.score(name) is not None]


def test_a_stopped_measurement_keeps_its_results(model, sample, result):
    steps = measure_robustness(model, sample.test, IMAGES, seed=3)
    partial = next(result for _, result in steps if len(result.accuracies) == 2)
    steps.close()
    assert not partial.complete
    assert partial.accuracies["rotation"] == result.accuracies["rotation"]
    assert partial.score("rotation") == result.score("rotation")
    assert len(partial.accuracies["shift"]) == 2
    assert partial.score("shift") is None
    assert partial.score("pgd") is None


def test_the_images_are_evenly_spaced_and_no_more_than_there_are(sample):
    assert chosen_images(sample.test, 3).tolist() == [0, 99, 198]
    assert chosen_images(sample.test, 10_000).tolist() == list(range(297))
    with pytest.raises(InputError, match="1 image or more, not 0"):
        next(measure_robustness(build_model(TrainConfig()), sample.test, 0))


def test_the_standard_error_is_the_binomials():
    result = Robustness(images=400, seed=0, clean=0.9, accuracies={})
    assert result.standard_error(0.5) == pytest.approx(0.025)
    assert result.standard_error(0.9) == pytest.approx(math.sqrt(0.09 / 400))
    draws = np.random.default_rng(0).binomial(400, 0.9, 20_000) / 400
    assert result.standard_error(0.9) == pytest.approx(draws.std(), rel=0.03)


def test_the_estimate_is_of_the_right_size(model, sample):
    start = time.process_time()  # without what others take of a busy machine, as in the best of three
    list(measure_robustness(model, sample.test, IMAGES, seed=3))
    taken = time.process_time() - start
    estimates = [IMAGES * estimate_seconds(model, sample.test) for _ in range(3)]
    assert taken / 10 < min(estimates) < 10 * taken


def test_the_estimate_is_for_one_image(model, sample, monkeypatch):
    monkeypatch.setattr(robustness, "_seconds", lambda work: 1.0)  # for a batch, once
    points = sum(len(trial.strengths) - 1 for trial in DISTURBANCES.values())
    expected = (points + robustness.ATTACK_STEPS) / robustness.BATCH
    assert estimate_seconds(model, sample.test) == pytest.approx(expected)


def test_another_seed_turns_the_example_otherwise(model, sample):
    one, other = (examples(model, sample.test, "rotation", 5, seed) for seed in (1, 2))
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("name", DISTURBANCES)
def test_examples_are_one_image_at_each_strength(name, model, sample):
    shown = examples(model, sample.test, name, 5, seed=1)
    assert (shown.shape, shown.dtype) == ((len(DISTURBANCES[name].strengths), 28, 28), np.uint8)
    assert np.array_equal(shown[0], sample.test.images[5])
    assert not np.array_equal(shown[1], shown[0])
    assert np.array_equal(shown, examples(model, sample.test, name, 5, seed=1))
