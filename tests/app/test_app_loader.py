import threading

from mnist_core.data.mnist import load_sample
from mnist_core.messages import InputError
from ui.dataset_loader import DatasetLoader


def test_loads_once_and_reports_progress():
    halfway, go_on = threading.Event(), threading.Event()

    def load(progress):
        progress(0.5)
        halfway.set()
        go_on.wait(5)
        return "mnist"

    loader = DatasetLoader(load, load_sample)
    loader.start()
    halfway.wait(5)
    assert loader.dataset is None
    assert loader.fraction == 0.5
    loader.start()  # a second visitor
    assert loader.fraction == 0.5
    go_on.set()
    assert loader.wait(5) == "mnist"


def test_stop_leaves_the_download_for_the_sample_and_start_tries_again():
    begun = threading.Event()

    def load(progress):
        begun.set()
        while True:
            progress(0.1)

    loader = DatasetLoader(load, lambda reason: ("sample", reason))
    loader.start()
    begun.wait(5)
    loader.stop()
    assert loader.wait(5) == ("sample", None)
    loader.start()
    assert loader.wait(0.05) is None
    loader.stop()
    assert loader.wait(5) == ("sample", None)


def test_bad_data_gives_the_sample_and_says_why():
    def load(progress):
        raise InputError("The file {name} is damaged.", name="train")

    loader = DatasetLoader(load, load_sample)
    loader.start()
    assert "The file train is damaged." in str(loader.wait(60).notice)


def test_an_unforeseen_failure_still_gives_the_sample(caplog):
    loader = DatasetLoader(lambda progress: 1 / 0, load_sample)
    loader.start()
    assert loader.wait(60).source == "sample"
    assert "ZeroDivisionError" in caplog.text
