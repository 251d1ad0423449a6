"""Shapes and scribbles drawn by formulas."""

import numpy as np
import pytest

from mnist_core.synthetic import random_shapes
from mnist_core.synthetic.random_shapes import SCRIBBLES, SHAPES, generate_random_shapes


def drawings(draw, count=30):
    random = np.random.default_rng(0)
    return [draw(random) for _ in range(count)]


@pytest.mark.parametrize(
    "draw", dict.fromkeys((*SHAPES.values(), *SCRIBBLES)), ids=lambda draw: draw.__name__
)
def test_no_two_drawings_of_a_kind_are_alike_and_none_is_a_dot(draw):
    drawn = drawings(draw)
    for strokes in drawn:
        assert all(stroke.shape[1:] == (2,) and len(stroke) > 1 for stroke in strokes)
        points = np.concatenate(strokes)
        assert np.isfinite(points).all()
        assert 10 < np.ptp(points, axis=0).max() < 1000
    assert len({np.concatenate(strokes).tobytes() for strokes in drawn}) == len(drawn)


def test_an_arrow_has_its_heads_at_the_ends_of_its_shaft():
    for shaft, *heads in drawings(SHAPES["arrow"]):
        assert len(heads) in (1, 2)
        for head in heads:
            tip = head[6]  # of 13 points
            assert np.hypot(*(shaft[[0, -1]] - tip).T).min() < 8


def test_no_side_of_a_triangle_is_short():
    for (outline,) in drawings(SHAPES["triangle"]):
        sides = np.diff(outline[[0, 6, 12, 18]], axis=0)
        lengths = np.hypot(*sides.T)
        assert lengths.min() > 0.3 * lengths.max()


def test_the_images_are_shapes_then_scribbles_and_follow_the_seed(monkeypatch):
    kinds = []
    for name in ("random_shape", "random_scribble"):
        draw = getattr(random_shapes, name)
        monkeypatch.setattr(
            random_shapes, name, lambda random, name=name, draw=draw: kinds.append(name) or draw(random)
        )
    images = generate_random_shapes(3, 2, 3)
    assert kinds == ["random_shape"] * 3 + ["random_scribble"] * 2
    assert images.shape == (5, 28, 28)
    assert images.dtype == np.uint8
    assert (images.max(axis=(1, 2)) > 100).all()
    np.testing.assert_array_equal(images, generate_random_shapes(3, 2, 3))
    assert (images != generate_random_shapes(3, 2, 4)).any()
    assert generate_random_shapes(0, 0, 0).shape == (0, 28, 28)
