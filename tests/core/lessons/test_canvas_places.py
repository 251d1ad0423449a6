"""A drawing's size and place on the canvas: preprocessing removes their effect."""

from itertools import product

import numpy as np
import pytest

from mnist_core.lessons.canvas_places import (
    EXAMPLE,
    EXAMPLE_DIGIT,
    PLACES,
    SIZES,
    agreeing,
    placed,
    read_all_places,
)
from mnist_core.runs.store import RunStore

SIDE, PEN = 280, 18


@pytest.mark.parametrize(("size", "place"), [*product(SIZES, PLACES)])
def test_a_drawing_has_its_size_and_stays_on_the_canvas(size, place):
    points = np.concatenate([np.asarray(stroke) for stroke in placed(EXAMPLE, size, place, SIDE, PEN)])
    assert np.ptp(points, axis=0).max() == pytest.approx(SIZES[size] * (SIDE - PEN))
    assert points.min() >= PEN / 2 - 1e-9
    assert points.max() <= SIDE - PEN / 2 + 1e-9
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    assert (np.sign(np.round(middle - SIDE / 2, 6)) == np.sign(np.array(PLACES[place]) - 0.5)).all()


def test_one_point_is_moved_too():
    assert placed([[(3, 4)]], "small", "bottom_right", SIDE, PEN) == [[[271.0, 271.0]]]


def test_preprocessing_makes_the_image_the_same_wherever_it_was_drawn(tmp_path):
    run = RunStore(tmp_path).get("pretrained")
    drawings = read_all_places(run.load_model(), EXAMPLE, SIDE, PEN, run.load_calibration())
    first = drawings["large", "middle"].steps[-1].image
    for drawing in drawings.values():
        difference = np.abs(drawing.steps[-1].image.astype(int) - first)
        assert difference.mean() < 3
    counts = agreeing(drawings, EXAMPLE_DIGIT)
    assert counts[0] < counts[-1] == len(drawings) == 12
