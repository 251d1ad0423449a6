"""Datasets: MNIST from a folder or downloaded, the offline sample, and the splits of a training."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mnist_core.config import TrainConfig
from mnist_core.data.download import DownloadError, download_mnist
from mnist_core.data.idx_files import (
    MNIST_FILES,
    cache_directory,
    check_file_if_changed,
    expected_content,
    has_mnist_files,
    missing_files,
    raw_folder,
    uncompressed_file,
)
from mnist_core.data.mnist_format import place_in_mnist_frame
from mnist_core.dataset_choices import DATASETS, MNIST, number_of_classes
from mnist_core.messages import N_, InputError, Message

PROJECT_DATA = Path(__file__).resolve().parent.parent.parent / "data"
SAMPLE_TRAIN = 1500  # training images of the offline sample; the rest, by other writers, are its test set


FILES = ("train", "test", "further")


class ImageReference(NamedTuple):
    """The name of an image of the data: its file, one of FILES, and its number there, from 0."""

    file: str
    number: int

    @property
    def text(self) -> str:
        """The reference as written in links, such as "test-42"; `parse` reads it back."""
        return f"{self.file}-{self.number}"

    @classmethod
    def parse(cls, text: str) -> ImageReference | None:
        """Read what `text` returns; None for anything else, or for a number of more than nine figures."""
        file, _dash, number = text.partition("-")
        valid = file in FILES and number.isdecimal() and len(number) < 10
        return cls(file, int(number)) if valid else None


@dataclass(frozen=True, eq=False)
class Split:
    """Images uint8 [N, 28, 28], 0 paper to 255 ink, and their labels uint8 [N], from 0.

    `file` says whose images these are, one of FILES ("" for images from elsewhere), and `first` is the number
    of the first of them there. `dataset` is the key of the data set, which knows what the labels stand for.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    file: str = ""
    first: int = 0
    dataset: str = MNIST

    @property
    def classes(self) -> int:
        """How many classes its data set has."""
        return number_of_classes(self.dataset)

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """How many images each class has, [classes]."""
        return np.bincount(self.labels, minlength=self.classes)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, part: slice) -> Split:
        """Return consecutive images, as views of the same memory."""
        start, stop, _step = part.indices(len(self))
        images, labels = self.images[start:stop], self.labels[start:stop]
        return Split(images, labels, self.file, self.first + start, self.dataset)

    def reference(self, place: int) -> ImageReference:
        """Return the name of the image at `place`, counted from 0, of this split."""
        return ImageReference(self.file, self.first + place)

    def place(self, reference: ImageReference) -> int | None:
        """Return the place of an image in this split; None if the split doesn't hold it."""
        place = reference.number - self.first
        return place if reference.file == self.file and 0 <= place < len(self) else None


@dataclass(frozen=True, eq=False)
class Dataset:
    """The training and test images of a data set, and a notice for people about it.

    `key` is the set's, one of choices.DATASETS. `source` says where the images come from, to tell runs apart:
    it is the key, or "sample" for the offline sample that stands for MNIST. `further` are more test images,
    which only some sets have.
    """

    train: Split
    test: Split
    source: str
    path: Path | None = None
    notice: Message | None = None
    key: str = MNIST
    further: Split | None = None

    @property
    def files(self) -> dict[str, Split]:
        """All images by file: "train", "test", and "further" where there are such."""
        files = {"train": self.train, "test": self.test, "further": self.further}
        return {name: split for name, split in files.items() if split is not None}

    def file(self, name: str) -> Split:
        """Return all images of one file."""
        return self.files[name]


@dataclass(frozen=True, eq=False)
class ConfigSplits:
    """The images that one training uses, each split a view of the dataset's memory.

    It learns from `train`. `validation` is held out of the training images, and may be empty. After each
    epoch the model is evaluated on `monitored`, which is the validation or the test images. `further` are
    more test images, if the data set has such.
    """

    train: Split
    validation: Split
    test: Split
    monitored: Split
    further: Split | None = None

    @property
    def to_evaluate(self) -> dict[str, Split]:
        """The splits to evaluate the trained model on, by name: those that hold images, 10,000 of `train`."""
        splits = {"validation": self.validation, "train": self.train[:MOST_TRAINING], "test": self.test}
        splits |= {"further": self.further} if self.further else {}
        return {name: split for name, split in splits.items() if len(split)}


