"""The data sets beside MNIST as they are published: addresses and checksums, and how their files are read.

The addresses and checksums are torchvision's; a test compares them with the installed one. What the files
need to be like MNIST's is done here: EMNIST's images are turned upright and the labels of its letters begin
at 0, and USPS's 16 x 16 pixels are enlarged to the 20 x 20 that MNIST's digits have within 28 x 28.
"""

from __future__ import annotations

import gzip
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mnist_core.data.download import Archive, has_md5
from mnist_core.data.mnist_format import IMAGE_SIZE, INK_SIZE
from mnist_core.dataset_choices import DATASETS
from mnist_core.messages import N_, InputError, Message

Labelled = tuple[NDArray[np.uint8], NDArray[np.uint8]]  # images [N, 28, 28] and labels [N]
Reader = Callable[[Path, str], tuple[NDArray[Any], NDArray[Any]]]  # not checked yet
IDX_TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}  # by the header's third byte
MNIST_TESTED = 10_000  # of QMNIST's test images: those that MNIST has too


@dataclass(frozen=True)
class PublishedSet:
    """A data set as it is published: its `archives`, about `size` bytes, in torchvision's `folder`.

    `read` takes the folder and one of `files`, and returns that file's images and labels.
    """

    folder: Path
    archives: tuple[Archive, ...]
    size: int
    read: Reader
    files: tuple[str, ...] = ("train", "test")


def missing_archives(key: str, folder: Path) -> list[str]:
    """Return the names of a set's archives that `folder` doesn't hold; their content isn't checked."""
    names = [archive.name for archive in PUBLISHED[key].archives]
    return [name for name in names if not (folder / name).is_file()]


def damaged_archive(key: str, folder: Path) -> Path | None:
    """Return the first of a set's archives in `folder` whose checksum is wrong; None if all are right."""
    archives = PUBLISHED[key].archives
    wrong = (archive for archive in archives if not has_md5(folder / archive.name, archive.md5))
    return next((folder / archive.name for archive in wrong), None)


def read_published(key: str, folder: Path, file: str) -> Labelled:
    """Read the images and labels of one of a set's files, "train", "test" or "further", from its archives.

    Raises InputError if an archive can't be read, or does not hold what the set must have.
    """
    try:
        images, labels = PUBLISHED[key].read(folder, file)
    except (
        OSError,
        EOFError,
        ValueError,
        LookupError,
        struct.error,
        zlib.error,
        zipfile.BadZipFile,
    ) as error:
        raise _unlike(key, folder, str(error) or type(error).__name__) from error
    classes = len(DATASETS[key].classes)
    if images.dtype.itemsize != 1 or images.shape != (len(labels), IMAGE_SIZE, IMAGE_SIZE):
        raise _unlike(key, folder, f"images {images.shape}, labels {labels.shape}")
    if not len(labels) or labels.min() < 0 or labels.max() >= classes:
        raise _unlike(key, folder, f"labels of {classes} classes expected")
    return images.astype(np.uint8, copy=False), labels.astype(np.uint8)


def _unlike(key: str, folder: Path, problem: str) -> InputError:
    return InputError(
        N_("The files in {folder} can't be read as {name} ({problem}); delete them to download them again."),
        folder=folder,
        name=Message(DATASETS[key].label),
        problem=problem,
    )


def read_idx(content: bytes) -> NDArray[Any]:
    """Read the content of an idx file.

    It is 0, 0, type, number of dimensions, the dimensions (uint32, big-endian), and the values. Raises
    ValueError if it is none, or does not hold as many values as it says.
    """
    start = content[:4]
    if len(start) < 4 or start[:2] != b"\0\0" or start[2] not in IDX_TYPES or not 1 <= start[3] <= 3:
        raise ValueError("no idx header")
    end = 4 + 4 * start[3]
    shape = struct.unpack(f">{start[3]}I", content[4:end])
    values: NDArray[Any] = np.frombuffer(content, IDX_TYPES[start[2]], offset=end)
    if values.size != int(np.prod(shape, dtype=np.int64)):
        raise ValueError(f"{values.size} values instead of {' x '.join(map(str, shape))}")
    return values.reshape(shape)


def _read_gzipped(folder: Path, images: str, labels: str) -> tuple[NDArray[Any], NDArray[Any]]:
    with gzip.open(folder / images) as pixels, gzip.open(folder / labels) as classes:
        return read_idx(pixels.read()), read_idx(classes.read())


def _read_like_mnist(folder: Path, file: str) -> tuple[NDArray[Any], NDArray[Any]]:
    prefix = {"train": "train", "test": "t10k"}[file]
    return _read_gzipped(folder, f"{prefix}-images-idx3-ubyte.gz", f"{prefix}-labels-idx1-ubyte.gz")


