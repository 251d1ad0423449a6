"""Cutting touching digits: the paths, and the choice of the parts."""

import numpy as np
import pytest
from scipy import ndimage

from mnist_core.recognition.images import Ink
from mnist_core.recognition.recognizer import Prediction
from mnist_core.recognition.touching_digits import (
    THROUGH,
    best_parts,
    best_parts_of_strokes,
    cutting_paths,
)


def slanted_blocks(height: int = 60) -> np.ndarray:
    """Two blocks with a slanted gap of 4 pixels between them, joined by a bridge of 5 rows."""
    rows, columns = np.mgrid[:height, : 2 * height]
    edge = height + (height // 2 - rows) // 4
    inked = (columns < edge - 2) | (columns >= edge + 2)
    inked[height // 2 : height // 2 + 5] = True
    return inked


def crossed(inked: np.ndarray, path: np.ndarray) -> int:
    return int(inked[np.arange(len(path)), path].sum())


@pytest.mark.parametrize("height", [20, 60, 200])
def test_a_path_follows_a_slanted_gap(height):
    inked = slanted_blocks(height)
    paths = cutting_paths(inked)
    assert paths.shape[1] == height
    assert ((paths > 0) & (paths < inked.shape[1])).all()
    assert min(crossed(inked, path) for path in paths) <= 5 + 0.1 * height  # the bridge; no block
    for path in paths:
        assert crossed(inked, path) <= (THROUGH + 0.1) * height


def test_no_path_goes_through_a_block():
    assert len(cutting_paths(np.ones((40, 80), bool))) == 0


def test_narrow_ink_has_no_paths():
    assert len(cutting_paths(np.ones((40, 5), bool))) == 0


def one_piece_reads_well(images):
    """Be sure of ink in one piece, and not of more."""
    counts = [ndimage.label(image > 60, np.ones((3, 3)))[1] for image in images]
    return [Prediction(1, 0.99 if n == 1 else 0.3, np.zeros(10, np.float32), np.zeros(1)) for n in counts]


def test_the_parts_that_read_best_are_chosen_of_all_ways():
    inked = np.zeros((40, 100), bool)
    for left in (0, 36, 72):
        inked[:, left : left + 8] = inked[16:24, left : left + 28] = True
    ink = Ink(inked * np.float32(200), inked)
    (whole,) = one_piece_reads_well([np.pad(inked * 200, 1)])
    parts = best_parts(ink, whole, one_piece_reads_well)
    assert [ndimage.find_objects(part.inked.astype(int))[0][1].start for part in parts] == [0, 36, 72]
    assert (sum(part.inked.astype(int) for part in parts) == inked).all()


def test_strokes_are_cut_where_they_cross_a_path():
    line = np.array([[0.0, 0.0], [0.0, 100.0], [40.0, 100.0], [110.0, 100.0], [110.0, 0.0]])  # one stroke

    def upright_reads_well(images):
        wide = [np.ptp(image.nonzero()[1]) > 16 for image in images]
        return [Prediction(1, 0.3 if w else 0.99, np.zeros(10, np.float32), np.zeros(1)) for w in wide]

    whole = Prediction(1, 0.3, np.zeros(10, np.float32), np.zeros(1))
    left, right = best_parts_of_strokes([line], whole, upright_reads_well)
    ends = np.concatenate(left)[:, 0].max(), np.concatenate(right)[:, 0].min()
    assert 0 < ends[0] < ends[1] < 110
    assert ends[1] - ends[0] < 4
    assert np.concatenate(left).min() == 0
    assert best_parts_of_strokes([line[:2][:, ::-1]], whole, upright_reads_well) == []  # a flat line


def test_ink_that_reads_better_as_a_whole_is_not_cut():
    inked = slanted_blocks()
    whole = Prediction(1, 0.995, np.zeros(10, np.float32), np.zeros(1))
    assert best_parts(Ink(inked * np.float32(200), inked), whole, one_piece_reads_well) == []
