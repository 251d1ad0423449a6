"""Temperature, calibration error, and the rejection of non-digits."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from mnist_core.config import TrainConfig
from mnist_core.data.mnist import Split
from mnist_core.evaluation.calibration_curves import reliability
from mnist_core.models.architectures import build_model
from mnist_core.models.inference import fit_temperature, predict_logits, predict_with_features
from mnist_core.recognition import calibration as calibration_module
from mnist_core.recognition.calibration import (
    CALIBRATION_FILE,
    Calibration,
    calibrate,
    load_calibration,
)
from mnist_core.recognition.recognizer import predict, predict_all
from mnist_core.recognition.strokes import strokes_to_image
from mnist_core.synthetic.generator import generate_digits
from mnist_core.synthetic.non_digits import generate_non_digits
from mnist_core.training.trainer import fit


@pytest.fixture(scope="module")
def written() -> Split:
    """Digits to train on."""
    return generate_digits(400, 7)


@pytest.fixture(scope="module")
def digits() -> Split:
    """Others, which nothing is trained on."""
    return generate_digits(160, 8)


@pytest.fixture(scope="module")
def model(written):
    """A small network that reads our own writing."""
    config = TrainConfig(
        architecture="fast_cnn",
        channels=(8, 16, 32),
        widths=(),
        batch_norm=True,
        learning_rate=0.01,
        schedule="one_cycle",
        batch_size=25,
        epochs=4,
    )
    model = build_model(config)
    list(fit(model, config, written, written[:50]))
    return model


@pytest.fixture(scope="module")
def calibration(model, written, digits):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calibration_module, "WRITTEN_FOR_THRESHOLD", 50)
        return calibrate(model, written, digits[:80], seen=70)


IMAGES = np.zeros((2, 28, 28), np.uint8)


def drawn(temperature: float, count: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Logits that are too large by `temperature`, and labels drawn from what they should be."""
    random = np.random.default_rng(0)
    logits = random.normal(0, 2, (count, 10)).astype(np.float32)
    labels = (logits + random.gumbel(size=logits.shape)).argmax(1)
    return logits * temperature, labels


@pytest.mark.parametrize("temperature", [0.3, 1.0, 4.0])
def test_the_temperature_that_was_put_in_is_found(temperature):
    logits, labels = drawn(temperature)
    assert fit_temperature(logits, labels) == pytest.approx(temperature, rel=0.05)


def test_a_temperature_makes_bold_logits_honest():
    logits, labels = drawn(3.0)
    temperature = fit_temperature(logits, labels)
    bold, honest = (torch.from_numpy(logits / by).softmax(1).numpy() for by in (1, temperature))
    assert reliability(bold, labels).expected_error > 0.1
    assert reliability(honest, labels).expected_error < 0.02


def test_features_come_with_the_same_logits(model, digits):
    images = torch.from_numpy(digits.images[:30])
    logits, features = predict_with_features(model, images)
    torch.testing.assert_close(logits, predict_logits(model, images))
    last = model.network[-1]
    torch.testing.assert_close(last(features), logits, rtol=1e-4, atol=1e-4)


def test_threads_that_share_a_model_get_the_features_of_their_own_images(model, digits):
    images = torch.from_numpy(digits.images)
    model.eval()  # as runs load it
    alone = [predict_with_features(model, images[n : n + 1])[1] for n in range(8)]
    with ThreadPoolExecutor(8) as threads:
        for _ in range(20):
            together = threads.map(lambda n: predict_with_features(model, images[n : n + 1])[1], range(8))
            assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(alone, together, strict=True))


def test_digits_are_taken_and_others_refused(model, calibration, digits):
    taken = [p.is_digit for p in predict_all(model, list(digits.images[80:]), calibration)]
    refused = [not p.is_digit for p in predict_all(model, list(generate_non_digits(60, 20)), calibration)]
    assert np.mean(taken) > 0.9
    assert np.mean(refused) > 0.2  # a small network after a second of training


