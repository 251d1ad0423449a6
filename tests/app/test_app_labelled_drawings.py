"""The visitor's own test sheet on the Draw page, and the copy of a network that learns it."""

import json
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from mnist_core.messages import InputError
from mnist_core.recognition.labelled_drawings import LabelledDrawing
from mnist_core.runs.fine_tuning import FineTunedRun, Scores
from mnist_core.runs.store import RunStore
from tests.app.drawings import STROKE, as_png, button, drawn, path, shifted
from ui.draw import drawing_sheet
from ui.draw.my_handwriting import _fine_tuning

LINE = {"strokes": [[[60, 60], [200, 60], [120, 230]]], "label": 7}
UPRIGHT = "".join("1" if 13 <= n % 28 < 15 and 5 <= n // 28 < 23 else "0" for n in range(784))  # on the grid


def sheet_with(test, *labels):
    lines = "\n".join(json.dumps({**LINE, "label": label}) for label in labels)
    test.session_state["own_sheet"] = drawing_sheet.from_text(lines.encode())
    return test.run()


def test_a_drawing_is_saved_with_its_corrected_label(app, run):
    test = drawn(app, run, STROKE, look="sheet")
    assert "It is empty" in test.info[0].value
    test.button("label_7").click().run()
    assert not test.exception
    (kept,) = test.session_state["own_sheet"]
    assert kept.label == 7
    assert kept.strokes == [[[60.0, 60.0], [200.0, 60.0], [120.0, 230.0]]]
    assert "Saved as 7" in test.toast[0].value


def test_another_label_for_the_same_drawing_corrects_it(app, run):
    test = sheet_with(drawn(app, run, shifted(0), look="sheet"), 3)  # another drawing
    test.button("label_1").click().run()
    assert [kept.label for kept in test.session_state["own_sheet"]] == [3, 1]
    test.button("label_7").click().run()
    assert [kept.label for kept in test.session_state["own_sheet"]] == [3, 7]


def test_a_row_is_kept_digit_by_digit(app, run):
    test = drawn(app, run, shifted(0), shifted(100))
    assert test.text_input("label_number").label == "All 2 digits, from left to right"
    test.text_input("label_number").set_value("77")
    button(test, "Save").click().run()
    assert [kept.label for kept in test.session_state["own_sheet"]] == [7, 7]
    starts = [kept.strokes[0][0][0] for kept in test.session_state["own_sheet"]]
    assert starts == [20, 120]


def test_the_digits_of_several_lines_are_asked_for_line_by_line(app, run):
    ones = [path(("M", x, y), ("L", x, y + 90)) for x in (60, 180) for y in (20, 160)]
    test = drawn(app, run, *ones)
    assert test.text_input("label_number").label == "All 4 digits, line by line from left to right"


def test_a_digit_inked_by_keys_is_kept_as_pixels_and_comes_back(app, run):
    test = app("explore", run=run, **{"from": "keys", "look": "sheet"})
    test.session_state["grid"] = "".join(
        "1" if 13 <= n % 28 < 15 and 5 <= n // 28 < 23 else "0" for n in range(784)
    )
    test = test.switch_page("pages/draw.py").run()
    test.button("label_1").click().run()
    assert not test.exception
    (kept,) = test.session_state["own_sheet"]
    assert (kept.label, kept.strokes) == (1, None)
    assert kept.image.shape == (28, 28)
    (back,) = drawing_sheet.from_text(drawing_sheet.to_text([kept]).encode())
    np.testing.assert_array_equal(back.image, kept.image)
    assert back.label == 1


def test_a_row_in_a_picture_is_kept_digit_by_digit(app, run):
    pixels = np.full((60, 120), 230, np.uint8)
    pixels[10:50, 20:24] = pixels[10:50, 90:94] = 20
    test = app("draw", run=run, **{"from": "upload"})
    test.file_uploader[0].set_value(("ones.png", as_png(pixels), "image/png")).run()
    test.text_input("label_number").set_value("11")
    button(test, "Save").click().run()
    assert not test.exception
    assert [(kept.label, kept.strokes) for kept in test.session_state["own_sheet"]] == [(1, None)] * 2


def test_an_image_of_mnist_is_not_offered_for_the_sheet(app, run):
    test = app("draw", run=run, sent="test-3")
    assert not test.exception
    assert not [found for found in test.button if found.key and found.key.startswith("label_")]


def test_another_number_of_figures_is_refused_and_stays(app, run):
    test = drawn(app, run, shifted(0), shifted(100))
    test.text_input("label_number").set_value("7")
    button(test, "Save").click().run()
    assert "enter 2 figures" in test.toast[0].value
    assert test.text_input("label_number").value == "7"
    assert not test.session_state["own_sheet"]


def test_my_handwriting_shows_the_accuracy_of_each_network(app, run, html):
    test = sheet_with(drawn(app, run, STROKE, look="sheet"), 7, 7, 7)
    assert not test.exception
    assert html(test).count("/ 3</td>") == 2  # this run and the pretrained one
    assert "3 / 3" in html(test)  # the pretrained model reads a 7
    button(test, "Remove the latest").click().run()
    assert len(test.session_state["own_sheet"]) == 2
    button(test, "Clear the test set").click().run()
    assert "It is empty" in test.info[0].value


def test_a_sheet_goes_and_comes_back_as_json_lines(app, run):
    drawings = drawing_sheet.from_text(
        (json.dumps(LINE) + "\n\n" + json.dumps({**LINE, "label": 1})).encode()
    )
    text = drawing_sheet.to_text(drawings)
    assert [json.loads(line) for line in text.splitlines()] == [LINE, {**LINE, "label": 1}]
    test = drawn(app, run, STROKE, look="sheet")
    test.file_uploader[0].set_value(("mine.jsonl", text.encode(), "application/jsonl")).run()
    assert [kept.label for kept in test.session_state["own_sheet"]] == [7, 1]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe", "no labelled drawings"),
        (b"\xff\xff", "no labelled drawings"),
        (b"", "no labelled drawings"),
        (b"{", "Line 1 is not JSON"),
        (json.dumps({"strokes": LINE["strokes"]}).encode(), "Line 1 has no label"),
        (json.dumps({"strokes": [], "label": 3}).encode(), "Line 1 has an empty drawing"),
        (json.dumps({"pixels": [], "label": 3}).encode(), "Line 1 has an empty drawing"),
        (b" " * 5_000_001, "larger than 5 MB"),
        (b"{\n\n" * 501, "at most 500 drawings"),  # counted before any is drawn
    ],
)
def test_a_file_that_is_no_sheet_gets_a_sentence(content, said):
    with pytest.raises(InputError, match=said):
        drawing_sheet.from_text(content)


