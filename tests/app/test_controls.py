import pytest

from ui import url_controls

CLOCK = 100.0


@pytest.fixture
def show(monkeypatch):
    """Show a value at a time; return whether that was sent to the browser."""

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


def test_a_value_is_sent_once_and_for_a_moment_longer(show):
    assert show(0, "linear")
    assert show(0.1, "linear")
    assert not show(1, "linear")


def test_what_was_clicked_is_not_sent_back(show):
    show(0, "linear")
    assert not show(5, "log", clicked="log")


def test_another_value_than_the_control_shows_is_sent(show):
    show(0, "linear")
    assert show(5, "log")


def test_other_words_are_sent(show):
    show(0, "linear", "Linear axis")
    assert show(5, "linear", "线性坐标轴")
    assert not show(6, "linear", "线性坐标轴")


def test_each_control_begins_with_its_choice():
    names = {"a": "Apple", "b": "Banana"}
    assert url_controls._beginning(url_controls.st.selectbox, [*names], "b") == {"index": 1}
    assert url_controls._beginning(url_controls.st.select_slider, [*names], "b") == {"value": "b"}
    assert url_controls._beginning(url_controls.st.pills, [*names], "b") == {"default": "b"}
