"""Fixtures of all tests: no file of the user is touched, and nothing uses the network."""

import functools
import gc
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

gc.disable()  # until all tests are collected: nothing of that goes before the end

import torch  # noqa: E402
from xdist.scheduler import LoadFileScheduling  # noqa: E402

from mnist_core.data import mnist  # noqa: E402
from mnist_core.runtime import job as job_module  # noqa: E402
from mnist_core.runtime.job import end_all_jobs  # noqa: E402
from mnist_core.search import storage  # noqa: E402

os.fsync = lambda file: None  # no file of a test need outlast a power cut

SECONDS_TO_END = 60  # for a thread, on a busy machine
THREADS_OF_QUEUES = {"training", "search"}

# The offline sample is made once a process, as that takes a third of a second; each caller gets a copy.
make_digits = mnist.sample_digits
digits_made_once = functools.cache(make_digits)
mnist.sample_digits = lambda: tuple(part.copy() for part in digits_made_once())

SHARED_MNIST = Path(__file__).resolve().parents[2] / "shared" / "mnist"


class BrowsersOnTwoProcesses(LoadFileScheduling):
    """Give the browser's files to two processes while there are others: each has a server and a Chromium."""

    def _assign_work_unit(self, node: object) -> None:
        in_browser = node in self.nodes[:2]
        fit = (file for file in self.workqueue if file.startswith("tests/browser/") == in_browser)
        self.workqueue.move_to_end(next(fit, next(iter(self.workqueue))), last=False)
        super()._assign_work_unit(node)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> BrowsersOnTwoProcesses | None:
    """Have the test processes share the files so, unless the command asks for another order."""
    return BrowsersOnTwoProcesses(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_collection_finish() -> None:
    """Leave PyTorch, Streamlit and 5,000 tests out of each garbage collection, as these take 0.2 s else."""
    gc.freeze()
    gc.enable()


def pytest_unconfigure() -> None:
    """Let Python free at its end what libraries would otherwise report as leaks."""
    gc.unfreeze()


@pytest.fixture(scope="session", autouse=True)
def own_directories(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """User directories of their own for the tests, and a mirror that refuses at once instead of a network."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for kind in ("CACHE", "DATA", "STATE", "CONFIG"):
            patch.setenv(f"XDG_{kind}_HOME", str(home / kind.lower()))
        patch.setenv("DIGITLAB_RUNS", str(home / "runs"))
        patch.setenv("WIN_PD_OVERRIDE_LOCAL_APPDATA", str(home / "windows"))
        patch.delenv("DIGITLAB_DATA", raising=False)
        patch.setenv("DIGITLAB_MIRROR", "http://127.0.0.1:9/")  # the discard port: connection refused
        yield


@pytest.fixture(scope="session", autouse=True)
def tables_of_searches_made_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A new file of searches begins as a copy, as Optuna takes a quarter of a second to make its tables."""
    empty, open_storage = tmp_path_factory.mktemp("searches") / storage.STUDIES_FILE, storage._open_storage

    def open_copy(url: str) -> object:
        file = Path(url.removeprefix("sqlite:///"))
        if url.startswith("sqlite") and not file.exists():
            if not empty.exists():
                open_storage(f"sqlite:///{empty}").remove_session()
            shutil.copy(empty, file)
        return open_storage(url)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(storage, "_open_storage", open_copy)
        yield


@pytest.fixture(scope="session", autouse=True)
def one_thread_first() -> None:
    """Torch begins with one thread: test processes share the cores, and rounding depends on the number."""
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def nothing_goes_on() -> Iterator[None]:
    """End the jobs that a test left running, and fail it if work of ours outlives it all the same."""
    yield
    end_all_jobs(SECONDS_TO_END)
    left = [thread for thread in threading.enumerate() if thread.name in THREADS_OF_QUEUES]
    for thread in left:
        thread.join(SECONDS_TO_END)
    still = [thread.name for thread in (*left, *job_threads()) if thread.is_alive()]
    assert still == [], "close the training queue, or have the job end"


def job_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if isinstance(thread, job_module._JobThread)]


@pytest.fixture(scope="session")
def mnist_directory() -> Path:
    """The real MNIST, where a copy stands beside the repository."""
    if not (SHARED_MNIST / "MNIST" / "raw" / "train-images-idx3-ubyte").is_file():
        pytest.skip("needs the real MNIST in ../shared/mnist")
    return SHARED_MNIST
