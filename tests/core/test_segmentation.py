"""Rows of digits: split from left to right, read one by one, with their boxes."""

import time

import numpy as np
import pytest
from PIL import Image, ImageDraw

from benchmarks.rows import rows_table, set_in_row
from mnist_core.architectures import build_model
from mnist_core.config import TrainConfig
from mnist_core.data import open_mnist
from mnist_core.messages import InputError
from mnist_core.reading.drawing import strokes_to_image
from mnist_core.reading.recognition import Prediction
from mnist_core.reading.segmentation import predict_pixels_row, predict_strokes_row, strokes_within
from mnist_core.runs.store import RunStore

ONE = [[[20, 0], [20, 100]]]
SEVEN = [[[0, 0], [50, 0], [20, 100]], [[12, 52], [50, 50]]]  # crossed
FIVE = [[[10, 4], [6, 46], [36, 40], [54, 66], [34, 100], [0, 90]], [[12, 2], [60, 0]]]  # bar apart
ZERO = [[[30, 0], [6, 28], [4, 62], [26, 99], [52, 84], [60, 46], [48, 10], [30, 0]]]


def moved(strokes, right):
    return [[[x + right, y] for x, y in stroke] for stroke in strokes]


@pytest.fixture(scope="module")
def untrained():
    return build_model(TrainConfig(widths=(8,)))


@pytest.fixture(scope="module")
def shipped():
    run = RunStore().get("shipped")
    return run.load_model(), run.load_calibration()


def test_strokes_that_lie_over_one_another_are_one_digit(untrained):
    drawn = moved(FIVE, 170) + moved(ONE, 80) + SEVEN + moved(ONE, 120)  # in no order
    row = predict_strokes_row(untrained, drawn)
    assert [digit.box for digit in row] == [
        (0, 0, 50, 100),
        (100, 0, 100, 100),
        (140, 0, 140, 100),
        (170, 0, 230, 100),
    ]
    for digit, alone in zip(row, (SEVEN, ONE, ONE, FIVE), strict=True):
        np.testing.assert_array_equal(digit.prediction.image, strokes_to_image(alone))


def test_a_stroke_straight_down_belongs_to_the_one_it_crosses(untrained):
    four = [[[6, 0], [0, 60], [60, 60]], [[45, 20], [45, 100]]]
    row = predict_strokes_row(untrained, four + moved(ONE, 80) + moved(four, 150))
    assert [digit.box for digit in row] == [(0, 0, 60, 100), (100, 0, 100, 100), (150, 0, 210, 100)]


def test_an_open_four_whose_stem_stands_apart_is_one_digit(shipped):
    four = [[[6, 0], [0, 55], [40, 55]], [[50, 0], [50, 100]]]
    drawn = moved(ONE, -20) + moved(four, 60) + moved(ONE, 130)
    row = predict_strokes_row(*shipped[:1], drawn, shipped[1])
    assert [digit.prediction.label for digit in row] == [1, 4, 1]
    assert row[1].box == (60, 0, 110, 100)
    assert [stroke[0].tolist() for stroke in strokes_within(drawn, row[1].box)] == [[66, 0], [110, 0]]
    assert [digit.prediction.label for digit in predict_strokes_row(*shipped[:1], ONE + moved(ONE, 40))] == [
        1,
        1,
    ]


def test_strokes_are_read_one_by_one(shipped):
    drawn = ZERO + moved(SEVEN, 90) + moved(FIVE, 170) + moved(ONE, 240)
    row = predict_strokes_row(*shipped[:1], drawn, shipped[1])
    assert [digit.prediction.label for digit in row] == [0, 7, 5, 1]


@pytest.mark.parametrize("strokes", [[], [[]]])
def test_nothing_drawn_is_no_row(untrained, strokes):
    assert predict_strokes_row(untrained, strokes) == []
    assert predict_pixels_row(untrained, np.zeros((40, 90), np.uint8)) == []


def test_malformed_strokes_are_refused(untrained):
    with pytest.raises(InputError, match="two numbers"):
        predict_strokes_row(untrained, [[[1, 2, 3]]])