def _read_qmnist(folder: Path, file: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """Read QMNIST, whose labels are rows of eight numbers that begin with the digit."""
    part = "train" if file == "train" else "test"
    images, facts = _read_gzipped(
        folder, f"qmnist-{part}-images-idx3-ubyte.gz", f"qmnist-{part}-labels-idx2-int.gz"
    )
    places = {"train": slice(None), "test": slice(MNIST_TESTED), "further": slice(MNIST_TESTED, None)}[file]
    return images[places], facts[places, 0]


def _emnist(part: str, first_label: int) -> Reader:
    """Return what reads one part of EMNIST's zip file, whose labels begin at `first_label`."""

    def read(folder: Path, file: str) -> tuple[NDArray[Any], NDArray[Any]]:
        with zipfile.ZipFile(folder / "gzip.zip") as archive:
            prefix = f"gzip/emnist-{part}-{file}"
            with archive.open(f"{prefix}-images-idx3-ubyte.gz") as packed, gzip.open(packed) as pixels:
                images = read_idx(pixels.read())
            with archive.open(f"{prefix}-labels-idx1-ubyte.gz") as packed, gzip.open(packed) as classes:
                labels = read_idx(classes.read()).astype(np.int16) - first_label
        if images.ndim != 3:
            raise ValueError(f"images {images.shape}")
        return images.transpose(0, 2, 1), labels

    return read


def _read_usps(folder: Path, file: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """Read USPS: LIBSVM's text, pixels from -1 to 1 and labels from 1, which scikit-learn unpacks."""
    from sklearn.datasets import load_svmlight_file

    pixels, labels = load_svmlight_file(str(folder / USPS_FILES[file]), n_features=256)
    grey = ((pixels.toarray().astype(np.float32) + 1) / 2 * 255).astype(np.uint8).reshape(-1, 16, 16)
    return np.stack([_enlarged(image) for image in grey]), (labels - 1).astype(np.int16)


def _enlarged(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Enlarge an image to 20 x 20 pixels, the room of MNIST's digits, in the middle of 28 x 28."""
    larger = Image.fromarray(image).resize((INK_SIZE, INK_SIZE), Image.Resampling.BICUBIC)
    return np.pad(np.asarray(larger), (IMAGE_SIZE - INK_SIZE) // 2)


def _gz(base: str, *files: tuple[str, str]) -> tuple[Archive, ...]:
    return tuple(Archive(f"{base}{name}.gz", md5) for name, md5 in files)


USPS_FILES = {"train": "usps.bz2", "test": "usps.t.bz2"}
_EMNIST = (
    Archive("https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip", "58c8d27c78d21e728a6bc7b3cc06412e"),
)
_LIBSVM = "https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass/"

PUBLISHED: dict[str, PublishedSet] = {
    "qmnist": PublishedSet(
        Path("QMNIST", "raw"),
        _gz(
            "https://raw.githubusercontent.com/facebookresearch/qmnist/master/",
            ("qmnist-train-images-idx3-ubyte", "ed72d4157d28c017586c42bc6afe6370"),
            ("qmnist-train-labels-idx2-int", "0058f8dd561b90ffdd0f734c6a30e5e4"),
            ("qmnist-test-images-idx3-ubyte", "1394631089c404de565df7b7aeaf9412"),
            ("qmnist-test-labels-idx2-int", "5b5b05890a5e13444e108efe57b788aa"),
        ),
        20_500_000,
        _read_qmnist,
        ("train", "test", "further"),
    ),
    "emnist-digits": PublishedSet(Path("EMNIST", "raw"), _EMNIST, 561_800_000, _emnist("digits", 0)),
    "emnist-letters": PublishedSet(Path("EMNIST", "raw"), _EMNIST, 561_800_000, _emnist("letters", 1)),
    "emnist-balanced": PublishedSet(Path("EMNIST", "raw"), _EMNIST, 561_800_000, _emnist("balanced", 0)),
    "kmnist": PublishedSet(
        Path("KMNIST", "raw"),
        _gz(
            "http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
            ("train-images-idx3-ubyte", "bdb82020997e1d708af4cf47b453dcf7"),
            ("train-labels-idx1-ubyte", "e144d726b3acfaa3e44228e80efcd344"),
            ("t10k-images-idx3-ubyte", "5c965bf0a639b31b8f53240b1b52f4d7"),
            ("t10k-labels-idx1-ubyte", "7320c461ea6c1c855c0b718fb2a4b134"),
        ),
        21_300_000,
        _read_like_mnist,
    ),
    "fashion-mnist": PublishedSet(
        Path("FashionMNIST", "raw"),
        _gz(
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            ("train-images-idx3-ubyte", "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
            ("train-labels-idx1-ubyte", "25c81989df183df01b3e8a0aad5dffbe"),
            ("t10k-images-idx3-ubyte", "bef4ecab320f06d8554ea6380940ec79"),
            ("t10k-labels-idx1-ubyte", "bb300cfdad3c16e7a12a480ee83cd310"),
        ),
        30_900_000,
        _read_like_mnist,
    ),
    "usps": PublishedSet(
        Path("USPS"),
        (
            Archive(f"{_LIBSVM}usps.bz2", "ec16c51db3855ca6c91edd34d0e9b197"),
            Archive(f"{_LIBSVM}usps.t.bz2", "8ea070ee2aca1ac39742fdd1ef5ed118"),
        ),
        8_500_000,
        _read_usps,
    ),
}
"""The data sets of choices.DATASETS but MNIST, which data.mnist opens."""