def test_the_threshold_rejects_few_of_validation_and_written_digits_together(model, calibration, digits):
    seen = [*digits.images[:80], *generate_digits(50, seed=2).images]
    refused = [not p.is_digit for p in predict_all(model, seen, calibration, several_views=False)]
    assert 0 < sum(refused) <= np.ceil(calibration_module.REFUSED * len(seen))


def test_a_blank_is_no_digit_and_others_are_read_in_their_order(model, calibration, digits):
    images = [None, digits.images[0], None, digits.images[1]]
    for given in (calibration, None):
        read = predict_all(model, images, given)
        assert [p.blank for p in read] == [True, False, True, False]
        assert not read[0].is_digit
        for image, prediction in zip(images, read, strict=True):
            alone = predict(model, image, given)
            assert (alone.label, alone.is_digit) == (prediction.label, prediction.is_digit)
            np.testing.assert_allclose(alone.probabilities, prediction.probabilities, atol=1e-5)


def test_a_dot_is_no_digit(model):
    certain = Calibration(1.0, np.zeros(model.network[-1].in_features, np.float32), 1.0)
    assert not predict(model, strokes_to_image([[[5, 5]]]), certain).is_digit
    assert predict(model, strokes_to_image([[[5, 5], [5, 90]]]), certain).is_digit


def test_the_temperature_sharpens_probabilities_without_changing_the_reading(model, digits):
    weights, images = np.zeros(model.network[-1].in_features, np.float32), list(digits.images[:40])
    warm, cool = (predict_all(model, images, Calibration(by, weights, 1.0)) for by in (1.0, 0.2))
    assert np.mean([a.label == b.label for a, b in zip(warm, cool, strict=True)]) > 0.9
    assert np.mean([p.confidence for p in cool]) > np.mean([p.confidence for p in warm])
    assert all(p.is_digit for p in cool)


def test_a_calibration_is_saved_and_loaded(tmp_path, calibration, model, digits):
    assert load_calibration(tmp_path) is None
    calibration.save(tmp_path)
    again = load_calibration(tmp_path)
    assert again.temperature == calibration.temperature
    np.testing.assert_array_equal(again.bias, calibration.bias)
    np.testing.assert_allclose(again.weights, calibration.weights, rtol=1e-3)
    for layer, before in zip(again.detector.layers, calibration.detector.layers, strict=True):
        np.testing.assert_allclose(layer[0], before[0], rtol=1e-3, atol=1e-9)
    assert (
        predict(model, digits.images[0], again).is_digit
        == predict(model, digits.images[0], calibration).is_digit
    )


def test_a_calibration_of_version_0_2_holds_for_all_digits(tmp_path):
    (tmp_path / CALIBRATION_FILE).write_text('{"temperature": 0.5, "bias": -1.0, "weights": [1.0, 2.0]}')
    features = np.array([[1, 1], [0, 0.25]], np.float32)
    np.testing.assert_allclose(
        load_calibration(tmp_path).score(IMAGES, features, np.array([0, 9])), [2, -0.5]
    )


def test_the_detector_has_its_say(calibration):
    images, labels = generate_digits(5, 0).images, np.arange(5)
    features = np.zeros((5, calibration.weights.shape[1]), np.float32)
    added = calibration.score(images, features, labels) - calibration.bias[:5]
    np.testing.assert_allclose(added, calibration.detector.log_odds(images)[labels, labels], rtol=1e-4)


def test_each_predicted_digit_has_weights_of_its_own():
    calibration = Calibration(1.0, np.eye(10, dtype=np.float32), np.arange(10))
    features = np.ones((2, 10), np.float32)
    features[1, 7] = -8
    np.testing.assert_array_equal(calibration.score(IMAGES, features, np.array([3, 7])), [4, -1])


DAMAGED = '{"temperature": 1.0, "bias": [0, 0], "weights": [[1.0]]}'


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"temperature": "x", "bias": 0, "weights": []}', DAMAGED]
)
def test_a_damaged_calibration_is_none(tmp_path, content):
    (tmp_path / CALIBRATION_FILE).write_text(content)
    assert load_calibration(tmp_path) is None
