"""The preprocessing steps from a drawing to 28 x 28, and perturbations of a digit by growing amounts."""

import numpy as np
import pytest

from mnist_core.evaluation.perturbations import PERTURBATIONS, perturb
from mnist_core.recognition.images import pixels_to_image
from mnist_core.recognition.preprocessing_steps import ink_on_canvas, picture_steps, stroke_steps
from mnist_core.recognition.strokes import strokes_to_image

SEVEN = [[[20, 20], [60, 20], [35, 90]]]  # in the upper left of the canvas


def centre(image):
    grey = image.astype(float)
    return np.array([grey.sum(axis=1) @ np.arange(28), grey.sum(axis=0) @ np.arange(28)]) / grey.sum()


def ink_sides(image):
    return [int(np.ptp(axis)) + 1 for axis in image.nonzero()]


def test_the_steps_of_strokes_end_with_what_the_network_gets():
    steps = stroke_steps(SEVEN, side=280, pen=18)
    canvas, cropped, boxed, centred = (step.image for step in steps)
    assert [step.image.shape for step in steps] == [(28, 28)] * 4
    assert centre(canvas).max() < 8  # where it was drawn
    assert max(ink_sides(cropped)) == 28
    assert max(ink_sides(boxed)) == 20
    rows, columns = (axis.min() + axis.max() + 1 for axis in boxed.nonzero())
    assert abs(rows - 28) <= 1
    assert abs(columns - 28) <= 1
    np.testing.assert_array_equal(centred, strokes_to_image(SEVEN))
    assert np.abs(centre(centred) - 14).max() <= 0.5
    assert np.abs(centre(boxed) - 14).max() > 0.5  # or the last step would have nothing to do


def test_the_steps_of_a_picture_start_from_the_picture_itself():
    pixels = np.full((120, 90, 3), 240, np.uint8)
    pixels[20:100, 40:50] = 30
    steps = picture_steps(pixels)
    assert len(steps) == 5
    assert steps[0].image[0, 0] == 240  # paper is light there still
    assert steps[1].image[0, 0] == 0
    np.testing.assert_array_equal(steps[-1].image, pixels_to_image(pixels))


def test_a_blank_has_no_steps():
    assert stroke_steps([], 280, 18) == []
    assert picture_steps(np.zeros((50, 50), np.uint8)) == []


def test_what_was_drawn_outside_the_canvas_has_steps_too():
    steps = stroke_steps([[[400, 400], [500, 600]]], side=280, pen=18)
    assert not steps[0].image.any()
    assert steps[-1].image.any()


def test_a_pen_inks_as_wide_as_it_is():
    canvas = ink_on_canvas([[[50, 140], [230, 140]]], pen=20, side=280)
    assert (canvas[:, 140] > 127).sum() == pytest.approx(20, abs=1)


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_each_change_leaves_the_digit_alone_at_0_and_not_elsewhere(name):
    image, amounts = strokes_to_image(SEVEN), PERTURBATIONS[name].amounts
    images = perturb(image, name, PERTURBATIONS[name].amounts)
    assert images.shape == (len(amounts), 28, 28)
    assert images.dtype == np.uint8
    for amount, changed in zip(amounts, images, strict=True):
        assert np.array_equal(changed, image) == (amount == 0)


def test_changes_go_the_way_they_say():
    image = strokes_to_image(SEVEN)
    right, left = perturb(image, "move", np.array([3.0, -3.0]))
    assert centre(right)[1] == pytest.approx(centre(image)[1] + 3)
    assert centre(left)[1] == pytest.approx(centre(image)[1] - 3)
    thick = perturb(image, "thicken", PERTURBATIONS["thicken"].amounts).sum(axis=(1, 2), dtype=int)
    assert (np.diff(thick) > 0).all()
    bar = np.zeros((28, 28), np.uint8)
    bar[4:14, 13:15] = 255  # above the middle
    right, left = perturb(bar, "turn", np.array([90.0, -90.0]))
    assert centre(right)[1] > 16
    assert centre(left)[1] < 11
