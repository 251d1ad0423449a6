"""Images in the file formats that people bring: each function returns the files of a source."""

import gzip
import io
import struct
import zipfile
from collections.abc import Sequence

import numpy as np
from PIL import Image

from mnist_core.messages import InputError
from mnist_core.own_data.own_images import OwnImages
from mnist_core.own_data.reading import ReadingChoices, read_source
from mnist_core.own_data.source_files import SourceFile, uploaded


def read(*files: SourceFile, **choices) -> OwnImages:
    steps = read_source(files, ReadingChoices(**choices))
    while True:
        try:
            fraction, _ = next(steps)
        except StopIteration as end:
            return end.value
        assert 0 < fraction <= 1


def refusal(*files: SourceFile, **choices) -> str:
    """The sentence that refuses a source."""
    try:
        read(*files, **choices)
    except InputError as error:
        return str(error)
    raise AssertionError("it was read")


def csv_text(images: np.ndarray, labels: Sequence[object], header: bool = True) -> str:
    rows = [",".join(map(str, [label, *image.ravel()])) for label, image in zip(labels, images, strict=True)]
    first = ["label," + ",".join(f"pixel{n}" for n in range(784))] if header else []
    return "\n".join([*first, *rows]) + "\n"


def csv_file(images: np.ndarray, labels: Sequence[object], header: bool = True) -> SourceFile:
    return uploaded("train.csv", csv_text(images, labels, header).encode())


def idx(values: np.ndarray) -> bytes:
    header = struct.pack(f">{1 + values.ndim}I", 0x800 + values.ndim, *values.shape)
    return header + values.astype(np.uint8).tobytes()


def idx_files(images: np.ndarray, labels: np.ndarray, part: str = "train") -> list[SourceFile]:
    return [
        uploaded(f"{part}-images-idx3-ubyte", idx(images)),
        uploaded(f"{part}-labels-idx1-ubyte.gz", gzip.compress(idx(labels))),
    ]


def npz_file(**arrays: np.ndarray) -> SourceFile:
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    return uploaded("digits.npz", content.getvalue())


def png(image: np.ndarray) -> bytes:
    content = io.BytesIO()
    Image.fromarray(image).save(content, "PNG")
    return content.getvalue()


def zip_file(members: dict[str, bytes]) -> SourceFile:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return uploaded("digits.zip", content.getvalue())


def zip_claiming(sizes: dict[str, int], content: bytes = b"") -> SourceFile:
    """A zip whose directory gives sizes that its members don't have."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, size in sizes.items():
            archive.writestr(name, content)
            archive.getinfo(name).file_size = size
    return uploaded("digits.zip", file.getvalue())


def picture_zip(images: np.ndarray, labels: Sequence[object]) -> SourceFile:
    return zip_file(
        {
            f"digits/{label}/{n:05}.png": png(image)
            for n, (image, label) in enumerate(zip(images, labels, strict=True))
        }
    )
