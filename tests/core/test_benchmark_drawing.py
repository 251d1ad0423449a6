"""What `python -m benchmarks.drawing` draws, and how it counts."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from benchmarks import drawing, left_out_writers, synthetic_forms
from benchmarks.degraded_pictures import DEGRADATIONS, picture_of
from benchmarks.own_digits import Reading, contact_sheet, load_own_digits, own_digits_table, own_rows_table
from benchmarks.pen_digits import SIDE, draw_all
from mnist_core.config import TrainConfig
from mnist_core.messages import InputError
from mnist_core.models.architectures import build_model
from mnist_core.recognition import images
from mnist_core.recognition.images import pixels_to_image
from mnist_core.recognition.recognizer import Prediction
from mnist_core.recognition.segmentation import predict_pixels_row
from mnist_core.synthetic.glyphs import DIGIT_GLYPHS
from mnist_core.synthetic.non_digit_glyphs import SHAPE_GLYPHS
from tests.core.sevens import canvas, difference

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
    table = drawing.moved_table(build_model(TrainConfig(widths=(8,))), None, batch[:12])
    assert "| centre of mass back within a pixel | 100.00% |" in table


@pytest.mark.parametrize("kind", DEGRADATIONS)
def test_a_digit_in_each_kind_of_picture_becomes_nearly_what_it_was(batch, kind):
    random = np.random.default_rng(0)
    image = batch.images[0]
    for _ in range(2):
        seen = pixels_to_image(picture_of(image, DEGRADATIONS[kind], random))
        clean = pixels_to_image(picture_of(image, lambda sheet, random: sheet, random))
        assert difference(seen, clean) < 30  # at two sizes


@pytest.fixture
def own_digits(tmp_path):
    """Five pictures by two writers: three digits, a letter and a row."""
    labels = {"scans/a/0.png": 7, "scans/b/1.png": 3, "pictures/x/2.png": 7, "pictures/x/3.png": "greek"}
    for name in [*labels, "pictures/x/4.png"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(canvas()).save(tmp_path / name)
    lines = "".join(f"{name}\t{label}\n" for name, label in labels.items())
    (tmp_path / "labels.tsv").write_text(f"file\tlabel\n{lines}pictures/x/4.png\trow:7\n")
    return tmp_path


def test_scans_and_pictures_are_counted_by_writer_and_digit_and_errors_are_drawn(own_digits):
    digits, probabilities = load_own_digits(own_digits), np.full(10, 0.1 / 9, np.float32)
    probabilities[7] = 0.9
    readings = [
        Reading(digit, Prediction(7, 0.9, probabilities, digit.image, is_digit))
        for digit, is_digit in zip(digits, (True, True, False, True), strict=True)
    ]
    table = own_digits_table(readings)
    for line in (
        "| scans | 2 | 50.0% | 50.0% | 0.0% |",
        "| the worst writer, b | 1 | 0.0% | 0.0% | 0.0% |",
        "| pictures | 1 | 100.0% | 0.0% | 100.0% |",
        "| no digits | 1 |  |  | 0.0% |",
        "| 7 | 2 | 100.0% | 50.0% | 50.0% |",
        "Expected calibration error: 40.00% of the scans, 10.00% of pictures of digits.",
    ):
        assert line in table
    assert contact_sheet(readings[:1]).height == contact_sheet(readings).height  # up to eight a line
    assert (
        contact_sheet(readings * 3).height == 2 * contact_sheet(readings).height
    )  # of which nine are errors
    assert len(set(contact_sheet(readings).get_flattened_data())) > 2


def test_pictures_of_rows_are_read(own_digits):
    model = build_model(TrainConfig())
    label = predict_pixels_row(model, canvas())[0].prediction.label
    shown = "1 of 1" if label == 7 else "0 of 1"
    assert f"read right: {shown}" in own_rows_table(model, None, own_digits)


def said(*answers):
    """Readings: a digit, or one with a minus that is refused."""
    one = np.full((28, 28), 255, np.uint8)
    return [Prediction(abs(answer), 1.0, np.eye(10)[abs(answer)], one, answer > 0) for answer in answers]


def test_the_forms_of_a_digit_are_counted_one_by_one(monkeypatch):
    read = iter([said(7, 1, 1), said(7, 7, -7)])
    monkeypatch.setattr(synthetic_forms, "DIGIT_GLYPHS", {7: DIGIT_GLYPHS[7][:2]})
    monkeypatch.setattr(synthetic_forms, "predict_all", lambda *_: next(read))
    table = synthetic_forms.digit_forms_table(None, None, few=2, each=3)
    row = "| 7, 2 forms | 6 | 66.7% | 50.0% | 16.7% | form 1 33%, form 2 67% |"
    assert table.splitlines()[-1] == row


def test_forms_of_what_is_no_digit_are_counted_one_by_one(monkeypatch):
    read = iter([said(-7, -7), said(-7, 7), said(-1, 2, 2, -1)])
    kinds = {"shapes": {"plus": SHAPE_GLYPHS["plus"], "star": SHAPE_GLYPHS["star"]}}
    monkeypatch.setattr(synthetic_forms, "KINDS_OF_GLYPHS", kinds)
    monkeypatch.setattr(synthetic_forms, "NON_DIGITS", ("shapes", "scribbles"))
    monkeypatch.setattr(synthetic_forms, "predict_all", lambda *_, several_views: next(read))
    table = synthetic_forms.non_digit_forms_table(None, None, few=1, images=4)
    assert table.splitlines()[-2:] == ["| shapes | 4 | 75.0% | star 50% |", "| scribbles | 4 | 50.0% |  |"]


def test_a_writer_is_read_with_the_values_that_the_other_writers_chose(monkeypatch):
    """Writer b is read better with another edge, a is not: so a is read with it, and b as shipped."""
    setting = left_out_writers.Setting(images, "EDGE", (0.2, 0.3))
    monkeypatch.setattr(left_out_writers, "SETTINGS", (setting,))
    answers = {(images.EDGE,): (1, 1, 0, 0), (0.2,): (0, 1, 1, 1), (0.3,): (0, 0, 1, 0)}
    scans = SimpleNamespace(
        labels=np.zeros(4), writers=np.array(list("aabb")), good=lambda values: np.array(answers[values]) > 0
    )
    table = left_out_writers.left_out_table(scans)
    assert "| a | 2 | EDGE 0.2 | 50.0% | 100.0% |" in table
    assert "| b | 2 | none | 0.0% | 0.0% |" in table
    assert "25.0% with what the other writers chose (worst writer 0.0%),\n50.0% as shipped" in table
    assert "Settings: 1, other values: 2" in table


def test_scans_are_read_anew_with_each_value(own_digits, monkeypatch):
    scans = left_out_writers.Scans(build_model(TrainConfig(widths=(8,))), None, own_digits)
    assert scans.writers.tolist() == ["a", "b"]
    seen = []
    monkeypatch.setattr(left_out_writers.images, "pixels_to_image", lambda _: seen.append(images.EDGE))
    shipped = left_out_writers.shipped_values()
    for values in (shipped, (0.2, *shipped[1:]), shipped):
        assert not scans.good(values).any()  # all blank
    assert seen == [shipped[0]] * 2 + [0.2] * 2