MOST_TRAINING = 10_000  # images: enough to measure training accuracy, and as quick as the test set
SPLITS = ("validation", "train", "test", "further")  # to evaluate a model on


def split_images(config: TrainConfig, dataset: Dataset) -> ConfigSplits:
    """Return which images a training with `config` learns from, holds out, tests on and monitors.

    The validation images are the last `validation_size` training images; the first `train_size` of the
    others are learned from. If no image were left to learn from, as on the small offline sample, a sixth is
    held out instead: the 10,000 of 60,000 that are usual for MNIST. Of a set that has its own validation
    images, which are the last, these are held out, at most `validation_size`, and none is learned from.
    """
    count, info = len(dataset.train), DATASETS[dataset.key]
    if info.divided:
        held_out, kept = min(config.validation_size, info.validation), info.validation
    else:
        held_out = kept = config.validation_size if config.validation_size < count else count // 6
    train, validation = dataset.train[: count - kept], dataset.train[count - held_out :]
    monitored = dataset.test if config.monitor == "test" else validation
    return ConfigSplits(train[: config.train_size], validation, dataset.test, monitored, dataset.further)


def load_dataset(
    directory: Path | str | None = None, progress: Callable[[float], None] | None = None
) -> Dataset:
    """Open MNIST if it is found, else download it, else return the offline sample with a notice.

    `progress` is told the fraction of a download, 0 to 1. Raises InputError for a damaged MNIST where
    fetch_mnist does.
    """
    with closing(fetch_mnist(directory)) as steps:
        while True:
            try:
                fraction, _ = next(steps)
            except StopIteration as end:
                return cast(Dataset, end.value)
            except DownloadError as error:
                return load_sample(error.message)
            if progress:
                progress(fraction)


def fetch_mnist(directory: Path | str | None = None) -> Generator[tuple[float, None], None, Dataset]:
    """Return MNIST, opened where it is found, else downloaded.

    It yields the fraction that has arrived, 0 to 1, and None, as the steps of a Job do.
    A download goes into the directory given, or into the user cache directory; closing the generator stops
    it. Raises DownloadError when it fails, and InputError if the directory given (or named by DIGITLAB_DATA)
    holds a damaged MNIST or a part of it; one elsewhere is passed over, and replaced if it is in the cache.
    """
    given = given_directory(directory)
    notice = None
    for place in search_order(given):
        try:
            if has_mnist_files(place):
                return replace(open_mnist(place), notice=notice)
        except InputError as error:
            if place == given:
                raise
            notice = error.message
        else:
            if place == given:
                if part := part_of_mnist(given):
                    raise InputError(part.template, **part.values)
                notice = _nothing_in(given)
    target = given or cache_directory()
    with closing(download_mnist(target)) as fractions:
        for fraction in fractions:
            yield fraction, None
    return open_mnist(target)


def _nothing_in(directory: Path) -> Message:
    return Message(
        N_("{directory} does not hold the four files of MNIST, so another copy is in use."),
        {"directory": directory},
    )


def part_of_mnist(directory: Path | str | None = None) -> Message | None:
    """Say what is missing if the directory given, or named by DIGITLAB_DATA, holds only a part of MNIST."""
    given = given_directory(directory)
    missing = missing_files(given) if given else []
    if given is None or len(missing) not in range(1, len(MNIST_FILES)):
        return None
    return Message(
        N_(
            "{directory} holds only a part of MNIST. Put the rest there too, as it is or as .gz: {files}. Or "
            "name another folder in DIGITLAB_DATA."
        ),
        {"directory": raw_folder(given), "files": ", ".join(missing)},
    )


def find_mnist(directory: Path | str | None = None) -> Path | None:
    """Return the first directory that holds MNIST's four raw files (unchecked), or None.

    Looked at in turn: `directory`, or else the one DIGITLAB_DATA names; `data/` in the project; the user
    cache directory. In each the files may lie in `MNIST/raw`, as torchvision puts them, or directly.
    """
    return next(filter(has_mnist_files, search_order(given_directory(directory))), None)


