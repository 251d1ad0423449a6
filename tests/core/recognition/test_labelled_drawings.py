"""Lines of a sheet of labelled drawings: strokes or pixels, with their labels."""

import json

import numpy as np
import pytest

from mnist_core.messages import InputError
from mnist_core.recognition.labelled_drawings import LabelledDrawing, read_labelled_drawing, sheet_lines
from mnist_core.recognition.strokes import strokes_to_image

SEVEN = [[[40.0, 30.0], [160.0, 30.0], [90.0, 230.0]]]
ROWS = strokes_to_image(SEVEN).tolist()


def test_a_line_of_strokes_gives_their_image_and_label():
    entry = read_labelled_drawing(json.dumps({"strokes": SEVEN, "label": 7}), 1)
    assert (entry.strokes, entry.label) == (SEVEN, 7)
    np.testing.assert_array_equal(entry.image, strokes_to_image(SEVEN))
    assert read_labelled_drawing('{"strokes": [], "label": 0}', 1).label == 0
    unsaid = read_labelled_drawing('{"label": null, "strokes": [[[1, 2]]], "writer": 3}', 1)
    assert (unsaid.strokes, unsaid.label) == ([[[1, 2]]], None)


def test_a_line_of_pixels_gives_them_as_they_are():
    entry = read_labelled_drawing(json.dumps({"pixels": ROWS, "label": 7}), 1)
    assert entry.image.dtype == np.uint8
    assert entry.image.tolist() == ROWS
    assert (entry.strokes, entry.label) == (None, 7)


FRACTIONS = (np.array(ROWS) / 255).round(4).tolist()


@pytest.mark.parametrize(
    "pixels",
    [
        np.ravel(ROWS).tolist(),
        FRACTIONS,
        np.ravel(FRACTIONS).tolist(),
        [ROWS],
        np.array(ROWS, float).tolist(),
    ],
)
def test_pixels_in_one_list_or_as_fractions_are_read_too(pixels):
    assert read_labelled_drawing(json.dumps({"pixels": pixels, "label": 7}), 1).image.tolist() == ROWS


def test_pixels_of_0_and_1_are_paper_and_ink():
    ink = (np.array(ROWS) > 127).astype(int)
    image = read_labelled_drawing(json.dumps({"pixels": ink.tolist(), "label": 7}), 1).image
    assert image.tolist() == (255 * ink).tolist()
    faint = (np.array(ROWS) / 255 / 255).tolist()
    assert read_labelled_drawing(json.dumps({"pixels": faint, "label": 7}), 1).image is None


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_lines_are_read_as_editors_and_shells_write_them(encoding):
    text = json.dumps({"strokes": SEVEN, "label": 7, "writer": "小明"}, ensure_ascii=False)
    lines = sheet_lines(f"{text}\r\n{text}\n".encode(encoding))
    assert [read_labelled_drawing(line, 1).label for line in lines if line.strip()] == [7, 7]


@pytest.mark.parametrize(
    "line",
    ['{"strokes": []}\n', '{"strokes": [[]]}', '{"pixels": []}', json.dumps({"pixels": [[0] * 28] * 28})],
)
def test_a_blank_line_of_either_kind_has_no_image(line):
    assert read_labelled_drawing(line, 1).image is None


@pytest.mark.parametrize(
    "entry",
    [
        LabelledDrawing(strokes_to_image(SEVEN), 7, SEVEN),
        LabelledDrawing(np.array(ROWS, np.uint8), 7),
        LabelledDrawing(None, 3),
    ],
)
def test_an_entry_comes_back_from_its_line(entry):
    back = read_labelled_drawing(entry.to_line(), 1)
    assert (back.label, back.strokes) == (entry.label, entry.strokes)
    assert np.array_equal(back.image, entry.image)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "Line 12 is not JSON"),
        ("{'strokes': []}", "Line 12 is not JSON"),
        ("[" * 100_000, "Line 12 is not JSON"),
        (" " * 4_000_001, "Line 12 has more than 4,000,000 characters"),
        ('{"strokes": [[[%s, 1]]]}' % ("9" * 5000), "Line 12 is not JSON"),
        ("[]", 'Line 12 has neither "strokes"'),
        ("null", 'Line 12 has neither "strokes"'),
        ('{"label": 3}', 'Line 12 has neither "strokes"'),
        ('{"strokes": null}', "Line 12: Strokes must be a list"),
        ('{"strokes": [[[1, 2], [3]]]}', "Line 12: Each stroke must be"),
        ('{"strokes": [[[1, NaN]]]}', "Line 12: Coordinates"),
        ('{"strokes": [], "label": 10}', "Line 12: the label must be a digit"),
        ('{"strokes": [], "label": "3"}', "Line 12: the label must be a digit"),
        ('{"strokes": [], "label": true}', "Line 12: the label must be a digit"),
        ('{"pixels": null}', "Line 12: Pixels must be 784 numbers"),
        ('{"pixels": [[1, 2], [3]]}', "Line 12: Pixels must be 784 numbers"),
        (json.dumps({"pixels": ROWS[1:]}), "Line 12: Pixels must be 784 numbers"),
        (json.dumps({"pixels": [[256] * 28] * 28}), "these go from 256 to 256"),
        (json.dumps({"pixels": [[-1] * 28] * 28}), "these go from -1 to -1"),
        (
            json.dumps({"pixels": [[-0.42, 2.8] * 14] * 28}),
            "these go from -0.42 to 2.8; undo a normalization",
        ),
        (json.dumps({"pixels": [[float("nan")] * 28] * 28}), "these go from nan to nan"),
        (json.dumps({"pixels": [[True] * 28] * 28}), "Line 12: Pixels must be 784 numbers"),
        (json.dumps({"pixels": [["a"] * 28] * 28}), "Line 12: Pixels must be 784 numbers"),
        (json.dumps({"pixels": [[10**30] * 28] * 28}), "Line 12: Pixels must be 784 numbers"),
    ],
)
def test_a_malformed_line_is_refused_by_number(text, sentence):
    with pytest.raises(InputError, match=sentence):
        read_labelled_drawing(text, 12)
