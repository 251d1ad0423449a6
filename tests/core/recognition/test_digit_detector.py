"""The small network that tells digits from what is no digit."""

import json

import numpy as np
import pytest
import torch

from mnist_core.recognition import digit_detector
from mnist_core.recognition.digit_detector import detector_from_lists, train_detector


def lines(count, seed):
    """Upright lines, which are ones, and level lines, which aren't: images, labels, whether digits."""
    random = np.random.default_rng(seed)
    images, upright = np.zeros((count, 28, 28), np.uint8), random.random(count) < 0.5
    for image, at, up in zip(images, random.integers(6, 22, count), upright, strict=True):
        (image.T if up else image)[at - 1 : at + 2, 5:23] = 255
    return images, np.ones(count, np.int64), upright


@pytest.fixture(scope="module")
def trained():
    return train_detector(*lines(400, 0), seed=0)


def test_it_learns_to_tell_upright_from_level_lines(trained):
    images, labels, upright = lines(200, 1)
    odds = trained.log_odds(images)
    assert odds.shape == (200, 10)
    assert ((odds[np.arange(200), labels] > 0) == upright).mean() > 0.97
    assert trained.log_odds(images[:0]).shape == (0, 10)


def test_it_computes_what_the_trained_network_computes():
    torch.manual_seed(0)
    network = digit_detector._network()
    images = lines(64, 2)[0]
    seen = torch.from_numpy(images)[:, None].float() / 255
    network(seen)  # moves the statistics of the batch normalizations
    with torch.inference_mode():
        expected = network.eval()(seen).numpy()
    merged = digit_detector.DigitDetector(tuple(digit_detector._layers(network)))
    np.testing.assert_allclose(merged.log_odds(images), expected, atol=1e-4)


def test_the_seed_decides_and_other_random_numbers_are_left_alone(trained):
    data = lines(40, 3)
    torch.manual_seed(5)
    first, second, other = (train_detector(*data, seed=seed) for seed in (1, 1, 2))
    after = torch.rand(1)
    torch.manual_seed(5)
    assert after == torch.rand(1)
    for (a, _), (b, _), (c, _) in zip(first.layers, second.layers, other.layers, strict=True):
        np.testing.assert_array_equal(a, b)
        assert (a != c).any()


def test_it_comes_back_from_json(trained):
    again = detector_from_lists(json.loads(json.dumps(trained.to_lists())))
    images = lines(20, 4)[0]
    np.testing.assert_allclose(again.log_odds(images), trained.log_odds(images), rtol=0.01, atol=0.01)


@pytest.mark.parametrize("damage", [{"shape": [3, 3]}, {"weights": "x"}, {"bias": "y"}])
def test_a_damaged_layer_is_an_error(trained, damage):
    layers = trained.to_lists()
    layers[0] |= damage
    with pytest.raises((ValueError, TypeError)):
        detector_from_lists(layers)
