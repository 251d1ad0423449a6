import numpy as np
import pytest

from mnist_core.messages import InputError
from mnist_core.own_data.own_images import OwnImages
from mnist_core.own_data.parts import draw_parts


def own(labels: np.ndarray, writers: np.ndarray | None = None) -> OwnImages:
    classes = tuple(str(number) for number in range(labels.max() + 1))
    return OwnImages(np.zeros((len(labels), 28, 28), np.uint8), labels, classes, writers)


def test_each_class_has_its_share_in_each_part():
    labels = np.random.default_rng(0).permutation(np.repeat([0, 1, 2], [200, 40, 3]))
    parts = draw_parts(own(labels), seed=1, validation=0.1, test=0.2)
    assert sorted(np.concatenate(parts).tolist()) == list(range(243))
    counts = [np.bincount(labels[part]).tolist() for part in parts]
    assert counts == [[140, 28, 1], [20, 4, 1], [40, 8, 1]]
    assert len(set(labels[parts.train][:12].tolist())) > 1  # in random order: its beginning is a fair sample
    again = draw_parts(own(labels), seed=1, validation=0.1, test=0.2)
    other = draw_parts(own(labels), seed=2, validation=0.1, test=0.2)
    assert all(np.array_equal(first, second) for first, second in zip(parts, again, strict=True))
    assert not np.array_equal(parts.test, other.test)


@pytest.mark.parametrize("seed", range(5))
def test_no_writer_is_in_two_parts(seed: int):
    random = np.random.default_rng(seed)
    labels, writers = np.arange(400) % 4, random.integers(0, 12, 400)
    parts = draw_parts(own(labels, writers), seed, by_writer=True)
    assert sorted(np.concatenate(parts).tolist()) == list(range(400))
    who = [set(writers[part].tolist()) for part in parts]
    assert [len(each) for each in who] == [8, 2, 2]
    assert len(set.union(*who)) == 12
    again = draw_parts(own(labels, writers), seed, by_writer=True)
    assert all(np.array_equal(first, second) for first, second in zip(parts, again, strict=True))


def test_training_has_all_classes_if_any_division_of_the_writers_allows_it():
    labels, writers = np.array([0, 0, 0, 1, 1, 1, 0, 0, 1, 1]), np.array([0, 0, 1, 2, 2, 3, 4, 4, 4, 4])
    for seed in range(5):
        parts = draw_parts(own(labels, writers), seed, by_writer=True)
        assert set(labels[parts.train].tolist()) == {0, 1}


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ([0, 0, 0, 0], "All images have the label 0"),
        ([0, 1, 2], "Too few images of 0, 1, 2: each class needs 3"),
        ([0, 0, 0, 1, 1], "Too few images of 1: each class needs 3"),
        (list(range(63)) * 3, "There are 63 different labels, and 62 are allowed"),
    ],
)
def test_classes_that_cannot_be_divided(labels: list[int], words: str):
    with pytest.raises(InputError, match=words):
        draw_parts(own(np.array(labels)))


def test_writers_and_shares_that_cannot_be_divided():
    labels = np.array([0, 0, 0, 1, 1, 1])
    for writers in (None, np.array([0, 1, 0, 1, 0, 1])):
        with pytest.raises(InputError, match="a division by writer needs 3"):
            draw_parts(own(labels, writers), by_writer=True)
    with pytest.raises(InputError, match="a class is missing from training"):
        draw_parts(own(labels, np.array([0, 0, 0, 1, 1, 2])), by_writer=True)
    with pytest.raises(InputError, match="up to 30% of the images, not 50%"):
        draw_parts(own(labels), test=0.5)
