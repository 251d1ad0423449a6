import numpy as np
import pytest

from mnist_core.lessons.line_network import CORNERS, LineNetwork, says_inside, toy_points, train_lines


@pytest.fixture(scope="module")
def trainings(result_of):
    return result_of(train_lines())


def test_half_of_the_points_lie_inside_the_quadrilateral():
    points = toy_points()
    assert points.inside.mean() == 0.5
    corners = [(0, 1, 2), (0, 2, 3)]
    in_triangles = [any(_in_triangle(place, CORNERS[list(c)]) for c in corners) for place in points.places]
    assert in_triangles == points.inside.tolist()


def _in_triangle(place, corners):
    """Whether a place's barycentric coordinates are all positive."""
    shares = np.linalg.solve(np.vstack([corners.T, np.ones(3)]), [*place, 1])
    return bool((shares > 0).all())


def test_four_lines_and_an_and_make_the_quadrilateral_and_one_line_does_not(trainings):
    accuracies = {lines: training.accuracies[-1] for lines, training in trainings.items()}
    assert accuracies[4] >= 0.99
    assert accuracies[1] < 0.75
    assert accuracies[1] < accuracies[2] < accuracies[3] < accuracies[4]


def test_the_joining_neuron_of_four_lines_is_an_and_after_the_training(trainings):
    assert trainings[4].networks[-1].is_and


def test_the_shown_accuracy_is_that_of_the_shown_network(trainings):
    points = toy_points()
    for training in trainings.values():
        for network, accuracy in zip(training.networks, training.accuracies, strict=True):
            assert (says_inside(network, points.places) == points.inside).mean() == pytest.approx(accuracy)


def test_an_or_is_no_and():
    lines = np.ones((2, 2), np.float32), np.ones(2, np.float32), np.ones(2, np.float32)
    assert LineNetwork(*lines, -1.5).is_and
    assert not LineNetwork(*lines, -0.5).is_and
