from pathlib import Path

import numpy as np
import pytest

from mnist_core.data.label_errors import LABEL_ERRORS
from mnist_core.data.mnist import open_mnist

MNIST = Path(__file__).resolve().parents[4] / "shared" / "mnist"
PEOPLE = 5


def test_each_was_judged_by_five_people_of_whom_a_minority_chose_the_label():
    for doubtful in LABEL_ERRORS:
        assert doubtful.for_label + doubtful.for_guess + doubtful.for_neither == PEOPLE
        assert doubtful.for_label < PEOPLE / 2
        assert doubtful.guess != doubtful.label


@pytest.mark.skipif(not MNIST.exists(), reason="needs the real MNIST in ../shared/mnist")
def test_the_labels_are_those_of_mnists_test_set():
    labels = open_mnist(MNIST).test.labels
    indices = [doubtful.number for doubtful in LABEL_ERRORS]
    assert len(set(indices)) == len(indices)
    assert (labels[indices] == np.array([doubtful.label for doubtful in LABEL_ERRORS])).all()
