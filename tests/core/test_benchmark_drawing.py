"""What `python -m benchmarks.drawing` draws, and how it counts."""

import json

import numpy as np
import pytest

from benchmarks import drawing
from benchmarks.pen_digits import SIDE, draw_all
from mnist_core.config import TrainConfig
from mnist_core.messages import InputError
from mnist_core.models.architectures import build_model

SEVEN = [[[40, 30], [160, 30], [90, 230]], [[70, 130], [140, 120]]]


@pytest.fixture
def drawings(tmp_path):
    file = tmp_path / "digits.jsonl"
    file.write_text("".join(json.dumps({"label": 7, "strokes": SEVEN}) + "\n" for _ in range(40)))
    return list(draw_all(file))


def test_digits_are_drawn_at_every_size_and_place_with_all_their_ink(drawings):
    sides, lefts = [], []
    for drawn in drawings:
        rows, columns = (np.flatnonzero(drawn.pixels.any(axis=axis)) for axis in (1, 0))
        sides.append(max(np.ptp(rows), np.ptp(columns)) + 1)
        lefts.append(columns[0])
        middle = np.rint(np.concatenate([np.array(stroke) for stroke in drawn.strokes])).astype(int)
        assert (drawn.pixels[middle[:, 1], middle[:, 0]] > 200).all()  # strokes and pixels are the same
    assert 0.28 * SIDE < min(sides) < 0.4 * SIDE
    assert 0.8 * SIDE < max(sides) < 0.92 * SIDE
    assert np.std(lefts) > 20


def test_the_same_seed_draws_the_same(drawings, tmp_path):
    again = list(draw_all(tmp_path / "digits.jsonl"))
    assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(drawings, again, strict=True))


@pytest.mark.parametrize(("line", "sentence"), [("{}", "has neither"), ('{"strokes": []}', "no label")])
def test_unlabelled_strokes_are_refused(tmp_path, line, sentence):
    (tmp_path / "digits.jsonl").write_text(line)
    with pytest.raises(InputError, match=sentence):
        list(draw_all(tmp_path / "digits.jsonl"))
    with pytest.raises(InputError, match="There is no"):
        list(draw_all(tmp_path / "none.jsonl"))


def test_pen_table_counts_each_way(drawings, monkeypatch):
    read = iter([[7] * 40, [1] * 40, [7] * 39 + [-1], [7] * 38 + [1, 2]])
    monkeypatch.setattr(drawing, "read", lambda *_: np.array(next(read)))
    table = drawing.pen_table(build_model(TrainConfig()), None, drawings)
    rights = [line.split("|")[2].strip() for line in table.splitlines()[2:6]]
    assert rights == ["100.0%", "0.0%", "97.5%", "95.0%"]
    assert "| **7** | | 1 | 1 | | | | | 38 | | |".replace(" | |", " |  |").replace(" | |", " |  |") in table


def test_pictures_of_images_come_back(batch):
    table = drawing.moved_table(build_model(TrainConfig()), None, batch)
    assert "| centre of mass back within a pixel | 100.00% |" in table
