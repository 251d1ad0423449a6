"""When a control's value is sent to the browser: needless values could undo a click made meanwhile."""

import pytest

from ui import url_controls

CLOCK = 100.0


@pytest.fixture
def show(monkeypatch):
    """Show a value at a time; return whether it was sent to the browser."""

    class Recorder(dict):
        def __setitem__(self, key, value):
            self.sent = getattr(self, "sent", []) + ([key] if key == "axis" else [])
            super().__setitem__(key, value)

    recorder = Recorder()
    monkeypatch.setattr(url_controls.st, "session_state", recorder)

    def at(seconds, value, words=None, clicked=None):
        if clicked is not None:
            dict.__setitem__(recorder, "axis", clicked)
        recorder.sent = []
        monkeypatch.setattr(url_controls.time, "monotonic", lambda: CLOCK + seconds)
        url_controls.set_widget_value("axis", value, words)
        assert recorder["axis"] == value
        return bool(recorder.sent)

    return at


def test_a_new_control_gets_its_value_once(show):
    """A browser that misses it begins with the control's default, which is the same value."""
    assert show(0, "linear")
    assert not show(0.1, "linear")


def test_a_new_value_of_a_control_is_sent_for_half_a_second(show):
    show(0, "linear")
    assert show(5, "log")
    assert show(5.1, "log")
    assert not show(6, "log")


def test_a_clicked_value_is_not_sent_back(show):
    show(0, "linear")
    assert not show(5, "log", clicked="log")


def test_a_value_in_other_words_is_sent(show):
    show(0, "linear", "Linear axis")
    assert show(5, "linear", "线性坐标轴")
    assert not show(6, "linear", "线性坐标轴")


def test_each_kind_of_control_gets_its_default():
    names = {"a": "Apple", "b": "Banana"}
    assert url_controls._default_argument(url_controls.st.selectbox, [*names], "b") == {"index": 1}
    assert url_controls._default_argument(url_controls.st.select_slider, [*names], "b") == {"value": "b"}
    assert url_controls._default_argument(url_controls.st.pills, [*names], "b") == {"default": "b"}