def test_a_bad_file_leaves_the_sheet_as_it_was(app, run):
    test = sheet_with(drawn(app, run, STROKE, look="sheet"), 7)
    test.file_uploader[0].set_value(("bad.jsonl", b"{", "application/jsonl")).run()
    assert "Line 1 is not JSON" in test.error[0].value
    assert len(test.session_state["own_sheet"]) == 1


def test_a_full_sheet_takes_no_more(app, run, monkeypatch):
    monkeypatch.setenv("DIGITLAB_DRAWINGS_LIMIT", "1")
    test = sheet_with(drawn(app, run, shifted(0)), 7)
    test.button("label_7").click().run()
    assert "at most 1 drawings" in test.toast[0].value


def test_a_copy_learns_the_sheet_and_becomes_a_run(app, run, monkeypatch):
    monkeypatch.setattr("mnist_core.runs.fine_tuning.STEPS", 3)
    test = sheet_with(drawn(app, run, STROKE, look="sheet"), 7, 7, 7)
    in_pixels = LabelledDrawing(test.session_state["own_sheet"][0].image, 7)
    test.session_state["own_sheet"] = [*test.session_state["own_sheet"], in_pixels]
    test.run()
    button(test, "Fine-tune a copy").click().run()
    test.session_state["fine_tuning"].wait()
    test.run()
    assert not test.exception
    (made,) = [other for other in RunStore().list() if other.id != run]
    assert made.metadata.name.endswith(", my handwriting")
    assert any("Only the drawings held out" in caption.value for caption in test.caption)
    test.button("use_copy").click().run()
    assert test.query_params["run"] == made.id


