"""Pen strokes and ink converted to 28 x 28 by MNIST's normalization."""

import time

import numpy as np
import pytest

from mnist_core.data.mnist_format import place_in_mnist_frame
from mnist_core.messages import InputError
from mnist_core.recognition.strokes import strokes_to_image
from tests.core.sevens import SEVEN, assert_like_mnist, canvas, centre_of_mass, difference, extents

# The frame


@pytest.mark.parametrize("shape", [(40, 40), (300, 100), (17, 60), (8, 8), (1, 500), (1000, 3)])
def test_ink_of_any_shape_gets_a_longer_side_of_20(shape: tuple[int, int]) -> None:
    ink = np.random.default_rng(0).random(shape) + 0.1
    framed = place_in_mnist_frame(np.pad(ink, ((3, 40), (20, 0))))
    assert_like_mnist(framed)
    assert min(extents(framed)) == max(1, round(20 * min(shape) / max(shape)))


def test_frame_is_the_same_for_ink_in_bytes_and_in_fractions() -> None:
    ink = 255 - canvas()
    np.testing.assert_array_equal(place_in_mnist_frame(ink), place_in_mnist_frame(ink / 255))


def test_background_stays_blank_when_a_small_picture_is_enlarged() -> None:
    ink = np.zeros((8, 8))
    ink[:, [0, -1]] = 1
    assert place_in_mnist_frame(ink)[:, 9:19].max() == 0  # smooth enlargement swings below 0 there


def test_frame_without_ink_is_empty() -> None:
    assert not place_in_mnist_frame(np.zeros((50, 30))).any()


def test_ink_with_its_weight_at_one_end_is_not_cut_off() -> None:
    ink = np.zeros((20, 20))
    ink[:2], ink[:, 0] = 1, 0.001  # its centre of mass is in the first rows, its long tail below
    framed = place_in_mnist_frame(ink)
    assert framed[:, :].any(axis=1).sum() == 2  # the tail rounds to 0
    assert np.flatnonzero(framed.any(axis=1))[0] == 8  # as low as 20 rows fit


def test_mnist_itself_is_left_as_it_is(mnist_images: np.ndarray) -> None:
    for image in mnist_images:
        assert np.abs(place_in_mnist_frame(image).astype(int) - image).max() <= 1  # its darkest may be 254


# Strokes


def test_strokes_look_like_mnist() -> None:
    image = strokes_to_image(SEVEN)
    assert_like_mnist(image)
    assert image is not None
    assert 60 < (image > 127).sum() < 130  # MNIST's digits have 97 such pixels on average


def test_straight_stroke_is_as_wide_as_the_pen_and_round_at_its_ends() -> None:
    image = strokes_to_image([[[5, 0], [5, 100]]])
    assert image is not None
    assert extents(image) == (20, 2)
    top, middle = image[4:24].sum(axis=1)[[0, 10]].astype(int)
    assert top < middle


@pytest.mark.parametrize("scale", [0.01, 0.5, 3, 300])
@pytest.mark.parametrize("shift", [(0, 0), (37.3, -400), (-20, 3000.5)])
def test_strokes_may_be_of_any_size_anywhere(scale: float, shift: tuple[float, float]) -> None:
    moved = [((np.array(stroke) + shift) * scale).tolist() for stroke in SEVEN]
    assert difference(strokes_to_image(moved), strokes_to_image(SEVEN)) < 0.5


def test_strokes_may_be_written_in_any_order_and_direction() -> None:
    backwards = [stroke[::-1] for stroke in SEVEN[::-1]]
    assert difference(strokes_to_image(backwards), strokes_to_image(SEVEN)) < 0.5


@pytest.mark.parametrize(
    "dot",
    [
        [[[100, 100]]],
        [[[0, 0]]],
        [[[-3.5, 8], [-3.5, 8]], [[-3.5, 8]]],
        [[[139.98, 140], [140.02, 140]]],  # what Fabric.js makes of a click
    ],
)
def test_dot_stays_a_dot(dot: list[list[list[float]]]) -> None:
    image = strokes_to_image(dot)
    assert image is not None
    assert extents(image) == (2, 2)
    assert (np.abs(centre_of_mass(image) - 14) <= 0.5).all()


def test_what_reaches_no_further_than_half_the_pen_is_a_dot() -> None:
    shaken = [[[140, 180], [141, 182], [140, 185]], [[138, 180]]]
    image = strokes_to_image(shaken, pen=18)
    assert image is not None
    assert extents(image) == (2, 2)
    assert max(extents(strokes_to_image(shaken))) == 20  # a small digit, for all that is known
    assert max(extents(strokes_to_image(shaken, pen=9))) == 20


@pytest.mark.parametrize("strokes", [[], [[]], [[], []], (), np.empty((0, 2, 2))])
def test_nothing_drawn_is_blank(strokes: list[list[list[float]]]) -> None:
    assert strokes_to_image(strokes) is None


def test_empty_strokes_beside_others_do_not_matter() -> None:
    assert difference(strokes_to_image([[], *SEVEN, []]), strokes_to_image(SEVEN)) == 0


@pytest.mark.parametrize(
    ("strokes", "sentence"),
    [
        (None, "Strokes must be a list"),
        ("7", "Strokes must be a list"),
        ({"strokes": []}, "Strokes must be a list"),
        ([3, 4], "Each stroke must be a list"),
        ([[1, 2]], "Each stroke must be a list"),
        ([[[1, 2, 3]]], "Each stroke must be a list"),
        ([[[1, 2], [3]]], "Each stroke must be a list"),
        ([[["1", "2"]]], "Each stroke must be a list"),
        ([[[None, 2]]], "Each stroke must be a list"),
        ([[[True, False]]], "Each stroke must be a list"),
        ([[[[1, 2]]]], "Each stroke must be a list"),
        ([[[10**30, 2]]], "Each stroke must be a list"),
        ([[[float("nan"), 2]]], "at most 1,000,000"),
        ([[[1, 2], [float("inf"), 2]]], "at most 1,000,000"),
        ([[[-(2**63), 2]]], "at most 1,000,000"),
        ([[[1e300, 2]]], "at most 1,000,000"),
        ([[[1, 2]] * 60_000] * 2, "at most 100000 points"),
    ],
)
def test_malformed_strokes_are_refused_in_a_sentence(strokes: object, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        strokes_to_image(strokes)  # type: ignore[arg-type]


@pytest.mark.parametrize(("strokes", "points"), [(1, 10_000), (300, 33)])
def test_long_drawings_are_inked_at_once(strokes: int, points: int) -> None:
    walk = np.random.default_rng(0).normal(size=(strokes, points, 2)).cumsum(axis=1).tolist()
    seconds = []
    for _ in range(5):
        start = time.process_time()
        assert_like_mnist(strokes_to_image(walk))
        seconds.append(time.process_time() - start)
    assert min(seconds) < 0.05