def given_directory(directory: Path | str | None) -> Path | None:
    """Return the directory of the data that was asked for, by argument or in DIGITLAB_DATA; else None."""
    given = directory or os.environ.get("DIGITLAB_DATA")
    return Path(given).expanduser() if given else None


def search_order(given: Path | None) -> list[Path]:
    """Return the directories in which data is looked for, first the one that was asked for."""
    return ([given] if given else []) + [PROJECT_DATA, cache_directory()]


def open_mnist(path: Path | str) -> Dataset:
    """Open the MNIST in a directory such as `find_mnist` returns: mapped if nobody writes them, else read.

    Sizes and headers are checked each time, checksums when a file is new or has changed. Raises InputError,
    naming the file, if one is missing or damaged.
    """
    path = Path(path)
    folder = raw_folder(path)
    files = {name: uncompressed_file(folder, name) for name in MNIST_FILES}
    for file in files.values():
        check_file_if_changed(file)
    train, test = _open_split(files, "train", "train"), _open_split(files, "t10k", "test")
    return Dataset(train, test, "mnist", path)


def _open_split(files: Mapping[str, Path], prefix: str, file: str) -> Split:
    images, labels = (_values(files[f"{prefix}-{kind}-ubyte"]) for kind in ("images-idx3", "labels-idx1"))
    return Split(images, np.array(labels), file)


def _values(file: Path) -> NDArray[np.uint8]:
    """Return a checked file's values: mapped if nobody writes the file, else read.

    A process that touches a mapped file which somebody has cut short is ended (SIGBUS).
    """
    raw = expected_content(file)
    try:
        if _is_left_alone(file):
            # copy-on-write, as torch.from_numpy warns of memory that can't be written
            return np.asarray(np.memmap(file, np.uint8, mode="c", offset=len(raw.header), shape=raw.shape))
        return np.fromfile(file, np.uint8, prod(raw.shape), offset=len(raw.header)).reshape(raw.shape)
    except (OSError, ValueError) as error:
        raise InputError(N_("{file} changed while it was read; start again."), file=file) from error


def _is_left_alone(file: Path) -> bool:
    """Whether nobody but us writes a file: it is in our own cache, or no permission to write it is given."""
    ours = file.resolve().is_relative_to(cache_directory().resolve())
    return ours or not file.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH)


def load_sample(reason: Message | None = None) -> Dataset:
    """Return scikit-learn's digits in MNIST's format, 1,500 for training and 297 for testing, with a notice.

    `reason` ends the notice: why MNIST is missing and how to get it.
    """
    images, labels = sample_digits()
    train = Split(images[:SAMPLE_TRAIN], labels[:SAMPLE_TRAIN], "train")
    test = Split(images[SAMPLE_TRAIN:], labels[SAMPLE_TRAIN:], "test")
    notice = Message(
        N_("The offline sample of 1,797 small digits is in use, not MNIST. {reason}"),
        {"reason": reason or Message(N_("Name a folder that holds MNIST's four files in DIGITLAB_DATA."))},
    )
    return Dataset(train, test, "sample", notice=notice)


ENLARGE = 4  # back to the 32 x 32 the digits were counted from
PAPER, INK = 6, 14  # of 16: up to here paper, from here on black; gives MNIST's sharp strokes of about 2.5 px


def sample_digits() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return images uint8 [1797, 28, 28] (0 paper, 255 ink) and labels uint8 [1797]; deterministic.

    The order is scikit-learn's, which keeps each writer's digits together.
    """
    from sklearn.datasets import load_digits  # takes a second

    digits = load_digits()
    images = np.stack([place_in_mnist_frame(_enlarge(counts)) for counts in digits.images])
    return images, digits.target.astype(np.uint8)


def _enlarge(counts: NDArray[np.float64]) -> NDArray[np.float32]:
    """Enlarge ink counts [8, 8], 0 to 16, to ink [40, 40], 0 to 1, with sharp edges and an empty border."""
    padded = np.pad(counts.astype(np.float32), 1)  # so that strokes at the edge have round ends
    side = len(padded) * ENLARGE
    smooth = np.asarray(Image.fromarray(padded).resize((side, side), Image.Resampling.BICUBIC), np.float32)
    return ((smooth - PAPER) / (INK - PAPER)).clip(0, 1)
