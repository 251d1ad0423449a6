"""Tables of images as CSV: a row of 784 pixels and a label for each image, as Kaggle has them."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mnist_core.data.mnist_format import IMAGE_SIZE
from mnist_core.messages import N_, InputError
from mnist_core.own_data.own_images import OwnImages, as_images, check_count, named, part_order
from mnist_core.own_data.source_files import SourceFile
from mnist_core.runtime.job import Steps

if TYPE_CHECKING:
    import pandas as pd

PIXELS = IMAGE_SIZE**2
LABEL_NAMES = ("label", "labels", "class", "target", "digit", "letter", "character", "y")
WRITER_NAMES = ("writer", "writer_id", "writerid", "author", "person", "student", "who")
IGNORED_NAMES = ("", "id", "index", "imageid", "image_id", "unnamed: 0")
SEPARATORS = ",;\t"
ROWS_AT_ONCE = 2000
LONGEST_SHOWN = 40  # characters of a name or value in a message
MOST_FIRST_LINE = 100_000  # characters; 785 names of 20 have 16,000


@dataclass(frozen=True)
class _Layout:
    """The layout of a table: column numbers from 0, names of all columns, and lines before the first row."""

    names: tuple[str, ...]
    has_header: bool
    separator: str
    label: int
    writer: int | None
    pixels: tuple[int, ...]


def read_tables(
    files: Sequence[SourceFile], label_column: str = "", writer_column: str = ""
) -> Steps[OwnImages]:
    """Read tables and join them in `part_order`: `label,pixel0,...,pixel783`, with or without a header.

    The columns may be in another order. Those of labels and of writers are named by their header, or by their
    number from 1 where there is none; otherwise they are those with a usual name (LABEL_NAMES, WRITER_NAMES),
    and without a header the label is the first. Raises InputError, with the line, for what is wrong.
    """
    parts: list[NDArray[np.generic]] = []
    labels: list[str] = []
    writers: list[str] = []
    begins: list[tuple[int, int, str]] = []  # of each file: its first image, the line of that, the name
    for number, file in enumerate(sorted(files, key=lambda file: part_order(file.name))):
        content = file.read()
        layout = _layout(content, file.name, label_column, writer_column)
        first, line, stream = len(labels), 1 + layout.has_header, BytesIO(content)
        begins.append((first, line, file.name))
        for table in _chunks(stream, layout, file.name):
            check_count(len(labels) + len(table), file.name)
            parts.append(_pixels(table, layout, len(labels) - first + line, file.name))
            labels += _words(table, layout.label)
            writers += [] if layout.writer is None else _words(table, layout.writer)
            yield (number + stream.tell() / len(content)) / len(files), None
        if len(labels) == first:
            words = N_("{file} has no rows; each row has the label and the pixels of one image.")
            raise InputError(words, file=file.name)
    images = as_images(np.concatenate(parts), files[0].name)
    who = writers if len(writers) == len(labels) else None  # not all tables may have such a column
    return named(images, labels, lambda image: _line_of(image, begins), who, layout.names)


def _line_of(image: int, begins: Sequence[tuple[int, int, str]]) -> str:
    """Return the file and the line, from 1, of an image, from 0."""
    first, line, name = next(begin for begin in reversed(begins) if begin[0] <= image)
    return f"{name}:{image - first + line}"


def _layout(content: bytes, file: str, label_column: str, writer_column: str) -> _Layout:
    line = re.split(r"[\r\n]", content[:MOST_FIRST_LINE].decode("utf-8-sig", "replace"), maxsplit=1)[0]
    separator = max(SEPARATORS, key=line.count)
    fields = tuple(field.strip() for field in next(csv.reader([line], delimiter=separator), []))
    has_header = _is_header(fields)
    names = fields if has_header else tuple(str(number) for number in range(1, len(fields) + 1))
    small = [name.lower() for name in names] if has_header else []
    writer = _column(names, writer_column, file) if writer_column else _usual(small, WRITER_NAMES)
    known = _usual(small, LABEL_NAMES)
    ignored = {n for n, name in enumerate(small) if name in IGNORED_NAMES}
    others = [n for n in range(len(names)) if n not in ignored and n != writer]
    if not label_column and known is None and len(others) <= PIXELS:
        _raise_for_columns(names, has_header, others, None, file)
    label = _column(names, label_column, file) if label_column else known
    label = others[0] if label is None else label
    pixels = tuple(n for n in others if n != label)
    if len(pixels) != PIXELS:
        _raise_for_columns(names, has_header, pixels, label, file)
    return _Layout(names, has_header, separator, label, writer, pixels)


def _is_header(fields: Sequence[str]) -> bool:
    """Whether a first line names columns: most of its fields are no numbers, or one is a usual name."""
    words = [field for field in fields if not _is_number(field)]
    usual = {*LABEL_NAMES, *WRITER_NAMES}
    return 2 * len(words) > len(fields) or any(word.lower() in usual for word in words)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _usual(names: Sequence[str], usual: Sequence[str]) -> int | None:
    return next((names.index(name) for name in usual if name in names), None)


def _column(names: Sequence[str], wanted: str, file: str) -> int:
    if wanted in names:
        return list(names).index(wanted)
    raise InputError(
        N_("{file} has no column {name!r}; its columns are {names}."),
        file=file,
        name=wanted,
        names=", ".join(name[:LONGEST_SHOWN] for name in names[:5]) + (" …" if len(names) > 5 else ""),
    )


def _raise_for_columns(
    names: Sequence[str], has_header: bool, pixels: Sequence[int], label: int | None, file: str
) -> None:
    """Raise InputError if a column is missing, or if there are too many."""
    missing = _missing_pixels([names[n] for n in pixels]) if has_header else ""
    if label is None and len(pixels) == PIXELS:
        raise InputError(N_("{file} has 784 columns of pixels and none of labels; add one."), file=file)
    if missing:
        raise InputError(
            N_("{file} has no column {name!r}; an image has 784 pixels."), file=file, name=missing
        )
    raise InputError(
        N_(
            "{file} has {count:,} columns of pixels beside the label, and an image of 28 x 28 has 784; check "
            "its first line."
        ),
        file=file,
        count=max(0, len(pixels) - (label is None)),
    )


def _missing_pixels(names: Sequence[str]) -> str:
    """Return the first missing name of a numbered sequence such as pixel0 to pixel783; "" if none is."""
    parts = [re.fullmatch(r"(\D*)(\d{1,6})", name) for name in names]
    numbered = [(part[1], int(part[2])) for part in parts if part]
    if len(numbered) < len(names) or not names or len(names) >= PIXELS:
        return ""
    prefix, start = numbered[0][0], min(number for _, number in numbered)
    have = {number for _, number in numbered}
    lowest = 0 if start > 1 else start
    return next((f"{prefix}{n}" for n in range(lowest, lowest + PIXELS) if n not in have), "")


def _chunks(stream: BytesIO, layout: _Layout, file: str) -> Any:
    """Yield the rows as tables of up to 2,000, numbers where a column has only these."""
    import pandas as pd  # slow to import

    texts = {layout.label: str} | ({layout.writer: str} if layout.writer is not None else {})
    options: dict[str, Any] = {
        "header": None,
        "skiprows": int(layout.has_header),
        "sep": layout.separator,
        "dtype": texts,
        "names": range(len(layout.names)),
        "index_col": False,
        "keep_default_na": False,
        "na_values": {n: [""] for n in layout.pixels},
        "encoding": "utf-8-sig",
        "chunksize": ROWS_AT_ONCE,
        "on_bad_lines": "error",
    }
    try:
        yield from pd.read_csv(stream, **options)
    except pd.errors.EmptyDataError:
        return
    except pd.errors.ParserError as error:
        found = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", str(error))
        if not found:
            raise InputError(
                N_("{file} is no table that can be read; save it as CSV again."), file=file
            ) from error
        raise InputError(
            N_("{file}:{line} has {count} fields, and the first line has {expected}."),
            file=file,
            line=found[2],
            count=found[3],
            expected=found[1],
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(N_("{file} is no text in UTF-8; save it as CSV again."), file=file) from error


def _words(table: pd.DataFrame, column: int) -> list[str]:
    words: list[str] = table[column].fillna("").astype(str).tolist()
    return words


def _pixels(table: pd.DataFrame, layout: _Layout, line: int, file: str) -> NDArray[np.generic]:
    """Return the pixels of rows, [rows, 784]: uint8 if whole, else float32; `line` is that of the first."""
    import pandas as pd

    part = table[list(layout.pixels)]
    if not all(kind.kind in "iuf" for kind in part.dtypes):
        part = part.apply(pd.to_numeric, errors="coerce")
    values: NDArray[Any] = part.to_numpy()
    wrong = ~((values >= 0) & (values <= 255))  # NaN too
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        _raise_for_pixel(table, layout, int(row), int(column), line, file)
    if values.dtype.kind == "f" and (values % 1).any():
        return values.astype(np.float32)
    return values.astype(np.uint8)


def _raise_for_pixel(
    table: pd.DataFrame, layout: _Layout, row: int, column: int, line: int, file: str
) -> None:
    given = table[layout.pixels[column]].iloc[row]
    count = int(table[list(layout.pixels)].iloc[row].notna().sum())
    last_missing = table[list(layout.pixels)].iloc[row, count:].isna().all()
    if count < PIXELS and last_missing:
        raise InputError(
            N_("{file}:{line} has {count} pixels, and an image has 784."),
            file=file,
            line=line + row,
            count=count,
        )
    name = layout.names[layout.pixels[column]][:LONGEST_SHOWN]
    raise InputError(
        N_("{file}:{line} has {value!r} in column {name}; a pixel is a number from 0 to 255."),
        file=file,
        line=line + row,
        value=str(given)[:LONGEST_SHOWN],
        name=name,
    )
