"""Rows of digits: split from left to right, read one by one, with their boxes."""

import time

import numpy as np
import pytest

from benchmarks.digit_rows import compose_row, compose_touching, rows_table
from mnist_core.config import TrainConfig
from mnist_core.data.mnist import open_mnist
from mnist_core.messages import InputError
from mnist_core.models.architectures import build_model
from mnist_core.recognition.images import place_ink
from mnist_core.recognition.preprocessing_steps import picture_steps
from mnist_core.recognition.segmentation import predict_pixels_row, predict_strokes_row
from mnist_core.recognition.strokes import strokes_to_image
from mnist_core.runs.store import RunStore
from tests.core.rows import ONE, SEVEN, moved

FIVE = [[[10, 4], [6, 46], [36, 40], [54, 66], [34, 100], [0, 90]], [[12, 2], [60, 0]]]  # bar apart
ZERO = [[[30, 0], [6, 28], [4, 62], [26, 99], [52, 84], [60, 46], [48, 10], [30, 0]]]


@pytest.fixture(scope="module")
def untrained():
    return build_model(TrainConfig(widths=(8,)))


@pytest.fixture(scope="module")
def pretrained():
    run = RunStore().get("pretrained")
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
        np.testing.assert_array_equal(strokes_to_image(digit.strokes), strokes_to_image(alone))


def test_a_stroke_straight_down_belongs_to_the_one_it_crosses(untrained):
    four = [[[6, 0], [0, 60], [60, 60]], [[45, 20], [45, 100]]]
    row = predict_strokes_row(untrained, four + moved(ONE, 80) + moved(four, 150))
    assert [digit.box for digit in row] == [(0, 0, 60, 100), (100, 0, 100, 100), (150, 0, 210, 100)]


def test_an_open_four_whose_stem_stands_apart_is_one_digit(pretrained):
    four = [[[6, 0], [0, 55], [40, 55]], [[50, 0], [50, 100]]]
    drawn = moved(ONE, -20) + moved(four, 60) + moved(ONE, 130)
    row = predict_strokes_row(*pretrained[:1], drawn, pretrained[1])
    assert [digit.prediction.label for digit in row] == [1, 4, 1]
    assert row[1].box == (60, 0, 110, 100)
    assert [stroke[0].tolist() for stroke in row[1].strokes] == [[66, 0], [110, 0]]
    assert [
        digit.prediction.label for digit in predict_strokes_row(*pretrained[:1], ONE + moved(ONE, 40))
    ] == [
        1,
        1,
    ]


def test_strokes_are_read_one_by_one(pretrained):
    drawn = ZERO + moved(SEVEN, 90) + moved(FIVE, 170) + moved(ONE, 240)
    row = predict_strokes_row(*pretrained[:1], drawn, pretrained[1])
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


def test_touching_digits_are_cut(pretrained, mnist_directory):
    test = open_mnist(mnist_directory).test
    right = cut = 0
    for place in range(10, 20, 2):  # pairs whose ink touches
        touching = compose_touching(test.images[[place, place + 20]])
        row = predict_pixels_row(*pretrained[:1], touching, pretrained[1])
        right += len(row) == 2
        if len(row) == 1:
            continue
        assert all(digit.box.left < digit.box.right for digit in row)
        cut += all(digit.cut for digit in row)
        for digit in row:
            np.testing.assert_array_equal(place_ink(*digit.ink), digit.prediction.image)
            np.testing.assert_array_equal(
                picture_steps(touching, digit.ink)[-1].image, digit.prediction.image
            )
    assert right >= 4
    assert cut >= 3


def test_rows_of_mnist_are_read(pretrained, mnist_directory):
    test = open_mnist(mnist_directory).test
    row = compose_row(test.images[:6], np.random.default_rng(0))
    for picture in (row, 255 - row, row.repeat(5, 0).repeat(5, 1)):
        digits = predict_pixels_row(*pretrained[:1], picture, pretrained[1])
        assert [digit.prediction.label for digit in digits] == test.labels[:6].tolist()
        assert [digit.unsure for digit in digits] == [False] * 6


def test_a_bold_digit_is_not_cut_through_its_ink(pretrained, mnist_directory):
    train = open_mnist(mnist_directory).train
    bold = 59_353  # a 0 of a very broad pen
    row = compose_row(train.images[[58_000, bold]], np.random.default_rng(0))
    read = [digit.prediction.label for digit in predict_pixels_row(*pretrained[:1], row, pretrained[1])]
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
    monkeypatch.setattr("benchmarks.digit_rows.ROWS", 5)
    monkeypatch.setattr("benchmarks.digit_rows.PAIRS", 2)
    table = rows_table(untrained, None, batch)
    assert "of 5 rows |" in table
    assert "% of 2 |" in table