def test_a_copy_rehearses_the_images_that_its_network_learned(monkeypatch):
    monkeypatch.setattr("ui.draw.my_handwriting.resources.run_store", lambda: None)
    monkeypatch.setattr("ui.draw.my_handwriting.resources.wait_for_dataset", lambda key: f"images of {key}")
    monkeypatch.setattr("ui.draw.my_handwriting.fine_tune_run", lambda *given: iter([given[3]]))
    run = SimpleNamespace(config=SimpleNamespace(dataset="usps"))
    limits = SimpleNamespace(check_disk=lambda *_: None)
    assert list(_fine_tuning(run, None, "a copy", "", limits)) == ["images of usps"]


def test_two_drawings_are_too_few_to_learn(app, run):
    test = sheet_with(drawn(app, run, STROKE, look="sheet"), 7, 7)
    assert button(test, "Fine-tune a copy").disabled


@pytest.fixture
def tuning(monkeypatch):
    """Fine-tuning that stands at 40 % until `gate` is set, and then fails with `error` if there is one."""
    tuning = SimpleNamespace(gate=threading.Event(), error=None, begun=0)

    def work(store, run, sheet, dataset, name, owner):
        tuning.begun += 1
        yield 0.4, None
        while not tuning.gate.wait(0.02):
            yield 0.4, None
        if tuning.error:
            raise tuning.error
        return FineTunedRun(run, Scores(0.5, None, 0.9, 0), Scores(1, None, 0.9, 0))

    monkeypatch.setattr("ui.draw.my_handwriting.fine_tune_run", work)
    yield tuning
    tuning.gate.set()


def start_tuning(app, run):
    """Have a visitor's copy learn; return their page when it has begun, or waits for its turn."""
    test = sheet_with(drawn(app, run, STROKE, look="sheet"), 7, 7, 7)
    return button(test, "Fine-tune a copy").click().run()


def until(test, words):
    """Run the page until its progress bar has these words."""
    for _ in range(600):
        if [bar.proto.text for bar in test.run().get("progress")] == [words]:
            return
        time.sleep(0.05)
    pytest.fail(f"never said {words!r}")


def ended(test):
    test.session_state["fine_tuning"].wait(20)
    return test.run()


def test_fine_tuning_shows_its_progress_and_can_be_stopped(app, run, tuning):
    test = start_tuning(app, run)
    until(test, "Fine-tuning: 40%")
    button(test, "Stop").click().run()
    assert not test.get("progress")
    ended(test)
    assert not test.exception
    assert not test.error
    assert button(test, "Fine-tune a copy")


@pytest.mark.parametrize(
    ("error", "said"),
    [(InputError("too bad"), "too bad"), (RuntimeError("secret"), "Fine-tuning failed")],
)
def test_fine_tuning_that_fails_says_so_and_can_be_tried_again(app, run, tuning, error, said):
    tuning.error = error
    test = start_tuning(app, run)
    tuning.gate.set()
    assert said in ended(test).error[0].value
    assert "secret" not in test.error[0].value
    tuning.error = None
    button(test, "Fine-tune a copy").click().run()
    assert not ended(test).error
    assert button(test, "Use the fine-tuned copy")


def test_a_second_visitors_fine_tuning_waits_for_the_first_ones(app, run, tuning):
    anna, ben = start_tuning(app, run), start_tuning(app, run)
    until(anna, "Fine-tuning: 40%")
    until(ben, "Waiting for other calculations on this server to end")
    assert tuning.begun == 1
    button(anna, "Stop").click().run()
    until(ben, "Fine-tuning: 40%")
    tuning.gate.set()
    assert button(ended(ben), "Use the fine-tuned copy")


def test_a_double_click_begins_one_fine_tuning(run, tuning):
    def page(run, drawings):
        from ui.draw import my_handwriting

        for _ in range(2):
            my_handwriting._start(run, drawings)

    drawings = drawing_sheet.from_text("\n".join([json.dumps(LINE)] * 3).encode())
    arguments = (RunStore().get(run), drawings)
    test = AppTest.from_function(page, args=arguments, default_timeout=60).run()
    assert not test.exception
    tuning.gate.set()
    test.session_state["fine_tuning"].wait(20)
    assert tuning.begun == 1
