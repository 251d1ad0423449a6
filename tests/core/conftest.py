"""Fixtures of the core's tests: one thread, some digits, and a tiny MNIST with its own checksums."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from mnist_core.data import mnist
from mnist_core.data.idx_files import MNIST_FILES, IdxFile
from mnist_core.data.mnist import Dataset, Split, load_sample, open_mnist

TINY_SHAPES = {
    "train-images-idx3-ubyte": (600, 28, 28),
    "train-labels-idx1-ubyte": (600,),
    "t10k-images-idx3-ubyte": (100, 28, 28),
    "t10k-labels-idx1-ubyte": (100,),
}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """One thread in each test, and in fixtures of modules, which are set up before this one."""
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def sample() -> Dataset:
    """The offline sample: real digits, 1,500 to train and 297 to test."""
    return load_sample()


@pytest.fixture(scope="session")
def batch(sample: Dataset) -> Split:
    """Forty digits, four of each."""
    return sample.train[:40]


@pytest.fixture(scope="session")
def mnist_images(mnist_directory: Path) -> np.ndarray:
    """The first hundred of MNIST's own test images."""
    return open_mnist(mnist_directory).test.images[:100]


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty user cache directory for this test, and no `data/` in the project."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(mnist, "PROJECT_DATA", tmp_path / "project" / "data")
    return tmp_path / "cache" / "digit-lab"


@pytest.fixture
def tiny_files(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Random idx files, which the code under test takes for MNIST's: name -> content."""
    random = np.random.default_rng(0)
    contents = {}
    for name, shape in TINY_SHAPES.items():
        values = random.integers(0, 10 if len(shape) == 1 else 256, shape, np.uint8).tobytes()
        content = IdxFile(shape, "").header + values
        monkeypatch.setitem(MNIST_FILES, name, IdxFile(shape, hashlib.sha256(content).hexdigest()))
        contents[name] = content
    return contents


def write_files(folder: Path, contents: dict[str, bytes]) -> None:
    folder.mkdir(parents=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)


@pytest.fixture
def tiny_mnist(tmp_path: Path, own_cache: Path, tiny_files: dict[str, bytes]) -> Path:
    """A directory in torchvision's layout that holds the tiny MNIST."""
    write_files(tmp_path / "tiny" / "MNIST" / "raw", tiny_files)
    return tmp_path / "tiny"
