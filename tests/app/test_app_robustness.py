import threading
import time

import pytest
import streamlit as st

from mnist_core.evaluation.robustness import DISTURBANCES
from mnist_core.export.formats import export
from mnist_core.runs.store import RunStore
from tests.app.evaluated import press, words
from ui.jobs import turn


def test_robustness_is_measured_in_the_background_and_can_be_downloaded(app, html, run):
    test = app("evaluate", run=run, view="robust", count="200", draws="3")
    assert not test.exception
    assert html(test).count("lab-trial") > len(DISTURBANCES)
    press(test, "Measure robustness")
    assert test.get("progress")
    for _ in range(60):
        if not test.get("progress"):
            break
        time.sleep(0.5)
        test.run()
    assert not test.exception
    assert len(test.dataframe[0].value) == len(DISTURBANCES)
    assert "Most robust to" in words(test)
    assert html(test).count("Accuracy under ") == len(DISTURBANCES)
    taken = export(RunStore().get(run), "robustness").decode()
    assert taken.count(",validation,") == sum(len(trial.strengths) for trial in DISTURBANCES.values())
    st.cache_resource.clear()  # another server
    again = app("evaluate", run=run, view="robust", count="200", draws="3")
    assert again.dataframe[0].value.equals(test.dataframe[0].value)
    other = app("evaluate", run=run, view="robust", count="200", draws="4")
    assert not other.dataframe


@pytest.mark.parametrize(("each", "suggested"), [(0.01, "500"), (0.5, "200")])
def test_so_many_images_are_suggested_as_take_no_longer_than_a_minute(app, run, monkeypatch, each, suggested):
    monkeypatch.setattr("ui.evaluate.robustness_table.robustness_seconds", lambda asked: each)
    box = app("evaluate", run=run, view="robust").selectbox(key="count")
    assert box.value == suggested
    assert box.options[0] == ("200 images, about 2 s" if each == 0.01 else "200 images, about 1 min 40 s")


def test_a_second_measurement_waits_for_the_first_and_can_be_stopped(app, run):
    with turn("robustness"):
        test = press(app("evaluate", run=run, view="robust"), "Measure robustness")
        assert test.get("progress")[0].proto.text == "Waiting for other calculations on this server to end"
        press(test, "Stop")
        assert not test.get("progress")
        (thread,) = [thread for thread in threading.enumerate() if thread.name == "robustness"] or [None]
        if thread:
            thread.join(20)
            assert not thread.is_alive()
    assert not test.exception
    assert any(button.label == "Measure robustness" for button in test.button)


def test_a_measurement_that_fails_says_so_and_can_be_tried_again(app, run, monkeypatch):
    def fails(*_arguments):
        yield 0.1, None
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr("mnist_core.evaluation.robustness.measure_robustness", fails)
        test = press(app("evaluate", run=run, view="robust"), "Measure robustness")
        for _ in range(600):
            if test.warning:
                break
            time.sleep(0.05)
            test.run()
    assert "The measurement failed. Try again" in test.warning[0].value
    press(test, "Measure robustness")
    assert test.get("progress")
    press(test, "Stop")


def test_a_curve_falls_as_the_accuracy_does(sample_only):
    from ui.evaluate.robustness_table import STEPS, curve_html, share_text

    assert [share_text(accuracy) for accuracy in (1, 0.998, 0.9, 0)] == ["100%", "99%", "90%", "0%"]

    assert {len(trial.strengths) for trial in DISTURBANCES.values()} == {STEPS}
    text = curve_html("Blur", (1.0, 0.25))
    assert "8.33% 0.00%, 25.00% 75.00%, 25.00% 100.00%, 8.33% 100.00%" in text
    assert "100%, 25%" in text