def test_a_wild_drawing_is_read_at_once(untrained):
    walk = np.random.default_rng(0).normal(size=(300, 33, 2)).cumsum(axis=1)
    walk += np.random.default_rng(1).uniform(-3000, 3000, (300, 1, 2))
    start = time.process_time()
    assert 1 <= len(predict_strokes_row(untrained, walk.tolist())) <= 50
    assert len(predict_strokes_row(untrained, [[[5, 5]]])) == 1
    assert time.process_time() - start < 3


@pytest.mark.parametrize("factor", [1, 6, 60])
def test_boxes_are_in_the_pictures_own_pixels(untrained, batch, factor):
    row = (
        np.pad(np.concatenate([batch.images[0], batch.images[1]], axis=1), 5)
        .repeat(factor, 0)
        .repeat(factor, 1)
    )
    boxes = [digit.box for digit in predict_pixels_row(untrained, row)]
    inked = [np.flatnonzero(row[:, half].any(axis=0)) for half in np.array_split(np.arange(row.shape[1]), 2)]
    lefts = [inked[0][0], row.shape[1] // 2 + inked[1][0]]
    assert len(boxes) == 2
    for box, left in zip(boxes, lefts, strict=True):
        assert abs(box.left - left) <= 2 * factor
        assert box.right <= row.shape[1]


def test_touching_digits_are_cut_and_unsure(shipped, mnist_directory):
    test = open_mnist(mnist_directory).test
    right = 0
    for first, second in zip(test.images[:20], test.images[20:40], strict=True):
        pair = [image[:, np.flatnonzero(image.max(axis=0) > 60)] for image in (first, second)]
        touching = np.pad(np.concatenate(pair, axis=1), 8)
        row = predict_pixels_row(*shipped[:1], touching, shipped[1])
        right += len(row) == 2
        if len(row) == 1:
            continue
        assert all(digit.box.left < digit.box.right for digit in row)
    assert right >= 14


def test_rows_of_mnist_are_read(shipped, mnist_directory):
    test = open_mnist(mnist_directory).test
    row = set_in_row(test.images[:6], np.random.default_rng(0))
    for picture in (row, 255 - row, row.repeat(5, 0).repeat(5, 1)):
        digits = predict_pixels_row(*shipped[:1], picture, shipped[1])
        assert [digit.prediction.label for digit in digits] == test.labels[:6].tolist()
        assert [digit.unsure for digit in digits] == [False] * 6


def test_a_bold_digit_is_not_cut_through_its_ink(shipped, mnist_directory):
    train = open_mnist(mnist_directory).train
    bold = 59_353  # a 0 of a very broad pen
    row = set_in_row(train.images[[58_000, bold]], np.random.default_rng(0))
    read = [digit.prediction.label for digit in predict_pixels_row(*shipped[:1], row, shipped[1])]
    assert read == train.labels[[58_000, bold]].tolist()


def test_a_speck_beside_a_row_is_dirt(untrained, batch):
    row = np.pad(np.concatenate([batch.images[0], batch.images[1]], axis=1), ((5, 5), (5, 40)))
    clean = [digit.box for digit in predict_pixels_row(untrained, row)]
    row[30:33, -8:-6] = 255
    assert [digit.box for digit in predict_pixels_row(untrained, row)] == clean
    alone = np.zeros_like(row)
    alone[30:33, -8:-6] = 255
    assert len(predict_pixels_row(untrained, alone)) == 1  # nothing larger to measure it by


def test_the_rows_table_counts(untrained, batch, monkeypatch):
    monkeypatch.setattr("benchmarks.rows.ROWS", 5)
    assert "of 5 rows |" in rows_table(untrained, None, batch)


def answer_with(monkeypatch, *rounds: list[float]) -> None:
    """Have each round of reading, first the parts and then neighbours as one, answer with confidences."""
    answers = iter(rounds)

    def read(model, images, calibration):
        sure = next(answers)
        return [
            Prediction(1, sure[place % len(sure)], np.zeros(10, np.float32), image)
            for place, image in enumerate(images)
        ]

    monkeypatch.setattr("mnist_core.reading.segmentation.predict_all", read)


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
