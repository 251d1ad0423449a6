"""Small data sets made up by the tests, in the files and formats in which each set is published."""

import bz2
import gzip
import hashlib
import io
import struct
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mnist_core.data import published_files
from mnist_core.data.datasets import unpacked_folder, write_set
from mnist_core.data.published_files import PUBLISHED
from mnist_core.dataset_choices import DATASETS

TRAIN, TEST = 60, 40


def glyph() -> np.ndarray:
    """An upright L: no mirror image or turn of it looks the same."""
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 6:9] = 255
    image[21:24, 6:18] = 255
    return image


def pictures(count: int, classes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return images uint8 [N, 28, 28] of L with a bar whose place tells the class, and labels from 0."""
    random = np.random.default_rng(seed)
    labels = (np.arange(count) % classes).astype(np.uint8)
    random.shuffle(labels)
    images = np.stack([glyph()] * count)
    for image, label in zip(images, labels, strict=True):
        row, column = divmod(int(label), 8)
        image[2 + row * 3 : 5 + row * 3, 2 + column * 3 : 5 + column * 3] = 200
    return images ^ random.integers(0, 8, images.shape, np.uint8), labels


def idx(values: np.ndarray) -> bytes:
    """Return an array as the content of an idx file, big-endian."""
    kind = {"uint8": 8, "int32": 12}[values.dtype.name]
    header = struct.pack(f">BBBB{values.ndim}I", 0, 0, kind, values.ndim, *values.shape)
    return header + values.astype(values.dtype.newbyteorder(">")).tobytes()


def made_archives(key: str) -> dict[str, bytes]:
    """Return the files of a set by name, as its publisher has them, with TRAIN and TEST images."""
    classes = len(DATASETS[key].classes)
    parts = {"train": pictures(TRAIN, classes), "test": pictures(TEST, classes, 1)}
    if key == "usps":
        return {"usps.bz2": _libsvm(*parts["train"]), "usps.t.bz2": _libsvm(*parts["test"])}
    if key.startswith("emnist"):
        return {"gzip.zip": _emnist_zip(key.partition("-")[2], parts)}
    if key == "qmnist":
        return {
            name: gzip.compress(content, mtime=0)
            for part, (images, labels) in parts.items()
            for name, content in (
                (f"qmnist-{part}-images-idx3-ubyte.gz", idx(images)),
                (f"qmnist-{part}-labels-idx2-int.gz", idx(_facts(labels))),
            )
        }
    return {
        name: gzip.compress(content, mtime=0)
        for part, (images, labels) in zip(("train", "t10k"), parts.values(), strict=True)
        for name, content in (
            (f"{part}-images-idx3-ubyte.gz", idx(images)),
            (f"{part}-labels-idx1-ubyte.gz", idx(labels)),
        )
    }


def _facts(labels: np.ndarray) -> np.ndarray:
    facts = np.full((len(labels), 8), 77, np.int32)
    facts[:, 0] = labels
    return facts


def _emnist_zip(part: str, parts: dict[str, tuple[np.ndarray, np.ndarray]]) -> bytes:
    """EMNIST's images lie on their side, and the labels of its letters begin at 1."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for file, (images, labels) in parts.items():
            first = np.uint8(part == "letters")
            turned = np.ascontiguousarray(images.transpose(0, 2, 1))
            for kind, values in (("images-idx3", turned), ("labels-idx1", labels + first)):
                name = f"gzip/emnist-{part}-{file}-{kind}-ubyte.gz"
                archive.writestr(zipfile.ZipInfo(name), gzip.compress(idx(values), mtime=0))
    return content.getvalue()


def _libsvm(images: np.ndarray, labels: np.ndarray) -> bytes:
    """USPS has 16 x 16 pixels from -1 to 1 and labels from 1, as text."""
    small = images[:, 4:20, 4:20].astype(float) / 127.5 - 1
    lines = [
        f"{label + 1} " + " ".join(f"{place}:{value:.6f}" for place, value in enumerate(image.ravel(), 1))
        for label, image in zip(labels, small, strict=True)
    ]
    return bz2.compress("\n".join(lines).encode() + b"\n")


def pass_for_published(monkeypatch: pytest.MonkeyPatch, key: str, archives: dict[str, bytes]) -> None:
    """Have the code under test take made archives for a set's own: their checksums are the expected ones."""
    published = PUBLISHED[key]
    archived = tuple(
        replace(archive, md5=hashlib.md5(archives[archive.name]).hexdigest())
        for archive in published.archives
    )
    size = sum(map(len, archives.values()))
    monkeypatch.setitem(PUBLISHED, key, replace(published, archives=archived, size=size))
    monkeypatch.setattr(published_files, "MNIST_TESTED", TEST // 4)
    monkeypatch.setitem(
        DATASETS.published, key, replace(DATASETS[key], images=(TRAIN, TEST, 0), validation=10)
    )


def write_archives(folder: Path, archives: dict[str, bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in archives.items():
        (folder / name).write_bytes(content)
    return folder


def unpack_made_set(place: Path, key: str, train: int, test: int) -> None:
    """Put a made set of `key` into a directory of data, unpacked."""
    classes = len(DATASETS[key].classes)
    splits = {"train": pictures(train, classes), "test": pictures(test, classes, 1)}
    list(write_set(unpacked_folder(place, key), splits))


def write_as_torchvision(folder: Path, key: str) -> None:
    """Write a set as torchvision leaves it after a download: unpacked beside the archives."""
    raw = write_archives(folder / PUBLISHED[key].folder, made_archives(key))
    for packed in raw.glob("*.gz"):
        packed.with_suffix("").write_bytes(gzip.decompress(packed.read_bytes()))
    for archive in raw.glob("*.zip"):
        with zipfile.ZipFile(archive) as opened:
            for name in opened.namelist():
                unpacked = raw / name.rpartition("/")[2].removesuffix(".gz")
                unpacked.write_bytes(gzip.decompress(opened.read(name)))
