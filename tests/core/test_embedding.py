from itertools import islice

import numpy as np
import pytest

from mnist_core.dataset.embedding import principal_components, tsne


@pytest.fixture(scope="module")
def three_groups():
    """Sixty images, twenty each of three kinds, with some noise: images and kinds."""
    random = np.random.default_rng(0)
    kinds = np.repeat(np.arange(3), 20)
    images = random.integers(0, 60, (60, 28, 28), np.uint8)
    for kind in range(3):
        images[kinds == kind, kind * 8 : kind * 8 + 8] += 180
    return images, kinds


def test_images_that_differ_in_one_way_lie_on_a_line():
    images = np.zeros((3, 28, 28), np.uint8)
    images[:, 5, 5] = 0, 51, 102
    found = principal_components(images, 2)
    np.testing.assert_allclose(found.coordinates[:, 0], [-0.2, 0, 0.2], atol=1e-6)
    np.testing.assert_allclose(found.coordinates[:, 1], 0, atol=1e-6)
    np.testing.assert_allclose(found.shares, [1, 0], atol=1e-12)


def test_principal_components_are_those_of_the_singular_values(three_groups):
    images, _ = three_groups
    found = principal_components(images, 5)
    pixels = images.reshape(60, -1) / 255
    left, values, _ = np.linalg.svd(pixels - pixels.mean(axis=0), full_matrices=False)
    np.testing.assert_allclose(np.abs(found.coordinates), np.abs(left[:, :5] * values[:5]), atol=1e-4)
    np.testing.assert_allclose(found.shares, values[:5] ** 2 / (values**2).sum())


def test_images_that_are_all_the_same_lie_in_one_point():
    found = principal_components(np.full((6, 28, 28), 9, np.uint8), 2)
    np.testing.assert_allclose(found.coordinates, 0, atol=1e-6)
    assert np.isfinite(found.shares).all()


def test_tsne_keeps_groups_together_and_apart_and_repeats_itself(three_groups):
    images, kinds = three_groups
    steps = list(tsne(images))
    fractions = [fraction for fraction, _ in steps]
    assert fractions[0] == 0
    assert fractions[-1] == 1
    assert fractions == sorted(set(fractions))
    positions = steps[-1][1]
    assert positions.shape == (60, 2)
    centres = np.stack([positions[kinds == kind].mean(axis=0) for kind in range(3)])
    nearest = np.linalg.norm(positions[:, None] - centres, axis=2).argmin(axis=1)
    assert (nearest == kinds).all()
    assert (list(tsne(images))[-1][1] == positions).all()


def test_tsne_shows_its_positions_on_the_way_and_can_be_left(three_groups):
    images, _ = three_groups
    (_, before), (fraction, after) = islice(tsne(images), 2)
    assert 0 < fraction < 0.1
    assert (before != after).any()


def test_tsne_of_a_handful_of_images(three_groups):
    *_, (fraction, positions) = tsne(three_groups[0][:5])
    assert fraction == 1
    assert np.isfinite(positions).all()
