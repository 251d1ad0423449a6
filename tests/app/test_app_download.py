"""Getting the data on the pages: progress, what happens to those who don't wait, and why it failed."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from mnist_core.data.mnist import load_sample
from mnist_core.messages import InputError
from ui import resources

DONT_WAIT, AGAIN = "Use the small offline sample instead", "Try to download MNIST again"


@pytest.fixture
def download(sample_only, monkeypatch):
    """A download that stands at 40 % until `arrive` is set or `error` is there to fail with."""
    download = SimpleNamespace(arrive=threading.Event(), fraction=0.4, error=None, begun=0, closed=0)
    mnist = replace(load_sample(), source="mnist", notice=None)

    def fetch():
        download.begun += 1
        try:
            while not download.arrive.wait(0.02):
                yield download.fraction, None
                if download.error:
                    raise download.error
            return mnist
        finally:
            download.closed += 1

    monkeypatch.setattr("ui.resources.fetch_mnist", fetch)
    monkeypatch.setattr("ui.resources.SECONDS_TO_OPEN", 0.2)
    monkeypatch.delenv("DIGITLAB_OFFLINE")
    yield download
    download.arrive.set()
    resources.dataset_job().wait(20)


def until(true):
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def press(test, label):
    return next(button for button in test.button if button.label == label).click().run()


def is_waiting(test, text="40%"):
    """Whether a visitor sees the download's progress and nothing else."""
    (bar,) = test.get("progress") or [None]
    return bar is not None and text in bar.proto.text


def has_sample(test):
    assert not test.exception
    return "offline sample" in test.markdown[0].value


def has_mnist(test):
    assert not test.exception
    return not test.get("progress") and "offline sample" not in test.markdown[0].value


def test_the_download_shows_its_progress_and_a_way_out(app, download):
    download.fraction = 0.0
    test = app()
    until(lambda: is_waiting(test.run(), "Connecting to a server that has MNIST (11 MB)"))
    download.fraction = 0.4
    until(lambda: is_waiting(test.run()))
    assert has_sample(press(test, DONT_WAIT))
    resources.dataset_job().wait(20)
    assert (download.begun, download.closed) == (1, 1)  # nobody else waits for it
    assert has_sample(test.run())
    assert download.begun == 1


def test_who_does_not_wait_leaves_the_download_to_the_other_visitors(app, download):
    anna, ben = app(), app()
    until(lambda: is_waiting(anna.run()))
    until(lambda: is_waiting(ben.run()))
    assert has_sample(press(anna, DONT_WAIT))
    time.sleep(0.2)
    assert resources.dataset_job().running
    assert is_waiting(ben.run())
    assert has_sample(anna.run())
    download.arrive.set()
    resources.dataset_job().wait(20)
    assert has_mnist(ben.run())
    assert has_mnist(anna.run())  # as soon as it is there
    assert download.begun == 1


def test_the_download_ends_when_the_last_of_two_visitors_does_not_wait(app, download):
    anna, ben = app(), app()
    for test in (anna, ben):
        press(test, DONT_WAIT)
    resources.dataset_job().wait(20)
    assert (download.begun, download.closed) == (1, 1)
    assert has_sample(anna.run())
    assert has_sample(ben.run())


def test_a_visitor_who_comes_after_it_was_stopped_may_wait_for_a_new_download(app, download):
    anna = app()
    press(anna, DONT_WAIT)
    resources.dataset_job().wait(20)
    ben = app()
    until(lambda: is_waiting(ben.run()))
    assert download.begun == 2
    assert has_sample(anna.run())


def test_the_notice_offers_to_try_again(app, download):
    test = press(app(), DONT_WAIT)
    resources.dataset_job().wait(20)
    press(test.run(), AGAIN)
    until(lambda: is_waiting(test.run()))
    download.arrive.set()
    resources.dataset_job().wait(20)
    assert has_mnist(test.run())


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (InputError("The file {name} is damaged.", name="train"), "The file train is damaged."),
        (RuntimeError("secret"), "MNIST could not be opened; the log of this server says why: error "),
    ],
)
def test_a_download_that_fails_gives_the_sample_and_says_why(app, download, caplog, error, said):
    download.error = error
    test = app()
    resources.dataset_job().wait(20)
    assert has_sample(test.run())
    details = test.markdown[1].value
    assert said in details
    assert "secret" not in details
    assert download.begun == 1  # not tried at each run of the page
    assert said in caplog.text  # for the server's operator
    download.error = None
    ben = app()
    press(test, AGAIN)
    until(lambda: is_waiting(test.run()))
    assert download.begun == 2
    assert has_sample(ben.run())  # who has it keeps it while others try again


def test_a_training_gets_the_data_that_the_pages_have(download):
    download.arrive.set()
    assert resources.wait_for_dataset().source == "mnist"  # though no page has asked for it
    resources.dataset_job.clear()
    download.arrive.clear()
    download.error = InputError("It is damaged.")
    assert "It is damaged." in str(resources.wait_for_dataset().notice)


def test_a_visitor_who_does_not_wait_cannot_give_a_training_the_sample(app, download):
    anna = app()
    until(lambda: is_waiting(anna.run()))
    with ThreadPoolExecutor(1) as pool:
        training = pool.submit(resources.wait_for_dataset)
        until(lambda: len(resources.dataset_job()._watchers) == 2)
        press(anna, DONT_WAIT)
        time.sleep(0.1)
        assert resources.dataset_job().running
        download.arrive.set()
        assert training.result(20).source == "mnist"


def test_the_first_visitor_of_a_slow_start_is_told_of_the_sample_too(sample_only, monkeypatch):
    looks = []

    def so_far():
        """The data is not there at the first look, when its notice would be shown."""
        looks.append(1)
        return None if len(looks) == 1 else resources.load_sample()

    monkeypatch.setattr(resources, "dataset_so_far", so_far)

    def page():
        import streamlit as st

        from ui import resources

        resources.show_notice(private=True)
        resources.dataset()
        st.write("the page")

    test = AppTest.from_function(page, default_timeout=60).run()
    assert "offline sample" in test.markdown[0].value
    assert len(looks) == 4  # twice for each of two runs, and no more
