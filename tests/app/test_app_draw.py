"""The Draw page: drawings on its canvas, and the predictions for them."""

import base64
import re
from functools import partial

import numpy as np
import pytest
import torch

from mnist_core.models import inference
from mnist_core.recognition.calibration import Calibration
from mnist_core.runs.store import RunStore
from mnist_core.runtime.devices import number_for_new_threads
from tests.app.drawings import ANSWER, STROKE, button, drawn, path, shifted
from ui.canvas import strokes_of


def test_without_a_network_it_says_what_to_do(app, monkeypatch):
    monkeypatch.setattr("ui.resources.find_run", lambda run_id: None)
    test = app("draw")
    assert not test.exception
    assert "Train one first" in test.info[0].value


def test_a_blank_canvas_is_no_digit_and_waits_for_no_network(app, run, monkeypatch):
    monkeypatch.setattr("ui.resources.model", None)
    monkeypatch.setattr("ui.resources.wait_for_torch", None)
    test = app("draw", run=run)
    assert not test.exception
    assert test.subheader[0].value == "No digit yet"


def test_a_drawing_is_read_with_ten_probabilities_and_what_the_network_sees(app, run, html, monkeypatch):
    waited = []
    monkeypatch.setattr("ui.resources.wait_for_torch", lambda: waited.append("torch"))
    test = drawn(app, run, STROKE)
    assert not test.exception
    assert waited == ["torch"]
    assert re.match(ANSWER, test.subheader[0].value)
    assert html(test).count('role="listitem"') == 10
    assert 'alt="Your digit in 28 x 28 pixels"' in html(test)


def test_a_page_computes_with_one_thread_and_others_as_before(app, run, monkeypatch, request):
    request.addfinalizer(partial(torch.set_num_threads, 1))
    threads = []
    read = inference.predict_with_features

    def noted(model, images):
        threads.append(torch.get_num_threads())
        return read(model, images)

    monkeypatch.setattr(inference, "predict_with_features", noted)
    torch.set_num_threads(2)
    drawn(app, run, STROKE)
    assert set(threads) == {1}
    assert number_for_new_threads() == 2


def test_clear_empties_the_canvas(app, run):
    test = drawn(app, run, STROKE)
    button(test, "Clear").click().run()
    assert test.subheader[0].value == "No digit yet"


def test_undo_takes_one_stroke_back(app, run):
    test = drawn(app, run, shifted(0), shifted(120))
    button(test, "Undo").click().run()
    assert len(test.session_state["drawing"]["objects"]) == 1
    assert re.match(ANSWER, test.subheader[0].value)
    button(test, "Undo").click().run()
    assert test.subheader[0].value == "No digit yet"
    assert button(test, "Undo").disabled


def boxes(html):
    """Count the boxes in the sketch of what was written."""
    sketches = re.findall(r'class="lab-sketch" src="data:image/svg\+xml;base64,([^"]+)"', html)
    return sum(base64.b64decode(sketch).decode().count('class="box"') for sketch in sketches)


def test_several_digits_are_read_each_in_its_box(app, run, html):
    test = drawn(app, run, shifted(0), shifted(70), shifted(140))
    assert not test.exception
    assert re.fullmatch(r"Prediction: ([0-9]/[0-9] ?){3}", test.subheader[0].value)  # chance is not sure
    assert boxes(html(test)) == 3
    for place in (1, 2, 3):
        assert f'alt="Number {place} of the row: Not sure: ' in html(test)
    said = "3 digits, from left to right. Not sure of 3 digits: / means or."
    assert said in [caption.value for caption in test.caption]
    test.toggle[0].set_value(True).run()
    assert boxes(html(test)) == 0
    assert html(test).count('role="listitem"') == 10


@pytest.mark.parametrize("end", [(100, 100), (101, 104)], ids=["a click", "a click that shook"])
def test_a_drawing_that_is_no_digit_is_reported_with_the_likeliest_digit(app, run, end):
    test = drawn(app, run, path(("M", 100, 100), ("L", *end)))
    assert test.subheader[0].value == "This does not look like a digit"
    assert any("the most likely" in caption.value for caption in test.caption)


ROUND = [("L", 140 + 80 * np.cos(n / 50), 140 + 80 * np.sin(n / 50)) for n in range(10_000)]
DASHES = [path(("M", n, 5 + n % 200), ("L", n + 3, 50 + n % 200)) for n in range(0, 300)]
CURVES = path(("M", 60, 60), *(("Q", 60 + n % 7, 60, 80, 90 + n % 99) for n in range(30_000)))


@pytest.mark.parametrize(
    "objects",
    [[path(*ROUND)], DASHES, [path(("M", -500, -100), ("L", 900, 1200))], [CURVES], [path(("M", 5, 5))]],
    ids=["10,000 points", "300 strokes", "outside", "30,000 curves", "one point"],
)
def test_no_drawing_is_an_error(app, run, objects):
    for section in ("steps", "changes"):
        test = drawn(app, run, *objects, look=section)
        assert not test.exception
        assert not test.error
        assert test.subheader[0].value.startswith(
            ("Prediction", "Not sure: ", "This does not look like a digit")
        )


def test_the_calibration_of_the_run_is_heeded(app, run):
    refusing = Calibration(1.0, np.zeros(8, np.float32), -1.0)
    refusing.save(RunStore().get(run).folder)
    assert drawn(app, run, STROKE).subheader[0].value == "This does not look like a digit"


def test_strokes_follow_lines_and_curves():
    (stroke,) = strokes_of({"objects": [path(("M", 0, 0), ("Q", 10, 0, 10, 10), ("L", 10, 30))]})
    assert stroke[0] == (0, 0)
    assert stroke[4] == (10, 10)
    assert stroke[2] == pytest.approx((7.5, 2.5))
    assert stroke[-1] == (10, 30)


def test_strokes_are_where_they_were_moved_turned_and_scaled_to():
    line = (("M", 0, 0), ("L", 10, 0))
    (moved,) = strokes_of({"objects": [path(*line, left=105, top=50)]})
    assert moved == [(100, 50), (110, 50)]
    (turned,) = strokes_of({"objects": [path(*line, left=5, top=0, angle=90)]})
    assert np.allclose(turned, [(5, -5), (5, 5)])
    (scaled,) = strokes_of({"objects": [path(*line, left=5, top=0, scaleX=3, flipX=True)]})
    assert np.allclose(scaled, [(20, 0), (-10, 0)])


@pytest.mark.parametrize("drawing", [None, {}, {"objects": []}, {"objects": [{"type": "Rect"}]}])
def test_nothing_drawn_is_no_stroke(drawing):
    assert strokes_of(drawing) == []
