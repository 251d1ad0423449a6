"""A data set or a sheet of drawings exported as one file: CSV, IDX or pictures in a zip, or an NPZ.

It is written in parts of a thousand images, and `reading.read_source` reads it back to the same arrays.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import IO

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray
from PIL import Image

from mnist_core.data.idx_files import IdxFile
from mnist_core.data.mnist import Split
from mnist_core.data.mnist_format import IMAGE_SIZE
from mnist_core.messages import N_, InputError
from mnist_core.own_data.own_images import CLASS_LIST, PARTS, named
from mnist_core.recognition.labelled_drawings import LabelledDrawing

AT_ONCE = 1000  # images, whose text takes 3 MB
COMPRESSION = 3  # of the zip, 1 to 9
NOT_IN_CELLS, FORMULA = ",;", ("=", "+", "-", "@")  # separators, and what a spreadsheet would calculate
NOT_IN_FOLDERS = '/\\:*?"<>|.'
RESERVED = {"con", "prn", "aux", "nul", *PARTS}  # names of devices in Windows, and of parts here
CELLS = np.array([list(f"{value},".ljust(4, "\0").encode()) for value in range(256)], np.uint8)
Chunk = tuple[bytes, int]  # a piece of a file, and how many images are done with it
Member = tuple[str, Iterator[Chunk]]  # the name of a file in the zip, and its content
Progress = Generator[tuple[float, None], None, None]


@dataclass(frozen=True)
class DataFormat:
    """An export format: what it is, and what writes the files of a part.

    `members` takes the part's name, "" if there is one only, its images, and a word for each label. `ending`
    is that of the whole file.
    """

    label: str
    members: Callable[[str, Split, Sequence[str]], Iterator[Member]]
    ending: str = "zip"
    compression: int = zipfile.ZIP_DEFLATED


def write_data(file: IO[bytes], splits: Mapping[str, Split], classes: Sequence[str], kind: str) -> Progress:
    """Write splits to a file in a format of DATA_FORMATS; yield the fraction done, 0 to 1, and None.

    The names of `splits` are "train", "test" and "further", or "" for the only one. The labels of a CSV and
    the folders of pictures are the names of classes where these can be read back, else numbers from 0, as IDX
    and NPZ have. classes.txt, or in an NPZ the array `classes`, has the names in the order of the numbers.
    """
    chosen, count, done = DATA_FORMATS[kind], sum(map(len, splits.values())), 0
    words = _class_words(classes, folders=kind == "png")
    with zipfile.ZipFile(file, "w", chosen.compression, compresslevel=COMPRESSION) as archive:
        archive.writestr(*_class_list(classes, kind))
        for part, split in splits.items():
            for name, content in chosen.members(part, split, words):
                with archive.open(name, "w", force_zip64=True) as member:
                    for chunk, images in content:
                        member.write(chunk)
                        done += images
                        yield done / count, None


def sheet_split(drawings: Sequence[LabelledDrawing]) -> Split:
    """Return the drawings of a sheet that have ink and a label, 0 to 9; InputError if there is none."""
    kept = [one for one in drawings if one.image is not None and one.label is not None]
    if not kept:
        raise InputError(N_("The sheet has no drawing with a label; correct the labels of drawings first."))
    images = np.stack([one.image for one in kept if one.image is not None])
    return Split(images, np.array([one.label for one in kept], np.uint8))


def _class_words(classes: Sequence[str], folders: bool) -> list[str]:
    """Return how each label is written: by its class's name if all can be read back, else by its number."""
    numbers = [f"{number:02}" if folders else str(number) for number in range(len(classes))]
    unsafe = NOT_IN_FOLDERS if folders else NOT_IN_CELLS
    if any(c in unsafe for name in classes for c in name) or any(
        name.startswith(FORMULA) for name in classes
    ):
        return numbers
    small = {name.casefold() for name in classes}
    if folders and (len(small) < len(classes) or small & RESERVED):  # one folder for "a" and "A" in Windows
        return numbers
    try:
        read = named(np.zeros((len(classes), 1, 1), np.uint8), classes, str).classes
    except InputError:
        return numbers
    return list(classes) if set(read) == set(classes) else numbers


def _class_list(classes: Sequence[str], kind: str) -> tuple[str, bytes]:
    """Return the name and content of the file that has the names of classes."""
    if kind != "npz":
        return CLASS_LIST, ("\n".join(classes) + "\n").encode()
    content = BytesIO()
    np.save(content, np.array(classes, dtype=str))
    return "classes.npy", content.getvalue()


def _file_name(*words: str, by: str = "-") -> str:
    return by.join(filter(None, words))


def _in_chunks(images: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    return (images[at : at + AT_ONCE] for at in range(0, len(images), AT_ONCE))


def _raw(header: bytes, values: NDArray[np.uint8], counted: bool) -> Iterator[Chunk]:
    """Yield an array's bytes after a header; its rows are counted as images that are done, or not."""
    yield header, 0
    for chunk in _in_chunks(values):
        yield chunk.tobytes(), len(chunk) if counted else 0


def _idx(part: str, split: Split, _words: Sequence[str]) -> Iterator[Member]:
    for kind, values in (("images-idx3-ubyte", split.images), ("labels-idx1-ubyte", split.labels)):
        header = IdxFile(values.shape, "").header
        yield _file_name(part, kind), _raw(header, values, counted=values.ndim > 1)


def _npz(part: str, split: Split, _words: Sequence[str]) -> Iterator[Member]:
    for kind, values in (("x", split.images), ("y", split.labels)):
        header = BytesIO()
        about = {"descr": "|u1", "fortran_order": False, "shape": values.shape}
        npy_format.write_array_header_1_0(header, about)
        yield _file_name(kind, part, by="_") + ".npy", _raw(header.getvalue(), values, values.ndim > 1)


def _csv(part: str, split: Split, words: Sequence[str]) -> Iterator[Member]:
    yield (part or "images") + ".csv", _rows(split, words)


def _rows(split: Split, words: Sequence[str]) -> Iterator[Chunk]:
    pixels = range(IMAGE_SIZE**2)
    yield ("label," + ",".join(f"pixel{number}" for number in pixels) + "\n").encode(), 0
    starts = [f"{word},".encode() for word in words]
    for at in range(0, len(split), AT_ONCE):
        part = split[at : at + AT_ONCE]
        cells = CELLS[part.images.reshape(len(part), -1)].reshape(len(part), -1)
        used = cells != 0
        ends = used.sum(axis=1).cumsum().tolist()
        text, places = cells[used].tobytes(), zip([0, *ends], ends, part.labels.tolist(), strict=False)
        yield (
            b"".join(starts[label] + text[start : end - 1] + b"\n" for start, end, label in places),
            len(part),
        )


def _png(part: str, split: Split, words: Sequence[str]) -> Iterator[Member]:
    width = len(str(len(split)))
    for number, (image, label) in enumerate(zip(split.images, split.labels.tolist(), strict=True)):
        content = BytesIO()
        Image.fromarray(image).save(content, "PNG")
        name = _file_name(part, words[label], f"{number:0{width}}.png", by="/")
        yield name, iter([(content.getvalue(), 1)])


DATA_FORMATS = {
    "csv": DataFormat(N_("CSV, a row for each image"), _csv),
    "idx": DataFormat(N_("IDX, as MNIST's files"), _idx),
    "npz": DataFormat(N_("NPZ, for NumPy"), _npz, "npz"),
    "png": DataFormat(N_("PNG pictures in a folder for each class"), _png, compression=zipfile.ZIP_STORED),
}
"""The formats in which data are exported, by the name on the command line."""
