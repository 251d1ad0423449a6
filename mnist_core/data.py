"""The images: MNIST where it is found, downloaded where it isn't, and what stands in for it offline."""

import os
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mnist_core.dataset.download import download_mnist
from mnist_core.dataset.raw_files import FILES, cache_directory, check_file_once, holds_mnist, raw_folder
from mnist_core.messages import N_, InputError, Message

PROJECT_DATA = Path(__file__).resolve().parent.parent / "data"
SAMPLE_TRAIN = 1500  # images of the offline sample to train on; the rest, by other writers, are the test


@dataclass(frozen=True, eq=False)
class Split:
    """Images uint8 [N, 28, 28], 0 paper to 255 ink, and their labels uint8 [N], 0 to 9."""

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, part: slice) -> "Split":
        return Split(self.images[part], self.labels[part])


@dataclass(frozen=True, eq=False)
class Dataset:
    """Both splits, where they came from ("mnist" or "sample"), and what people should be told about that."""

    train: Split
    test: Split
    source: str
    path: Path | None = None
    notice: Message | None = None


def load_dataset(
    directory: Path | str | None = None, progress: Callable[[float], None] | None = None
) -> Dataset:
    """Open MNIST where it is found, else download it, else return the offline sample with a notice.

    A download goes into the directory given, or into the user cache directory; `progress` is told its
    fraction, 0 to 1. Raises InputError if the directory given (or named by DIGITLAB_DATA) holds a damaged
    MNIST; a damaged one elsewhere is passed over, and replaced if it is in the cache.
    """
    given = _given_directory(directory)
    notice = None
    for place in _search_order(given):
        try:
            if holds_mnist(place):
                return replace(open_mnist(place), notice=notice)
        except InputError as error:
            if place == given:
                raise
            notice = error.message
        else:
            notice = _nothing_in(place) if place == given else notice
    return _download_or_sample(given or cache_directory(), progress)


def _nothing_in(directory: Path) -> Message:
    return Message(
        N_("{directory} doesn't hold the four files of MNIST, so another copy is in use."),
        {"directory": directory},
    )


def _download_or_sample(directory: Path, progress: Callable[[float], None] | None) -> Dataset:
    try:
        with closing(download_mnist(directory)) as fractions:
            for fraction in fractions:
                if progress:
                    progress(fraction)
        return open_mnist(directory)
    except InputError as error:
        return load_sample(error.message)


def find_mnist(directory: Path | str | None = None) -> Path | None:
    """Return the first directory that holds MNIST's four raw files (unchecked), or None.

    Looked at in turn: `directory`, or else the one DIGITLAB_DATA names; `data/` in the project; the user
    cache directory. In each the files may lie in `MNIST/raw`, as torchvision puts them, or directly.
    """
    return next(filter(holds_mnist, _search_order(_given_directory(directory))), None)


def _given_directory(directory: Path | str | None) -> Path | None:
    given = directory or os.environ.get("DIGITLAB_DATA")
    return Path(given).expanduser() if given else None


def _search_order(given: Path | None) -> list[Path]:
    return ([given] if given else []) + [PROJECT_DATA, cache_directory()]


def open_mnist(path: Path | str) -> Dataset:
    """Open the MNIST in a directory such as `find_mnist` returns; images are mapped into memory, not read.

    Sizes and headers are checked each time, checksums when a file is new or has changed. Raises InputError,
    naming the file, if one is missing or damaged.
    """
    path = Path(path)
    folder = raw_folder(path)
    for name in FILES:
        check_file_once(folder / name)
    return Dataset(_open_split(folder, "train"), _open_split(folder, "t10k"), "mnist", path)


def _open_split(folder: Path, name: str) -> Split:
    return Split(
        _map(folder / f"{name}-images-idx3-ubyte"), np.array(_map(folder / f"{name}-labels-idx1-ubyte"))
    )


def _map(file: Path) -> NDArray[np.uint8]:
    """Map a checked file's values; copy-on-write, as torch.from_numpy wants memory that it could write to."""
    raw = FILES[file.name]
    return np.asarray(np.memmap(file, np.uint8, mode="c", offset=len(raw.header), shape=raw.shape))


def load_sample(reason: Message | None = None) -> Dataset:
    """Return scikit-learn's digits made to look like MNIST's, 1,500 to train and 297 to test, with a notice.

    `reason` is the end of the notice: why MNIST isn't there and how to get it.
    """
    from mnist_core.dataset.sample import sample_digits

    digits = Split(*sample_digits())
    notice = Message(
        N_("The offline sample of 1,797 small digits is in use, not MNIST. {reason}"),
        {"reason": reason or Message(N_("Name a folder that holds MNIST's four files in DIGITLAB_DATA."))},
    )
    return Dataset(digits[:SAMPLE_TRAIN], digits[SAMPLE_TRAIN:], "sample", notice=notice)


def hold_out(train: Split, size: int) -> tuple[Split, Split]:
    """Split the last `size` images off for validation: (train, validation), views of the same memory.

    If nothing were left to train on, as on the small offline sample, a sixth is held out instead: the
    10,000 of 60,000 that are usual for MNIST.
    """
    held = size if size < len(train) else len(train) // 6
    kept = len(train) - held
    return train[:kept], train[kept:]
