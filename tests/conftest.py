"""What all tests share: nothing of the user's own is touched, and nothing leaves the machine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mnist_core.runtime.process import configure_process

configure_process()  # before torch is imported

import torch  # noqa: E402

SHARED_MNIST = Path(__file__).resolve().parents[2] / "shared" / "mnist"


@pytest.fixture(scope="session", autouse=True)
def own_directories(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """User directories of their own for the tests, and a mirror that refuses at once instead of a network."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for kind in ("CACHE", "DATA", "STATE", "CONFIG"):
            patch.setenv(f"XDG_{kind}_HOME", str(home / kind.lower()))
        patch.setenv("WIN_PD_OVERRIDE_LOCAL_APPDATA", str(home / "windows"))
        patch.delenv("DIGITLAB_DATA", raising=False)
        patch.setenv("DIGITLAB_MIRROR", "http://127.0.0.1:9/")  # the discard port: connection refused
        yield


@pytest.fixture(scope="session", autouse=True)
def one_thread_first() -> None:
    """Torch begins with one thread: test processes share the cores, and rounding depends on the number."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def mnist_directory() -> Path:
    """The real MNIST, where a copy stands beside the repository."""
    if not (SHARED_MNIST / "MNIST" / "raw" / "train-images-idx3-ubyte").is_file():
        pytest.skip("needs the real MNIST in ../shared/mnist")
    return SHARED_MNIST
