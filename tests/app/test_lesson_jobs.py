"""A chapter's slow calculation: in the background, shown when it is done, once for the same arguments."""

import threading

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from ui.learn.lesson_jobs import _job

GO_ON = threading.Event()
CALLS = []


def page(steps):
    import streamlit as st

    from ui.learn.lesson_jobs import background_result

    depth = st.number_input("depth", value=2)
    found = background_result("Training", ("toy", depth), lambda: steps(depth), short=depth > 5)
    st.text(f"result {found}")


def steps(depth):
    CALLS.append(depth)
    yield 0.5, None
    GO_ON.wait(60)
    return depth * 10


@pytest.fixture
def test():
    GO_ON.clear()
    CALLS.clear()
    st.cache_resource.clear()
    yield AppTest.from_function(page, args=(steps,), default_timeout=60)
    GO_ON.set()
    st.cache_resource.clear()


def text(test):
    return test.text[0].value


def test_a_quick_calculation_is_shown_at_once_and_made_once(test):
    GO_ON.set()
    assert text(test.run()) == "result 20"
    assert text(test.number_input[0].set_value(3).run()) == "result 30"
    assert text(test.number_input[0].set_value(2).run()) == "result 20"
    assert CALLS == [2, 3]


def test_a_slow_one_shows_its_progress_and_can_be_stopped(test):
    assert text(test.run()) == "result None"
    assert not test.exception
    test.button(key="lab_stop_lesson").click().run()
    assert text(test) == "result None"
    assert test.button(key="lab_start_lesson").label == "Run the experiment"


def test_a_short_one_is_awaited_with_its_progress_in_the_same_run(test, monkeypatch):
    shown = []

    def note(text, **values):
        shown.append(text.format(**values))
        GO_ON.set()  # so that it ends only once its progress was shown
        return shown[-1]

    monkeypatch.setattr("ui.jobs.format_text", note)
    monkeypatch.setattr("ui.learn.lesson_jobs.SHORT_SECONDS", 60)
    test.run()
    assert text(test.number_input[0].set_value(7).run()) == "result 70"
    assert shown[0].startswith("Training")
    assert not any(button.label == "Stop" for button in test.button)


def test_what_another_visitor_stopped_begins_again(test):
    def two_steps(depth):
        yield from steps(depth)
        yield 0.9, None
        return depth * 10

    first, second = (AppTest.from_function(page, args=(two_steps,), default_timeout=60) for _ in range(2))
    first.run()
    first.button(key="lab_stop_lesson").click().run()
    GO_ON.set()
    _job(("toy", 2), two_steps).wait(60)
    assert text(first.run()) == "result None"
    assert text(second.run()) == "result 20"
    assert CALLS == [2, 2]
