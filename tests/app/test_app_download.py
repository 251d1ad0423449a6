import threading

import pytest
from streamlit.testing.v1 import AppTest

from mnist_core.data.mnist import load_sample
from ui.dataset_loader import DatasetLoader


@pytest.fixture
def slow_loader(monkeypatch):
    """A download that stands at 40 % until it is stopped."""
    release = threading.Event()

    def load(progress):
        while not release.wait(0.02):
            progress(0.4)
        return load_sample()

    loader = DatasetLoader(load, load_sample)
    loader.start()
    monkeypatch.setattr("ui.resources.SECONDS_TO_OPEN", 0.2)
    monkeypatch.setattr("ui.resources.dataset_loader", lambda: loader)
    yield loader
    release.set()


def test_the_download_shows_its_progress_and_a_way_out(app, slow_loader):
    test = app()
    assert "40%" in test.get("progress")[0].proto.text
    test.button[0].click().run()
    slow_loader.wait(5)
    test.run()
    assert not test.exception
    assert "offline sample" in test.markdown[0].value


def test_the_notice_offers_to_try_again(app, slow_loader, monkeypatch):
    test = app()
    slow_loader.stop()
    slow_loader.wait(5)
    monkeypatch.delenv("DIGITLAB_OFFLINE")
    test.run()
    next(button for button in test.button if "again" in button.label).click().run()
    assert test.get("progress")


def test_the_first_visitor_of_a_slow_start_is_told_of_the_sample_too(sample_only, monkeypatch):
    from ui import resources

    class Slow:
        """Data that is not there at the first look, when its notice would be shown."""

        looks = 0

        def wait(self, seconds):
            self.looks += 1
            return None if self.looks == 1 else resources.load_sample("no network")

    slow = Slow()
    monkeypatch.setattr(resources, "dataset_loader", lambda: slow)

    def page():
        import streamlit as st

        from ui import resources

        resources.show_notice(private=True)
        resources.dataset()
        st.write("the page")

    test = AppTest.from_function(page, default_timeout=60).run()
    assert "offline sample" in test.markdown[0].value
    assert slow.looks == 4  # twice for each of two runs, and no more
