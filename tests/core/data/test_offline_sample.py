"""The offline sample has MNIST's form."""

import numpy as np
import pytest

from mnist_core.config import TrainConfig
from mnist_core.data.mnist import open_mnist, split_images
from tests.conftest import make_digits


def test_the_sample_has_the_shapes_of_mnist(sample):
    for split, count in ((sample.train, 1500), (sample.test, 297)):
        assert (split.images.shape, split.images.dtype) == ((count, 28, 28), np.uint8)
        assert (split.labels.shape, split.labels.dtype) == ((count,), np.uint8)
    assert (sample.source, sample.path) == ("sample", None)
    assert "1,797 small digits" in str(sample.notice)
    assert "DIGITLAB_DATA" in str(sample.notice)


def test_the_sample_is_the_digits_of_scikit_learn_in_order(sample):
    labels = np.concatenate([sample.train.labels, sample.test.labels])
    assert labels[:12].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]
    assert np.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert np.bincount(sample.test.labels).min() >= 25


def test_the_sample_is_placed_as_mnist_is(sample):
    for image in np.concatenate([sample.train.images, sample.test.images]):
        rows, columns = (np.flatnonzero(image.any(axis=axis)) for axis in (1, 0))
        assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
        assert image.max() == 255
        for axis in (0, 1):
            profile = image.sum(axis=axis, dtype=float)
            assert 13.45 <= profile @ np.arange(28) / profile.sum() <= 14.55


def test_the_sample_is_as_dark_as_mnist(sample, mnist_directory):
    mnist = open_mnist(mnist_directory).test.images.mean()
    assert sample.test.images.mean() == pytest.approx(mnist, rel=0.15)


def test_the_sample_is_always_the_same(sample):
    images, labels = make_digits()  # the function itself, which keeps nothing
    np.testing.assert_array_equal(images, np.concatenate([sample.train.images, sample.test.images]))
    np.testing.assert_array_equal(labels, np.concatenate([sample.train.labels, sample.test.labels]))


def test_a_sixth_of_the_sample_is_held_out_where_more_was_wanted(sample):
    splits = split_images(TrainConfig(validation_size=10_000), sample)
    assert (len(splits.train), len(splits.validation)) == (1250, 250)
