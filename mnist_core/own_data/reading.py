"""Reading a source of images in any form: which files it holds, and which reader takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from mnist_core.messages import N_, InputError
from mnist_core.own_data.array_files import is_idx, read_idx_pairs, read_npz
from mnist_core.own_data.csv_tables import read_tables
from mnist_core.own_data.own_images import CLASS_LIST, PARTS, OwnImages, in_listed_classes
from mnist_core.own_data.pictures import is_picture, read_pictures, read_sheets
from mnist_core.own_data.source_files import SourceFile, unpacked
from mnist_core.runtime.job import Steps

TABLES, SHEETS = ("csv", "tsv", "txt"), ("jsonl", "ndjson", "json")


@dataclass(frozen=True)
class ReadingChoices:
    """Options of a reader: a table's columns by name, and whether writers' folders are the outer ones."""

    label_column: str = ""
    writer_column: str = ""
    writer_outside: bool = False


AS_IT_COMES = ReadingChoices()
LONGEST_LIST = 100_000  # bytes of a list of classes that are read


def read_source(files: Sequence[SourceFile], choices: ReadingChoices = AS_IT_COMES) -> Steps[OwnImages]:
    """Read a CSV, IDX pairs, an NPZ, pictures by class or sheets of drawings, in files or in one zip.

    IDX files and tables may be gzipped; a file classes.txt beside them names the classes in order. Yields the
    fraction done, 0 to 1, and returns the images. Raises InputError, with the line or file, for what can't be
    read, and for more than the limits allow.
    """
    shown = unpacked(files)
    lists = [file for file in shown if PurePosixPath(file.name).name == CLASS_LIST]
    others = [file for file in shown if file not in lists] or shown
    own = yield from _read_files(others, choices)
    if own is None or not lists or others is shown:
        return own
    names = lists[0].read()[:LONGEST_LIST].decode("utf-8-sig", "replace").splitlines()
    return in_listed_classes(own, names, any(map(is_idx, others)), lists[0].name)


def _read_files(files: Sequence[SourceFile], choices: ReadingChoices) -> Steps[OwnImages]:
    tables = [file for file in files if file.ending in TABLES]
    if any(map(is_picture, files)):
        return (yield from read_pictures(files, choices.writer_outside))
    if any(map(is_idx, files)):
        return read_idx_pairs([file for file in files if is_idx(file)])
    if sheets := [file for file in files if file.ending in SHEETS]:
        return (yield from read_sheets(sheets))
    if arrays := [file for file in files if file.ending == "npz"]:
        return read_npz(_the_only(arrays))
    if tables:
        return (yield from read_tables(_tables(tables), choices.label_column, choices.writer_column))
    raise InputError(
        N_(
            "{file} can't be read; choose a CSV, two IDX files, an NPZ, a zip of pictures or a sheet of Draw."
        ),
        file=files[0].name,
    )


def _tables(files: Sequence[SourceFile]) -> Sequence[SourceFile]:
    """Return the tables to read: the only one, or those called after parts, as train.csv and test.csv."""
    names = [PurePosixPath(file.name).name.partition(".")[0].lower() for file in files]
    return files if set(names) <= set(PARTS) else [_the_only(files)]


def _the_only(files: Sequence[SourceFile]) -> SourceFile:
    if len(files) > 1:
        raise InputError(
            N_("There are several files, {names}; choose one of them."),
            names=", ".join(file.name for file in files[:5]),
        )
    return files[0]
