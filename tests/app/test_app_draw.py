import io

import numpy as np
import pytest
from PIL import Image

from mnist_core.config import TrainConfig
from mnist_core.runs.store import RunStore
from ui.canvas import strokes_of


@pytest.fixture
def run(sample_only):
    """A run with a small untrained network: what it reads is chance, but it reads."""
    from mnist_core.architectures import build_model

    writer = RunStore().create(TrainConfig(widths=(8,)))
    writer.save(build_model(writer.config), 1)
    writer.update("finished", parameters=6370, test_accuracy=0.1)
    writer.close()
    return writer.id


def path(*commands, **placed):
    return {"type": "Path", "path": [list(command) for command in commands], **placed}


STROKE = path(("M", 60, 60), ("L", 200, 60), ("L", 120, 230))


def draw(test, *objects):
    test.session_state["drawing"] = {"version": "7", "objects": list(objects)}
    return test.run()


def test_without_a_network_it_says_what_to_do(app, monkeypatch):
    monkeypatch.setattr("ui.resources.find_run", lambda run_id: None)
    test = app("draw")
    assert not test.exception
    assert "Train one first" in test.info[0].value


def test_a_blank_canvas_is_no_digit(app, run):
    test = app("draw", run=run)
    assert not test.exception
    assert test.subheader[0].value == "No digit yet"


def test_a_drawing_is_read_with_ten_probabilities_and_what_the_network_sees(app, run, html):
    test = app("explore", run=run)
    test.session_state["drawing"] = {"version": "7", "objects": [STROKE]}
    test = test.switch_page("pages/draw.py").run()
    assert not test.exception
    assert test.subheader[0].value.startswith("It reads ")
    assert html(test).count('role="listitem"') == 10
    assert 'alt="Your digit in 28 x 28 pixels"' in html(test)


def test_clear_empties_the_canvas(app, run):
    test = app("explore", run=run)
    test.session_state["drawing"] = {"version": "7", "objects": [STROKE]}
    test = test.switch_page("pages/draw.py").run()
    next(button for button in test.button if button.label == "Clear").click().run()
    assert test.subheader[0].value == "No digit yet"


def png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [("seven.png", None, "It reads"), ("blank.png", png(np.full((50, 50), 255, np.uint8)), "No digit yet")],
)
def test_a_picture_is_read(app, run, name, content, said):
    if content is None:
        pixels = np.full((60, 40, 3), 230, np.uint8)
        pixels[10:50, 18:22] = 20
        content = png(pixels)
    test = app("draw", run=run, **{"from": "upload"})
    test.file_uploader[0].set_value((name, content, "image/png")).run()
    assert not test.exception
    assert test.subheader[0].value.startswith(said)


def test_a_file_that_is_no_picture_gets_a_sentence(app, run):
    test = app("draw", run=run, **{"from": "upload"})
    test.file_uploader[0].set_value(("fake.png", b"not a picture", "image/png")).run()
    assert "fake.png is not a PNG or JPEG" in test.error[0].value
    assert not test.exception


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
