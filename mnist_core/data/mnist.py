"""The images: MNIST where it is found, downloaded where it isn't, and what stands in for it offline."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mnist_core.config import TrainConfig
from mnist_core.data.download import download_mnist
from mnist_core.data.idx_files import MNIST_FILES, cache_directory, check_file_once, holds_mnist, raw_folder
from mnist_core.data.mnist_format import place_in_mnist_frame
from mnist_core.messages import N_, InputError, Message

if TYPE_CHECKING:
    from mnist_core.config import TrainConfig

PROJECT_DATA = Path(__file__).resolve().parent.parent.parent / "data"
SAMPLE_TRAIN = 1500  # images of the offline sample to train on; the rest, by other writers, are the test


@dataclass(frozen=True, eq=False)
class Split:
    """Images uint8 [N, 28, 28], 0 paper to 255 ink, and their labels uint8 [N], 0 to 9."""

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, part: slice) -> Split:
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
    for name in MNIST_FILES:
        check_file_once(folder / name)
    return Dataset(_open_split(folder, "train"), _open_split(folder, "t10k"), "mnist", path)


def _open_split(folder: Path, name: str) -> Split:
    return Split(
        _map(folder / f"{name}-images-idx3-ubyte"), np.array(_map(folder / f"{name}-labels-idx1-ubyte"))
    )


def _map(file: Path) -> NDArray[np.uint8]:
    """Map a checked file's values; copy-on-write, as torch.from_numpy wants memory that it could write to."""
    raw = MNIST_FILES[file.name]
    return np.asarray(np.memmap(file, np.uint8, mode="c", offset=len(raw.header), shape=raw.shape))


def load_sample(reason: Message | None = None) -> Dataset:
    """Return scikit-learn's digits made to look like MNIST's, 1,500 to train and 297 to test, with a notice.

    `reason` is the end of the notice: why MNIST isn't there and how to get it.
    """
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


SPLITS = ("validation", "train", "test")
MOST_TRAINING = 10_000  # images: enough to see how well a model knows them, and as quick as the test images


def evaluation_splits(config: TrainConfig, dataset: Dataset) -> dict[str, tuple[Split, int]]:
    """Return the splits to judge a model by that learned as `config` says, those without images left out.

    They are "validation" (held out from it), "train" (what it learned from, the first 10,000) and "test",
    each with the place of its first image among the training or test images.
    """
    train, validation = hold_out(dataset.train, config.validation_size)
    learned = train[: min(config.train_size, MOST_TRAINING)]
    splits = {"validation": (validation, len(train)), "train": (learned, 0), "test": (dataset.test, 0)}
    return {name: entry for name, entry in splits.items() if len(entry[0])}


def training_and_monitored_split(config: TrainConfig, dataset: Dataset) -> tuple[Split, Split]:
    """Return the images to train on and those to watch: held out of the training set, or the test set."""
    train, validation = hold_out(dataset.train, config.validation_size)
    return train, dataset.test if config.monitor == "test" else validation


ENLARGE = 4  # back to the 32 x 32 the digits were counted from
PAPER, INK = 6, 14  # of 16: up to here paper, from here on black; gives MNIST's sharp strokes of about 2.5 px


def sample_digits() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return images uint8 [1797, 28, 28] (0 paper, 255 ink) and labels uint8 [1797], always the same.

    The order is scikit-learn's, in which the digits of one writer stand together.
    """
    from sklearn.datasets import load_digits  # takes a second

    digits = load_digits()
    images = np.stack([place_in_mnist_frame(_enlarge(counts)) for counts in digits.images])
    return images, digits.target.astype(np.uint8)


def _enlarge(counts: NDArray[np.float64]) -> NDArray[np.float32]:
    """Ink counts [8, 8] of 0 to 16 -> ink [40, 40] of 0 to 1 with smooth, sharp edges and an empty border."""
    padded = np.pad(counts.astype(np.float32), 1)  # so that strokes at the edge end round, not cut off
    side = len(padded) * ENLARGE
    smooth = np.asarray(Image.fromarray(padded).resize((side, side), Image.Resampling.BICUBIC), np.float32)
    return ((smooth - PAPER) / (INK - PAPER)).clip(0, 1)
