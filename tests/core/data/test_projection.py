from itertools import islice

import numpy as np
import pytest

from mnist_core.data import projection
from mnist_core.data.projection import principal_components, procrustes_aligned, randomized_pca, tsne


@pytest.fixture(scope="module")
def three_groups():
    """Sixty small images, twenty each of three kinds, with some noise: images and kinds."""
    random = np.random.default_rng(0)
    kinds = np.repeat(np.arange(3), 20)
    images = random.integers(0, 60, (60, 12, 12), np.uint8)
    for kind in range(3):
        images[kinds == kind, kind * 4 : kind * 4 + 4] += 180
    return images, kinds


@pytest.fixture
def few_steps(monkeypatch):
    """t-SNE of a third of the steps."""
    monkeypatch.setattr(projection, "EARLY_STEPS", 100)
    monkeypatch.setattr(projection, "LATE_STEPS", 150)


def test_images_that_differ_in_one_way_lie_on_a_line():
    images = np.zeros((3, 12, 12), np.uint8)
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
    found = principal_components(np.full((6, 12, 12), 9, np.uint8), 2)
    np.testing.assert_allclose(found.coordinates, 0, atol=1e-6)
    assert np.isfinite(found.shares).all()


def test_tsne_keeps_groups_together_and_apart_and_repeats_itself(three_groups, few_steps):
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


def test_tsne_yields_intermediate_positions_and_can_be_stopped(three_groups):
    images, _ = three_groups
    (_, before), (fraction, after) = islice(tsne(images), 2)
    assert 0 < fraction < 0.1
    assert (before != after).any()


def test_tsne_of_a_handful_of_images(three_groups, few_steps):
    *_, (fraction, positions) = tsne(three_groups[0][:5])
    assert fraction == 1
    assert np.isfinite(positions).all()


@pytest.mark.parametrize("features", [4, 300])
def test_feature_components_are_those_of_the_singular_values(features):
    random = np.random.default_rng(2)
    vectors = (random.normal(size=(80, features)) * 0.9 ** np.arange(features)).astype(np.float32)
    found = randomized_pca(vectors, 3)
    left, values, _ = np.linalg.svd(vectors - vectors.mean(axis=0), full_matrices=False)
    np.testing.assert_allclose(np.abs(found.coordinates), np.abs(left[:, :3] * values[:3]), atol=1e-3)
    np.testing.assert_allclose(found.shares, values[:3] ** 2 / (values**2).sum(), rtol=1e-4)
    np.testing.assert_array_equal(found.coordinates, randomized_pca(vectors, 3).coordinates)


def test_features_that_are_few_or_all_the_same_have_empty_components():
    assert randomized_pca(np.arange(5, dtype=np.float32)[:, None], 2).coordinates[:, 1].tolist() == [0] * 5
    same = randomized_pca(np.ones((5, 3), np.float32), 2)
    np.testing.assert_allclose(same.coordinates, 0, atol=1e-6)
    np.testing.assert_allclose(same.shares, 0, atol=1e-6)


def test_a_map_is_turned_and_mirrored_back():
    points = np.random.default_rng(3).normal(size=(20, 2)).astype(np.float32)
    angle = 2.0
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]], np.float32)
    mirrored = points @ turn * [1, -1]
    np.testing.assert_allclose(procrustes_aligned(mirrored.astype(np.float32), points), points, atol=1e-5)
