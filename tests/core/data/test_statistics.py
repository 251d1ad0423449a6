import numpy as np
import pytest

from mnist_core.data.mnist import Split
from mnist_core.data.statistics import distances_to_mean, statistics, typical_images_and_outliers


def grey(*levels, labels):
    """Images of one grey level each."""
    images = np.stack([np.full((28, 28), level, np.uint8) for level in levels])
    return Split(images, np.array(labels, np.uint8))


@pytest.fixture(scope="module")
def noise():
    random = np.random.default_rng(0)
    return Split(
        random.integers(0, 256, (700, 28, 28), np.uint8), random.integers(0, 9, 700).astype(np.uint8)
    )


def test_mean_and_spread_of_two_greys():
    found = statistics(grey(10, 30, 255, labels=[4, 4, 7]))
    assert found.counts.tolist() == [0, 0, 0, 0, 2, 0, 0, 1, 0, 0]
    assert (found.means[4] == 20).all()
    assert (found.standard_deviations[4] == 10).all()
    assert (found.means[7] == 255).all()
    assert (found.standard_deviations[7] == 0).all()


def test_a_digit_without_images_has_a_mean_and_spread_of_zero():
    found = statistics(grey(10, labels=[4]))
    assert not found.means[9].any()
    assert not found.standard_deviations[9].any()


def test_pixels_that_never_change_have_no_spread_at_all():
    image = np.resize(np.arange(256, dtype=np.uint8), (28, 28))
    found = statistics(Split(np.stack([image] * 3001), np.full(3001, 1, np.uint8)))
    assert (found.means[1] == image).all()
    assert (found.standard_deviations[1] == 0).all()


def test_pixel_values_are_counted_and_their_mean_and_spread_known():
    found = statistics(grey(0, 200, labels=[0, 1]))
    assert found.pixel_counts[0] == found.pixel_counts[200] == 784
    assert found.pixel_counts.sum() == 2 * 784
    assert found.pixel_mean == 100
    assert found.pixel_std == 100


def test_the_same_as_numpy_digit_by_digit(noise):
    found = statistics(noise)
    assert (found.pixel_counts == np.bincount(noise.images.ravel(), minlength=256)).all()
    assert found.pixel_std == pytest.approx(noise.images.std())
    for digit in range(9):
        members = noise.images[noise.labels == digit]
        assert found.counts[digit] == len(members)
        np.testing.assert_allclose(found.means[digit], members.mean(axis=0))
        np.testing.assert_allclose(found.standard_deviations[digit], members.std(axis=0))


def test_the_distance_to_the_mean_is_in_grey_levels(noise):
    means = np.zeros((10, 28, 28))
    means[4] = 20
    assert distances_to_mean(grey(20, 50, 0, labels=[4, 4, 4]), means).tolist() == [0, 30, 20]
    means = statistics(noise).means
    away = noise.images - means[noise.labels]
    expected = np.sqrt((away**2).mean(axis=(1, 2)))
    np.testing.assert_allclose(distances_to_mean(noise, means), expected, rtol=1e-5)


def test_the_nearest_and_the_farthest_images_of_a_digit_come_extremes_first():
    split = grey(0, 0, 0, 0, 0, 0, labels=[3, 3, 5, 3, 3, 3])
    distances = np.array([5, 1, 0, 9, 2, 7], np.float32)
    nearest, farthest = typical_images_and_outliers(split, distances, 3, 2)
    assert nearest.tolist() == [1, 4]
    assert farthest.tolist() == [3, 5]


@pytest.mark.parametrize(("digit", "each"), [(3, 1), (5, 0), (8, 0)])
def test_no_image_is_both_typical_and_odd(digit, each):
    split = grey(0, 0, 0, 0, labels=[3, 3, 3, 5])
    nearest, farthest = typical_images_and_outliers(split, np.arange(4, dtype=np.float32), digit, 9)
    assert len(nearest) == len(farthest) == each
