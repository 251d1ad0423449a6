import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from mnist_core.evaluation.calibration_curves import (
    brier_score,
    reliability,
    risk_coverage,
    scale_by_temperature,
)
from mnist_core.messages import InputError

RANDOM = np.random.default_rng(3)
CLOSE = {"rel": 1e-9, "abs": 1e-9}


Answers = tuple[np.ndarray, np.ndarray]


def answers(labels, probabilities) -> Answers:
    return np.array(probabilities, np.float32), np.array(labels)


def drawn(images: int, sharpness: float, digits: int = 10) -> Answers:
    """Random probabilities, sharper or flatter, of images of which the last digits may never be predicted."""
    logits = sharpness * RANDOM.normal(size=(images, 10))
    logits[:, digits:] -= 100
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return answers(RANDOM.integers(0, 10, images), powers / powers.sum(1, keepdims=True))


CASES = {
    "random": drawn(500, 1),
    "sure": drawn(500, 20),
    "a digit never predicted": drawn(500, 2, digits=9),
    "one image": drawn(1, 1),
    "on the edges": answers([0, 1, 2], np.eye(10)[[0, 1, 3]]),
}


@pytest.mark.parametrize("bins", [1, 2, 10, 15])
@pytest.mark.parametrize(("probabilities", "labels"), CASES.values(), ids=CASES)
def test_the_diagram_agrees_with_scikit_learn(probabilities, labels, bins):
    right = probabilities.argmax(1) == labels
    sure = probabilities.max(1).astype(float)
    accuracies, confidences = calibration_curve(right, sure, n_bins=bins)
    found = reliability(probabilities, labels, bins)
    assert found.accuracies == pytest.approx(accuracies, **CLOSE)
    assert found.confidences == pytest.approx(confidences, **CLOSE)
    assert found.counts.sum() == len(right)
    assert found.confidence == pytest.approx(sure.mean(), **CLOSE)


@pytest.mark.parametrize(("probabilities", "labels"), CASES.values(), ids=CASES)
def test_brier_score_agrees_with_scikit_learn(probabilities, labels):
    exact = probabilities.astype(float)
    exact /= exact.sum(1, keepdims=True)  # which scikit-learn wants to the last digit
    theirs = brier_score_loss(labels, exact, labels=range(10), scale_by_half=False)
    assert brier_score(exact, labels) == pytest.approx(theirs, **CLOSE)


def test_expected_error_by_hand():
    """Three images at 0.6, of which one is right, and one at 0.9, which is: 3/4 (0.6 - 1/3) + 1/4 0.1."""
    rows = [[0.6, 0.4, *[0] * 8]] * 3 + [[0.9, 0.1, *[0] * 8]]
    found = reliability(*answers([0, 1, 1, 0], rows))
    assert found.counts.tolist() == [3, 1]
    assert found.expected_error == pytest.approx(0.75 * (0.6 - 1 / 3) + 0.25 * 0.1, abs=1e-7)
    assert brier_score(*answers([0], [[0.6, 0.4, *[0] * 8]])) == pytest.approx(0.32, abs=1e-7)


def test_a_confidence_on_a_bin_edge_belongs_to_the_lower_bin():
    """The parts are (0, 0.5] and (0.5, 1], as in Guo et al. 2017."""
    rows = [[0.5, 0.5, *[0] * 8], [0.75, 0.25, *[0] * 8]]
    assert reliability(*answers([0, 0], rows), bins=2).confidences.tolist() == [0.5, 0.75]


def test_no_bins_are_refused():
    with pytest.raises(InputError, match="at least 1 bin"):
        reliability(*CASES["random"], 0)


def test_risk_and_coverage_agree_with_a_calculation_by_hand():
    """Sure of 0.9 (right), 0.8 (wrong), 0.8 (right) and 0.6 (wrong)."""
    rows = np.zeros((4, 10))
    rows[[0, 1, 2, 3], 0] = [0.8, 0.6, 0.9, 0.8]
    rows[:, 1] = 1 - rows[:, 0]
    found = risk_coverage(*answers([1, 1, 0, 0], rows))
    assert found.answered(0.0) == (4, 2)
    assert found.answered(0.61) == (3, 1)
    assert found.answered(float(np.float32(0.8))) == (3, 1)
    assert found.answered(0.85) == (1, 0)
    assert found.answered(0.95) == (0, 0)
    assert found.coverages.tolist() == [0.25, 0.5, 0.75, 1]
    assert found.risks.tolist() == pytest.approx([0, 0.5, 1 / 3, 0.5])


@pytest.mark.parametrize(("probabilities", "labels"), CASES.values(), ids=CASES)
def test_answering_above_a_threshold_is_counted_as_it_says(probabilities, labels):
    found = risk_coverage(probabilities, labels)
    for threshold in (0, 0.3, 0.5, 0.9, float(probabilities.max())):
        kept = probabilities.max(1) >= threshold
        wrong = probabilities.argmax(1) != labels
        assert found.answered(threshold) == (kept.sum(), (kept & wrong).sum())


def calibrated(images: int) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and labels drawn as their softmax says: temperature 1 is theirs."""
    logits = 2 * RANDOM.normal(size=(images, 10))
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    labels = np.array([RANDOM.choice(10, p=row) for row in shares])
    return logits, labels


@pytest.mark.parametrize("sharper", [0.5, 3.0])
def test_temperature_scaling_finds_the_temperature_and_mends_the_error(sharper):
    logits, labels = calibrated(6000)
    powers = np.exp(sharper * logits)
    probabilities = (powers / powers.sum(1, keepdims=True)).astype(np.float32)
    scaled, temperature = scale_by_temperature(probabilities, labels)
    assert temperature == pytest.approx(sharper, rel=0.05)
    assert scaled.sum(1) == pytest.approx(1, abs=1e-5)
    assert (scaled.argmax(1) == probabilities.argmax(1)).all()
    assert reliability(probabilities, labels).expected_error > 0.1
    assert reliability(scaled, labels).expected_error < 0.03


def test_no_image_judges_the_temperature_fitted_to_it():
    """Even images are all right and odd ones all wrong: each half gets the other half's temperature."""
    probabilities = np.tile(np.array([0.7, 0.3, *[0] * 8], np.float32), (20, 1))
    scaled, _ = scale_by_temperature(probabilities, np.arange(20) % 2)
    assert (scaled[::2, 0] < 0.55).all()
    assert (scaled[1::2, 0] > 0.99).all()


def test_certainty_that_errs_gets_the_highest_temperature():
    """Half of the answers are wrong, and all have a probability of 1 beside nine of 0."""
    certain = np.eye(10, dtype=np.float32)[np.zeros(40, int)]
    scaled, temperature = scale_by_temperature(certain, np.arange(40) // 2 % 2)
    assert temperature == pytest.approx(20, rel=0.01)
    assert scaled.max() < 0.95  # a probability of 0 is as small as can be, and no more than that


def test_one_image_has_no_temperature():
    with pytest.raises(InputError, match="fewer than 2"):
        scale_by_temperature(*drawn(1, 1))
