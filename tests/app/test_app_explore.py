import re
from base64 import b64decode
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from mnist_core.data.mnist import Split, load_sample
from mnist_core.messages import Message
from tests.app.drawings import STROKE, shifted
from ui import page_headings
from ui.html import digits


def press(test, label):
    next(button for button in test.button if button.label == label).click().run()


def labels_shown(page):
    return re.findall(r"<figcaption><b>(\d)</b>", page)


def test_opens_on_the_first_nine_training_images_with_their_labels(app, html):
    test = app()
    assert not test.exception
    assert labels_shown(html(test)) == [str(label) for label in load_sample().train.labels[:9]]
    assert len(re.findall(r'alt="Handwritten \d, image number \d"', html(test))) == 9


def test_reshuffle_shows_others_that_the_url_repeats_and_the_button_goes_back(app, html):
    test = app()
    first = html(test)
    press(test, "New random sample")
    shuffled = html(test)
    assert test.query_params["seed"] == "1"
    assert shuffled != first
    assert html(app(seed="1")) == shuffled
    press(test, "First nine images")
    assert html(test) == first


@pytest.mark.parametrize("seed", ["-1", "x", "99999999999999999999", "½", ""])
def test_a_strange_shuffle_in_the_url_shows_the_first_nine(app, html, seed):
    assert labels_shown(html(app(seed=seed))) == labels_shown(html(app()))


def test_filter_by_digit_and_split(app, html):
    test = app()
    test.pills(key="digit").set_value("7").run()
    assert labels_shown(html(test)) == ["7"] * 9
    assert not test.segmented_control  # only the fragments of a digit were rerun
    test.run()
    seven = np.flatnonzero(load_sample().test.labels == 7)
    test.segmented_control(key="split").set_value("test").run()
    assert f"image number {seven[0]}" in html(test)
    assert not test.exception


def test_counts_per_digit_are_said_in_words(app, html):
    counts = np.bincount(load_sample().train.labels)
    page = html(app())
    assert re.findall(r'class="value">([\d,]+)<', page) == [f"{count:,}" for count in counts]


def test_shape_type_and_range_are_explained(app):
    text = " ".join(element.value for element in app().markdown)
    assert "`[9, 1, 28, 28]`" in text
    assert "`uint8`" in text
    assert "**255**" in text
    assert "Training set: **1,500** images" in text
    assert "Test set: **297** images" in text


def test_the_notice_says_that_the_sample_is_in_use(app):
    assert "offline sample" in app().markdown[0].value


def test_the_notice_is_one_sentence_with_the_folder_in_its_details_if_the_server_is_ones_own(
    app, monkeypatch
):
    reason = Message("It can't be stored in /srv/secret ([Errno 28] full).")
    monkeypatch.setattr("ui.resources.load_sample", lambda _reason: load_sample(reason))
    said, details = (one.value for one in app().markdown[:2])
    assert said.endswith("The offline sample of 1,797 small digits is in use, not MNIST.")
    assert "/srv/secret" in details
    monkeypatch.setenv("DIGITLAB_PRIVATE", "1")
    words = [one.value for one in app().markdown]
    assert words[0] == said
    assert "/srv/secret" not in " ".join(words)


def test_a_choice_that_needs_another_heading_or_no_notice_shows_the_whole_page_again(monkeypatch):
    again, shows_mnist = [], [True]
    monkeypatch.setattr(page_headings, "shows_mnist", lambda page: shows_mnist[-1])
    monkeypatch.setattr(page_headings.resources, "show_notice", lambda private: None)
    monkeypatch.setattr(page_headings.st, "session_state", {})
    monkeypatch.setattr(page_headings.st, "title", lambda heading: None)
    monkeypatch.setattr(page_headings.st, "rerun", lambda: again.append("rerun"))
    page_headings.show_top("train")
    page_headings.follow("train", "Train a network")
    assert not again
    page_headings.follow("train", "Another heading")
    assert len(again) == 1
    shows_mnist.append(False)
    page_headings.follow("train", "Train a network")
    assert len(again) == 2


def test_a_split_without_the_digit_says_what_to_do(app, monkeypatch):
    everything = load_sample()
    keep = everything.train.labels == 1
    ones = Split(everything.train.images[keep], everything.train.labels[keep])
    monkeypatch.setattr("ui.resources.load_sample", lambda reason: replace(everything, train=ones))
    test = app()
    test.pills(key="digit").set_value("7").run()
    assert "Choose another digit" in test.info[0].value
    assert not test.exception


def test_who_is_new_is_told_what_happens_and_can_draw_at_once(app, html):
    test = app()
    assert test.subheader[0].value == "Draw a digit"
    assert 'class="lab-lesson"' in html(test)


def test_the_first_drawing_is_read_by_the_pretrained_network(app, html, monkeypatch):
    waited = []
    monkeypatch.setattr("ui.resources.wait_for_torch", lambda: waited.append("torch"))
    assert not app().exception
    assert waited == []  # as nothing is drawn
    test = app("train")
    test.session_state["drawing"] = {"version": "7", "objects": [STROKE]}
    waited.clear()
    test.switch_page("pages/explore.py").run()
    assert not test.exception
    assert waited == ["torch"]
    assert test.subheader[0].value.startswith("Prediction: 7")
    assert 'alt="Your digit in 28 x 28 pixels"' in html(test)
    test.session_state["drawing"] = {"version": "7", "objects": [shifted(0), shifted(120)]}
    test.switch_page("pages/train.py").run()
    test.switch_page("pages/explore.py").run()
    assert re.fullmatch("Prediction: ([17]|1/7 ?|7/1 ?){2}", test.subheader[0].value)


def test_who_has_a_run_sees_a_short_form(app, run, html):
    test = app()
    assert 'class="lab-lesson"' not in html(test)
    assert test.markdown[2].value.startswith("In this lab")  # after the notice and its details


def test_a_digit_is_written_as_a_picture_once_for_all_visitors():
    digits._digit_url.cache_clear()
    image = np.arange(784, dtype=np.uint16).astype(np.uint8).reshape(28, 28)
    assert digits.png_url(image) == digits.png_url(image.copy()) != digits.png_url(image[::-1])
    assert digits._digit_url.cache_info().hits == 1
    assert decoded(digits.png_url(image)) == image.tolist()
    assert decoded(digits.png_url(image[:5])) == image[:5].tolist()  # of another size


def decoded(url):
    return np.asarray(Image.open(BytesIO(b64decode(url.partition(",")[2])))).tolist()
