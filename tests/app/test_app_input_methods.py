"""The other ways to bring a digit to the Draw page: pictures, the input_methods, the camera, other pages."""

import re

import numpy as np
import pytest

from mnist_core.messages import Message
from tests.app.drawings import ANSWER, as_png, button
from ui import resources
from ui.draw import input_methods
from ui.draw.picture_table import Row, csv_text
from ui.html.digits import png_url


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("seven.png", None, ANSWER),
        ("blank.png", as_png(np.full((50, 50), 255, np.uint8)), "No digit yet"),
    ],
)
def test_a_picture_is_read(app, run, name, content, said):
    if content is None:
        pixels = np.full((60, 40, 3), 230, np.uint8)
        pixels[10:50, 18:22] = 20
        content = as_png(pixels)
    test = app("draw", run=run, **{"from": "upload"})
    test.file_uploader[0].set_value((name, content, "image/png")).run()
    assert not test.exception
    assert re.match(said, test.subheader[0].value)


def test_a_file_that_is_no_picture_gets_a_sentence(app, run):
    test = app("draw", run=run, **{"from": "upload"})
    test.file_uploader[0].set_value(("fake.png", b"not a picture", "image/png")).run()
    assert "fake.png is not a picture that can be read" in test.error[0].value
    assert not test.exception


def test_many_pictures_become_a_table_with_what_went_wrong(app, run, html):
    pixels = np.full((60, 40, 3), 230, np.uint8)
    pixels[10:50, 18:22] = 20
    blank = as_png(np.full((50, 50), 255, np.uint8))
    files = [("one.png", as_png(pixels)), ("bad.png", b"not a picture"), ("blank.png", blank)]
    test = app("draw", run=run, **{"from": "upload"})
    test.file_uploader[0].set_value([(name, content, "image/png") for name, content in files]).run()
    assert not test.exception
    assert test.subheader[0].value == "1 picture classified, 1 without a digit, 1 could not be opened"
    one, bad, blank_row = table_rows(html(test))
    assert 'alt="The ink that was found"' in one
    assert 'alt="28 x 28 pixels: ' in one
    assert re.search("one.png</th>.*<b>[0-9]</b>", one)
    assert "<img" not in bad + blank_row
    assert "bad.png is not a picture that can be read" in bad
    assert "No digit found." in blank_row
    test.segmented_control("pictures").set_value("doubtful").run()
    assert ["one.png" in row for row in table_rows(html(test))] == [False, False, True]


def table_rows(html):
    """Return the rows of the table of pictures, as HTML."""
    return re.findall("<tr>(.*?)</tr>", html.split('class="lab-pictures"')[1].split("</table>")[0])[1:]


def test_the_table_as_csv():
    rows = [
        Row("a,b.png", "2?4", 0.5, 1),
        Row("bad.png", "", None, 0, Message("{name} is bad", {"name": "It"})),
        Row("=1+1.png", "2", 0.5, 0),  # a spreadsheet would calculate it
        Row("class.png", "=2+2", 0.5, 0),
    ]
    lines = csv_text(rows).splitlines()
    assert lines == [
        "file,digits,confidence,unsure,problem,alternatives",
        '"a,b.png",2?4,0.5000,1,,',
        "bad.png,,,0,It is bad,",
        "'=1+1.png,2,0.5000,0,,",
        "class.png,'=2+2,0.5000,0,,",
    ]


def test_the_keyboard_grid_is_read(app, run, html):
    test = app("explore", run=run, **{"from": "keys"})
    ink = np.zeros((28, 28), int)
    ink[5:23, 13:15] = 1
    test.session_state["grid"] = "".join(map(str, ink.ravel()))
    test = test.switch_page("pages/draw.py").run()
    assert not test.exception
    assert re.match(ANSWER, test.subheader[0].value)
    button(test, "Clear").click().run()
    assert test.subheader[0].value == "No digit yet"


@pytest.mark.parametrize("sent", [None, 3, "", "0" * 783, "2" * 784, "0" * 785])
def test_a_grid_that_is_none_is_empty(sent):
    assert input_methods.checked(sent) == input_methods.EMPTY


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


def test_the_camera_is_an_input_method(app, run):
    test = app("draw", run=run, **{"from": "camera"})
    assert not test.exception
    assert test.subheader[0].value == "No digit yet"
