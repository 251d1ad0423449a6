import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from mnist_core.messages import Message
from mnist_core.reading.calibration import Calibration
from mnist_core.reading.changes import CHANGES
from mnist_core.runs.store import RunStore
from tests.app.drawings import STROKE, button, drawn, path, shifted
from ui import resources
from ui.canvas import strokes_of
from ui.colours import ABOVE, BELOW, on_ink
from ui.digits import png_url
from ui.draw import keyboard, similar
from ui.draw.changes import stability
from ui.draw.others import agreement
from ui.draw.pictures import Row, csv_text
from ui.resources import find_run


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
    test = drawn(app, run, STROKE)
    assert not test.exception
    assert test.subheader[0].value.startswith("It reads ")
    assert html(test).count('role="listitem"') == 10
    assert 'alt="Your digit in 28 x 28 pixels"' in html(test)


def test_clear_empties_the_canvas(app, run):
    test = drawn(app, run, STROKE)
    button(test, "Clear").click().run()
    assert test.subheader[0].value == "No digit yet"


def test_undo_takes_one_stroke_back(app, run):
    test = drawn(app, run, shifted(0), shifted(120))
    button(test, "Undo").click().run()
    assert len(test.session_state["drawing"]["objects"]) == 1
    assert test.subheader[0].value.startswith("It reads ")
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
    assert re.fullmatch(r"It reads [0-9?]{3}", test.subheader[0].value)
    assert boxes(html(test)) == 3
    assert html(test).count("A digit of the row, read as") == 3
    assert any("It is unsure of" in caption.value for caption in test.caption)  # chance is
    test.toggle[0].set_value(True).run()
    assert boxes(html(test)) == 0
    assert html(test).count('role="listitem"') == 10


def test_what_looks_like_no_digit_is_said_kindly_with_what_it_would_be(app, run):
    dot = path(("M", 100, 100), ("L", 100, 100))
    test = drawn(app, run, dot)
    assert test.subheader[0].value == "This doesn't look like a digit"
    assert "looks most like a" in test.caption[0].value


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
        assert test.subheader[0].value.startswith(("It reads", "This doesn't look like a digit"))


def test_the_calibration_of_the_run_is_heeded(app, run):
    refusing = Calibration(1.0, np.zeros(8, np.float32), -1.0)
    refusing.save(RunStore().get(run).folder)
    assert drawn(app, run, STROKE).subheader[0].value == "This doesn't look like a digit"


def test_a_closed_section_is_not_computed(app, run, monkeypatch):
    monkeypatch.setattr("ui.draw.writing.Writing.steps", lambda self: pytest.fail("nobody asked for it"))
    assert not drawn(app, run, STROKE).exception


def test_step_by_step_shows_what_is_read_after_each(app, run, html):
    test = drawn(app, run, STROKE, look="steps")
    assert not test.exception
    assert html(test).count('role="listitem"') == 50  # four steps beside the answer
    test = drawn(app, run, shifted(0), shifted(100), look="steps")
    assert not test.exception
    assert html(test).count('role="listitem"') == 40


def test_what_speaks_for_each_digit_is_coloured(app, run, html):
    test = drawn(app, run, STROKE, look="attention")
    assert not test.exception
    read = int(re.match("It reads ([0-9])", test.subheader[0].value)[1])
    assert f"coloured by what speaks for {read}" in html(test)
    other = (read + 1) % 10
    test.segmented_control(f"speaks_for_{read}").set_value(other).run()
    assert f"coloured by what speaks for {other}" in html(test)


def test_colours_lie_on_the_faint_ink():
    values, image = np.zeros((28, 28)), np.zeros((28, 28), np.uint8)
    values[0, 0], values[1, 1], image[2, 2] = 2, -1, 200
    colours = on_ink(values, image)
    assert tuple(colours[0, 0]) == ABOVE
    np.testing.assert_allclose(colours[1, 1], np.array(BELOW) / 2, atol=1)
    assert tuple(colours[2, 2]) == (80, 80, 80)


def test_the_layers_show_what_they_make_of_the_drawing(app, run, html):
    test = drawn(app, run, STROKE, look="layers")
    assert not test.exception
    assert html(test).count('class="lab-tiles"') == 1  # the hidden layer


def test_the_nearest_training_images_are_shown(app, run, html):
    test = drawn(app, run, STROKE, look="similar")
    assert not test.exception
    assert html(test).count(" away</figcaption>") == similar.NEIGHBOURS
    train = similar.compared_with(find_run(run))
    indices, distances = similar.nearest_training(find_run(run), train.images[7])
    assert indices[0] == 7
    assert distances[0] == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("section", ["steps", "attention", "layers", "similar", "changes", "others"])
