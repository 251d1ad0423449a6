import threading

import pytest

from mnist_core.data import load_sample
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
