"""When neighbours in a row are one digit, and where wide ink is cut, with given confidences."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mnist_core.config import TrainConfig
from mnist_core.models.architectures import build_model
from mnist_core.recognition import segmentation
from mnist_core.recognition.recognizer import Prediction
from mnist_core.recognition.segmentation import (
    Box,
    RowDigit,
    predict_pixels_row,
    predict_strokes_row,
    row_text,
)
from mnist_core.recognition.strokes import strokes_to_image
from tests.core.rows import ONE, SEVEN, moved


@pytest.fixture(scope="module")
def untrained():
    return build_model(TrainConfig(widths=(8,)))


NOTHING = np.zeros(10, np.float32)


def answer_with(monkeypatch, *rounds: list[float]) -> None:
    """Have each round of reading, first the parts and then neighbours as one, answer with confidences.

    A negative one is of what looks like no digit.
    """
    answers = iter(rounds)

    def read(model, images, calibration, several_views=True):
        sure = next(answers)
        return [
            Prediction(1, abs(sure[place % len(sure)]), NOTHING, image, sure[place % len(sure)] > 0)
            for place, image in enumerate(images)
        ]

    monkeypatch.setattr("mnist_core.recognition.segmentation.predict_all", read)


NARROW = [[[0, 0], [30, 0], [20, 100]]]


@pytest.mark.parametrize(
    ("digit", "right", "parts", "whole", "digits"),
    [
        (NARROW, 40, [0.5], 0.95, 1),  # near, narrow, read badly alone and well together
        (NARROW, 40, [0.97, 0.5], 0.95, 1),  # one of them read badly alone
        (NARROW, 40, [0.5], 0.6, 2),  # read badly together, too
        (NARROW, 40, [0.95], 0.99, 2),  # read well alone
        (SEVEN, 60, [0.5], 0.95, 2),  # wider than high together
        (ONE, 45, [0.5], 0.95, 2),  # far apart
    ],
)
def test_neighbours_are_one_where_that_is_likelier(digit, right, parts, whole, digits, monkeypatch):
    answer_with(monkeypatch, parts, [whole])
    assert len(predict_strokes_row(None, digit + moved(digit, right))) == digits


def test_neighbours_that_overlap_a_little_are_two(untrained):
    assert len(predict_strokes_row(untrained, SEVEN + moved(SEVEN, 46))) == 2


def test_high_neighbours_are_two_however_near(untrained):
    assert len(predict_strokes_row(untrained, ONE + moved(ONE, 12))) == 2


def test_a_small_stroke_belongs_to_the_digit_beside_it(untrained):
    dash = [[[0, 40], [8, 60]]]
    assert len(predict_strokes_row(untrained, ONE + moved(dash, 30))) == 1
    assert len(predict_strokes_row(untrained, ONE + moved(dash, 50))) == 2


def test_a_row_ends_after_fifty_digits(monkeypatch):
    answer_with(monkeypatch, *[[0.99]] * 2)
    ones = [stroke for place in range(60) for stroke in moved(ONE, 40 * place)]
    assert len(predict_strokes_row(None, ones)) == 50


def slanted(*lefts: int) -> np.ndarray:
    """A picture with a slanted stroke from each place on."""
    picture = Image.new("L", (110, 100))
    for left in lefts:
        ImageDraw.Draw(picture).line((left, 90, left + 30, 10), fill=255, width=6)
    return np.asarray(picture)


def test_a_digit_is_read_without_its_neighbours_ink(monkeypatch):
    answer_with(monkeypatch, *[[0.99]] * 3)
    first, second = predict_pixels_row(None, slanted(20, 45))
    (alone,) = predict_pixels_row(None, slanted(20))
    assert second.box.left < first.box.right
    np.testing.assert_array_equal(first.prediction.image, alone.prediction.image)


def zigzag(width: int, height: int = 60) -> np.ndarray:
    """A picture of one line that goes up and down from left to right."""
    picture = Image.new("L", (width + 40, height + 40))
    corners = [(20 + x, 20 + height * (x // 20 % 2)) for x in range(0, width + 1, 20)]
    ImageDraw.Draw(picture).line(corners, fill=255, width=5)
    return np.asarray(picture)


@pytest.mark.parametrize(
    ("width", "rounds", "cut"),
    [
        (100, [[0.5], [0.95], [0.99]], [True, True]),  # read badly, and well in two
        (100, [[0.5], [0.6]], [False]),  # in two even worse
        (100, [[0.95]], [False]),  # read well
        (40, [[0.5]], [False]),  # not wide
        (60, [[0.5], [0.95], [0.99]], [True, True]),  # as wide as high, and read badly
        (60, [[-0.95]], [False]),  # as wide as high, and only of odd looks
        (100, [[-0.95], [0.95], [0.99]], [True, True]),  # wider than that
    ],
)
def test_wide_ink_is_cut_where_that_reads_better(width, rounds, cut, monkeypatch):
    answer_with(monkeypatch, *rounds)
    row = predict_pixels_row(None, zigzag(width))
    assert [digit.cut for digit in row] == cut
    assert all(18 <= digit.box.left < digit.box.right <= width + 23 for digit in row)


def test_the_nearest_of_two_boxes_may_be_on_either_side():
    left, right = Box(0, 0, 40, 40), Box(60, 0, 100, 40)
    assert [segmentation._nearest(Box(at, 50, at + 2, 52), [left, right]) for at in (45, 52)] == [0, 1]


def two_lines(*digits, down=140):
    """Strokes of digits 100 high, the first two above the others, which begin `down` below them."""
    return [
        stroke
        for place, digit in enumerate(digits)
        for stroke in [
            [[x + 80 * (place % 2), y + down * (place // 2)] for x, y in stroke] for stroke in digit
        ]
    ]


def test_two_lines_are_read_one_after_the_other(untrained):
    drawn = two_lines(SEVEN, ONE, ONE, SEVEN)
    digits = predict_strokes_row(untrained, drawn[::-1])
    assert [(digit.line, digit.box.left, digit.box.top) for digit in digits] == [
        (0, 0, 0),
        (0, 100, 0),
        (1, 20, 140),
        (1, 80, 140),
    ]
    picture = Image.new("L", (200, 300))
    for stroke in drawn:
        ImageDraw.Draw(picture).line([(x + 30, y + 30) for x, y in stroke], fill=255, width=9)
    read = predict_pixels_row(untrained, np.asarray(picture))
    assert [digit.line for digit in read] == [0, 0, 1, 1]
    assert [round(digit.box.left, -1) for digit in read] == [30, 130, 50, 110]


@pytest.mark.parametrize(("down", "lines"), [(90, [0, 0, 1, 1]), (30, [0, 0])])
def test_lines_that_overlap_a_little_are_two(untrained, down, lines):
    digits = predict_strokes_row(untrained, two_lines(SEVEN, SEVEN, SEVEN, SEVEN, down=down))
    assert [digit.line for digit in digits] == lines


def test_a_row_that_climbs_is_one_line(untrained):
    climbing = [
        stroke for at in range(6) for stroke in [[[60 * at, -40 * at], [60 * at + 20, 100 - 40 * at]]]
    ]
    assert [digit.line for digit in predict_strokes_row(untrained, climbing)] == [0] * 6


@pytest.mark.parametrize(
    ("sure", "lines"),
    [
        ([0.95, 0.99, 0.99], 1),  # the whole reads well, as an 8 of two circles does
        ([0.5, 0.6, 0.6], 1),  # and here better than its parts
        ([0.5, 0.95, 0.95], 2),
        ([-0.99, 0.95, 0.95], 2),
    ],
)
def test_what_stands_in_one_column_is_one_digit_where_that_reads_well(sure, lines, monkeypatch):
    answer_with(monkeypatch, sure, *[[0.95]] * 2)
    circle = [[[30, 0], [0, 25], [30, 50], [60, 25], [30, 0]]]
    assert len(predict_strokes_row(None, [*circle, [[x, y + 60] for x, y in circle[0]]])) == lines


def row_of(*answers):
    """A row of digits with confidences, each in its line."""
    shares = np.zeros(10, np.float32)
    shares[[4, 9]] = 0.6, 0.4
    made = [
        Prediction(4, sure, shares, np.zeros((28, 28), np.uint8), is_digit) for sure, is_digit, _ in answers
    ]
    return [
        RowDigit(Box(0, 0, 1, 1), one, line=line) for one, (_, _, line) in zip(made, answers, strict=True)
    ]


def test_a_row_as_text_tells_the_three_kinds_of_answers_apart():
    assert row_text(row_of((0.99, True, 0), (0.2, False, 0))) == "4?"
    assert row_text(row_of((0.99, True, 0), (0.6, True, 0), (0.99, True, 0))) == "4 4/9 4"
    assert row_text(row_of((0.99, True, 0), (0.99, True, 0), (0.99, True, 1))) == "44, 4"
    words = [
        replace(one, prediction=replace(one.prediction, dataset="fashion-mnist"))
        for one in row_of((0.99, True, 0), (0.99, True, 0))
    ]
    assert row_text(words) == "coat coat"
    assert [digit.unsure for digit in row_of((0.99, True, 0), (0.6, True, 0), (0.99, False, 0))] == [
        False,
        True,
        True,
    ]


def test_a_shaken_click_of_a_row_is_a_dot(untrained):
    shaken = [[[5, 5], [8, 9]]]
    (dot,) = predict_strokes_row(untrained, shaken, pen=20.0)
    np.testing.assert_array_equal(dot.prediction.image, strokes_to_image([[[5, 5]]]))


def test_a_small_ring_of_a_thick_pen_is_not_cut(monkeypatch):
    answer_with(monkeypatch, [0.5], [0.95], [0.95])
    ring = [[[100, 100], [120, 100], [120, 110], [100, 110], [100, 100]]]
    assert len(predict_strokes_row(None, ring, pen=12.0)) == 1
    answer_with(monkeypatch, [0.5], [0.95], [0.95])
    assert len(predict_strokes_row(None, ring, pen=2.0)) == 2
