"""Arrays of images and labels: pairs of IDX files, as MNIST's, and NPZ files of NumPy."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Mapping, Sequence
from io import BytesIO
from math import prod

import numpy as np
from numpy.typing import NDArray

from mnist_core.messages import N_, InputError
from mnist_core.own_data.own_images import (
    PARTS,
    OwnImages,
    as_images,
    check_count,
    in_listed_classes,
    named,
    part_order,
)
from mnist_core.own_data.source_files import SourceFile, check_unpacked

IDX_OF_BYTES = b"\x00\x00\x08"  # how an IDX file of bytes starts; the number of dimensions follows
IMAGE_WORDS, LABEL_WORDS = ("images", "image", "idx3"), ("labels", "label", "idx1")
IMAGE_NAMES = ("images", "x", "data", "imgs", "arr_0")
LABEL_NAMES = ("labels", "y", "target", "targets", "label", "arr_1")
WRITER_NAMES = ("writers", "writer", "writer_ids")
MOST_LISTED = 1_000  # names of classes that are read; a set may have 62


def is_idx(file: SourceFile) -> bool:
    """Whether a file is an IDX file by its name."""
    return "idx" in file.name.lower() or "ubyte" in file.name.lower()


def read_idx_pairs(files: Sequence[SourceFile]) -> OwnImages:
    """Read pairs of IDX files, images uint8 [N, 28, 28] and labels uint8 [N], joined in `part_order`.

    A pair's names differ only in "images" and "labels", and "idx3" and "idx1"; one pair may have any names.
    Raises InputError for a file without its other half, a wrong header, or wrong lengths.
    """
    arrays = {file.name: _idx_values(file) for file in sorted(files, key=lambda file: part_order(file.name))}
    images = {name: values for name, values in arrays.items() if values.ndim == 3}
    labels = {name: values for name, values in arrays.items() if values.ndim == 1}
    pairs = _pairs(list(images), list(labels))
    for first, second in pairs:
        _check_same_length(first, len(images[first]), second, len(labels[second]))
    check_count(sum(map(len, images.values())), pairs[0][0])
    joined = np.concatenate([as_images(images[name], name) for name, _ in pairs])
    places = [f"{name}[{n}]" for _, name in pairs for n in range(len(labels[name]))]
    return named(joined, [str(v) for _, name in pairs for v in labels[name].tolist()], places.__getitem__)


def _pairs(images: list[str], labels: list[str]) -> list[tuple[str, str]]:
    if len(images) == len(labels) == 1:
        return [(images[0], labels[0])]
    of_labels = {_without(name, LABEL_WORDS): name for name in labels}
    pairs = [(name, of_labels.pop(_without(name, IMAGE_WORDS), "")) for name in images]
    alone = [name for name, other in pairs if not other] + list(of_labels.values())
    if alone or not pairs:
        raise InputError(
            N_("{file} lacks its other half: an IDX file of images needs one of labels; give both."),
            file=alone[0] if alone else "IDX",
        )
    return pairs


def _without(name: str, words: Sequence[str]) -> str:
    for word in words:
        name = name.lower().replace(word, "")
    return name


def _idx_values(file: SourceFile) -> NDArray[np.uint8]:
    content = file.read()
    dimensions = content[3] if len(content) > 3 else 0
    if not content.startswith(IDX_OF_BYTES) or dimensions not in (1, 3):
        raise InputError(
            N_("{file} is no IDX file of images or labels: it starts with the wrong bytes."), file=file.name
        )
    header = 4 + 4 * dimensions
    shape = struct.unpack_from(f">{dimensions}I", content.ljust(header, b"\0"), 4)
    if len(content) != header + prod(shape):
        raise InputError(
            N_("{file} has {size:,} bytes, and by its header it should have {expected:,}; copy it again."),
            file=file.name,
            size=len(content),
            expected=header + prod(shape),
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def _check_same_length(images: str, count: int, labels: str, other: int) -> None:
    if count != other:
        raise InputError(
            N_("{images} has {count:,} images, and {labels} has {other:,} labels; they must be as many."),
            images=images,
            count=count,
            labels=labels,
            other=other,
        )


def read_npz(file: SourceFile) -> OwnImages:
    """Read an NPZ file with arrays such as `images` and `labels`, or `x_train`, `y_train`, `x_test`...

    Labels are whole numbers or text; `writers`, if there, say who wrote each image, and `classes` what the
    numbers stand for. The sizes are checked before an array is read; Python objects are refused
    (never pickle). Raises InputError for what is wrong.
    """
    arrays = _npz_arrays(file)
    images = _by_part(arrays, IMAGE_NAMES)
    labels, writers = _by_part(arrays, LABEL_NAMES), _by_part(arrays, WRITER_NAMES)
    parts = [part for part in ("", *PARTS) if part in images and part in labels]
    if not parts:
        raise InputError(
            N_("{file} has the arrays {names}; it needs images and labels, or x_train and y_train."),
            file=file.name,
            names=", ".join(name[:40] for name in list(arrays)[:10]) or "(none)",
        )
    for part in parts:
        _check_same_length(images[part], len(arrays[images[part]]), labels[part], arrays[labels[part]].size)
    check_count(sum(len(arrays[images[part]]) for part in parts), file.name)
    joined = np.concatenate([as_images(arrays[images[part]], images[part]) for part in parts])
    names = [text for part in parts for text in _texts(arrays[labels[part]], labels[part])]
    who = None
    if all(part in writers for part in parts):
        size = sum(arrays[writers[part]].size for part in parts)
        _check_same_length(file.name, len(joined), writers[parts[0]], size)
        who = [str(value) for part in parts for value in arrays[writers[part]].ravel().tolist()]
    own = named(joined, names, lambda number: f"{file.name}: image {number + 1}", who)
    listed = _texts(arrays["classes"].ravel()[:MOST_LISTED], "classes") if "classes" in arrays else []
    return in_listed_classes(own, listed, True, "classes") if listed else own


def _npz_arrays(file: SourceFile) -> dict[str, NDArray[np.generic]]:
    content = file.read()
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            check_unpacked(sum(entry.file_size for entry in archive.infolist()), file.name)
        with np.load(BytesIO(content), allow_pickle=False) as opened:
            return {name: np.atleast_1d(opened[name]) for name in opened.files}
    except InputError:
        raise
    except Exception as error:  # damaged headers raise many types of exception
        raise InputError(
            N_("{file} is no NPZ file that can be read; save numbers with numpy.savez, without objects."),
            file=file.name,
        ) from error


def _by_part(arrays: Mapping[str, object], names: Sequence[str]) -> dict[str, str]:
    """Return which array is a part's: "" for `images`, "train" for `x_train` or `train_images`."""
    found: dict[str, str] = {}
    for name in arrays:
        small = name.lower()
        for wanted in names:
            for part in ("", *PARTS):
                forms = (f"{wanted}_{part}", f"{part}_{wanted}", f"{wanted}{part}") if part else (wanted,)
                if small in forms:
                    found.setdefault(part, name)
    return found


def _texts(labels: NDArray[np.generic], name: str) -> list[str]:
    """Return labels as text, bytes decoded as UTF-8."""
    if labels.dtype.kind not in "iufUSb":
        raise InputError(N_("{file} has labels that are neither numbers nor text."), file=name)
    values = labels.ravel().tolist()
    return [value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value) for value in values]