def test_without_a_drawing_a_section_says_what_to_do(app, run, section):
    test = app("draw", run=run, look=section)
    assert not test.exception
    assert "Write a digit first" in test.info[0].value


def test_the_reading_changes_with_the_sliders(app, run):
    test = drawn(app, run, STROKE, look="changes")
    assert sum("As you wrote it" in text.value for text in test.markdown) == 4
    test.slider("change_turn").set_value(45.0).run()
    assert not test.exception
    assert any("Turned by 45°, it reads" in text.value for text in test.markdown)
    assert sum("It keeps reading" in text.value or "However far" in text.value for text in test.caption) == 4


def test_where_the_reading_stays_the_same():
    turn = CHANGES["turn"]
    same = np.abs(turn.amounts) <= 30
    said = stability(turn, turn.amounts, same, int(np.abs(turn.amounts).argmin()), 7)
    assert said == "It keeps reading 7 from \N{MINUS SIGN}30° to 30°."
    always = np.ones(len(same), bool)
    assert "However far" in stability(turn, turn.amounts, always, len(same) // 2, 7)
    noise = CHANGES["noise"]
    assert "from 0 of 255 to 40 of 255" in stability(noise, noise.amounts, noise.amounts <= 40, 0, 7)


def test_other_networks_read_the_same_drawing(app, run):
    test = drawn(app, run, STROKE, look="others")
    assert not test.exception
    assert any(re.search("reads? \\*\\*", text.value) for text in test.markdown)
    (chosen,) = test.multiselect
    assert len(chosen.value) == 1  # the shipped model
    assert len(test.get("html")) >= 3


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["7", "7"], "All 2 read **7**."),
        (["7", "1", "7"], "2 of 3 read **7**."),
        (["1", "2"], "Each of the 2"),
    ],
)
def test_agreement_in_words(texts, said):
    assert agreement(texts).startswith(said)


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


def test_many_pictures_become_a_table_with_what_went_wrong(app, run):
    pixels = np.full((60, 40, 3), 230, np.uint8)
    pixels[10:50, 18:22] = 20
    blank = png(np.full((50, 50), 255, np.uint8))
    files = [("one.png", png(pixels)), ("bad.png", b"not a picture"), ("blank.png", blank)]
    test = app("draw", run=run, **{"from": "upload"})
    test.file_uploader[0].set_value([(name, content, "image/png") for name, content in files]).run()
    assert not test.exception
    assert test.subheader[0].value == "2 pictures were read, 1 could not be."
    table = test.dataframe[0].value
    assert table["file"].tolist() == ["one.png", "bad.png", "blank.png"]
    assert re.fullmatch("[0-9]", table["digits"][0])
    assert "bad.png is not a PNG or JPEG" in table["note"][1]
    assert table["note"][2] == "No digit found."


def test_the_table_as_csv():
    rows = [
        Row("a,b.png", "2?4", 0.5, 1),
        Row("bad.png", "", None, 0, Message("{name} is bad", {"name": "It"})),
    ]
    lines = csv_text(rows).splitlines()
    assert lines == [
        "file,digits,confidence,unsure,problem",
        '"a,b.png",2?4,0.5000,1,',
        "bad.png,,,0,It is bad",
    ]


def test_the_keyboard_grid_is_read(app, run, html):
    test = app("explore", run=run, **{"from": "keys"})
    ink = np.zeros((28, 28), int)
    ink[5:23, 13:15] = 1
    test.session_state["grid"] = "".join(map(str, ink.ravel()))
    test = test.switch_page("pages/draw.py").run()
    assert not test.exception
    assert test.subheader[0].value.startswith("It reads ")
    button(test, "Clear").click().run()
    assert test.subheader[0].value == "No digit yet"


@pytest.mark.parametrize("sent", [None, 3, "", "0" * 783, "2" * 784, "0" * 785])
def test_a_grid_that_is_none_is_empty(sent):
    assert keyboard.checked(sent) == keyboard.EMPTY


def test_an_image_sent_from_another_page_is_read_as_it_is(app, run, html):
    test = app("draw", run=run, sent="test-3")
    assert not test.exception
    image = resources.dataset().test.images[3]
    assert html(test).count(png_url(image)) == 2  # where it came from, and what the network sees
    assert test.segmented_control("from").value == "sent"


@pytest.mark.parametrize("sent", ["test-9999999", "train--1", "nothing", "test-", "other-3"])
def test_a_number_that_is_no_image_is_no_error(app, run, sent):
    test = app("draw", run=run, sent=sent)
    assert not test.exception
    assert test.subheader[0].value == "No digit yet"


def test_the_camera_has_a_way_of_its_own(app, run):
    test = app("draw", run=run, **{"from": "camera"})
    assert not test.exception
    assert test.subheader[0].value == "No digit yet"


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
