"""MNIST's four idx files: their shapes and checksums, and the checks of files on disk.

The files are those of Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits". The
idx format: a big-endian header of uint32 (2048 + number of dimensions, then each dimension), then one byte
per value. Each file may also be compressed (`.gz`), or have the name that some archives give it
(`train-images.idx3-ubyte`).
"""

import gzip
import hashlib
import json
import os
import struct
import tempfile
import zlib
from contextlib import suppress
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import platformdirs

from mnist_core.messages import N_, InputError


@dataclass(frozen=True)
class IdxFile:
    """The expected content of a file: shape of its uint8 values and sha256 of the whole file."""

    shape: tuple[int, ...]
    sha256: str

    @property
    def header(self) -> bytes:
        """The idx header: 16 bytes for images, 8 for labels."""
        return struct.pack(f">{1 + len(self.shape)}I", 0x800 + len(self.shape), *self.shape)

    @property
    def size(self) -> int:
        """File size in bytes, header included."""
        return len(self.header) + prod(self.shape)


MNIST_FILES = {
    "train-images-idx3-ubyte": IdxFile(
        (60_000, 28, 28), "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"
    ),
    "train-labels-idx1-ubyte": IdxFile(
        (60_000,), "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"
    ),
    "t10k-images-idx3-ubyte": IdxFile(
        (10_000, 28, 28), "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"
    ),
    "t10k-labels-idx1-ubyte": IdxFile(
        (10_000,), "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"
    ),
}


@dataclass(frozen=True)
class FileCheck:
    """Result of `check_files` for one file; `size` is in bytes, None if it is missing or unreadable."""

    name: str
    size: int | None
    expected_size: int
    checksum_ok: bool


def cache_directory() -> Path:
    """The user cache directory, for downloads and for the record of checked files."""
    return platformdirs.user_cache_path("digit-lab", appauthor=False)


def raw_folder(directory: Path) -> Path:
    """Return the folder of the raw files: `MNIST/raw`, as in torchvision, unless others hold more of them.

    These are `directory` itself, and `raw` in it.
    """
    places = (directory / "MNIST" / "raw", directory, directory / "raw")
    return min(places, key=lambda folder: len(_missing_in(folder)))


def missing_files(directory: Path) -> list[str]:
    """Return the names of MNIST's four files that don't exist there; content isn't checked."""
    return _missing_in(raw_folder(directory))


def has_mnist_files(directory: Path) -> bool:
    """Whether all four files exist; their content isn't checked."""
    return not missing_files(directory)


def _missing_in(folder: Path) -> list[str]:
    return [name for name in MNIST_FILES if _find(folder, name) is None]


def _find(folder: Path, name: str) -> Path | None:
    """Return one of MNIST's files under any of its names, uncompressed if there is a choice."""
    dotted = name.replace("-idx", ".idx")
    files = (folder / each for each in (name, dotted, f"{name}.gz", f"{dotted}.gz"))
    return next((file for file in files if os.path.isfile(file)), None)  # Path.is_file raises PermissionError


def uncompressed_file(folder: Path, name: str) -> Path:
    """Return where one of MNIST's files lies in `folder`, uncompressed first if only its .gz is there.

    That goes beside the .gz, or where nothing can be written into the user cache directory. Raises InputError
    if the .gz is damaged or can't be written anywhere. A missing file's path is returned as it should be.
    """
    file = _find(folder, name) or folder / name
    if file.suffix != ".gz":
        return file
    kept = cache_directory() / "MNIST" / "raw" / name
    if os.path.isfile(kept) and kept.stat().st_size == MNIST_FILES[name].size:
        return kept
    content = _decompressed(file, MNIST_FILES[name])
    for place in (folder / name, kept):
        with suppress(OSError):
            place.parent.mkdir(parents=True, exist_ok=True)
            _write_atomically(place, content)
            return place
    raise InputError(
        N_("{file} can't be uncompressed: neither its folder nor {cache} can be written; make room there."),
        file=file,
        cache=kept.parent,
    )


def _decompressed(archive: Path, expected: IdxFile) -> bytes:
    """Return the content of a .gz file; InputError unless it is that of MNIST's."""
    try:
        with gzip.open(archive) as opened:
            content = opened.read(expected.size + 1)  # unpacks no more than this
    except (OSError, EOFError, zlib.error):
        content = b""
    if hashlib.sha256(content).hexdigest() != expected.sha256:
        raise InputError(
            N_(
                "{file} is damaged or not MNIST's; "
                "replace it, or delete it and start again to download MNIST."
            ),
            file=archive,
        )
    return content


def check_files(directory: Path | str) -> list[FileCheck]:
    """Read the four files and compare their checksums with MNIST's; earlier checks are ignored."""
    folder = raw_folder(Path(directory))
    return [_check(folder, name) for name in MNIST_FILES]


def _check(folder: Path, name: str) -> FileCheck:
    expected = MNIST_FILES[name]
    try:
        file = uncompressed_file(folder, name)
        return FileCheck(name, file.stat().st_size, expected.size, _sha256(file) == expected.sha256)
    except (OSError, InputError):
        return FileCheck(name, None, expected.size, False)


def expected_content(file: Path) -> IdxFile:
    """Return what a file must hold, by its name."""
    return MNIST_FILES[file.name.replace(".idx", "-idx")]


def check_file(file: Path) -> None:
    """Read the whole file; raise InputError if its size, header or checksum isn't MNIST's."""
    _check_size_and_header(file)
    if _sha256(file) != expected_content(file).sha256:
        raise InputError(
            N_(
                "{file} is damaged or not MNIST's: its checksum is wrong; "
                "replace it, or delete it and start again to download MNIST."
            ),
            file=file,
        )


def check_file_if_changed(file: Path) -> None:
    """Like `check_file`, but compute the checksum only if the file is new or changed since the last check."""
    _check_size_and_header(file)
    if not _was_checked(file, expected_content(file)):
        check_file(file)
        _note_check(file, expected_content(file))


def is_intact(file: Path, expected: IdxFile) -> bool:
    """Whether a file has this content; its checksum is computed only if it is new or has changed."""
    try:
        with file.open("rb") as opened:
            starts_right = opened.read(len(expected.header)) == expected.header
        if not starts_right or file.stat().st_size != expected.size:
            return False
        if not _was_checked(file, expected):
            if _sha256(file) != expected.sha256:
                return False
            _note_check(file, expected)
    except OSError:
        return False
    return True


def _was_checked(file: Path, expected: IdxFile) -> bool:
    return _read_record().get(str(file.resolve())) == [*_size_and_time(file), expected.sha256]


def _note_check(file: Path, expected: IdxFile) -> None:
    state = [*_size_and_time(file), expected.sha256]
    _write_record({**_read_record(), str(file.resolve()): state})


def _check_size_and_header(file: Path) -> None:
    expected = expected_content(file)
    try:
        size = file.stat().st_size
        with file.open("rb") as opened:
            header = opened.read(len(expected.header))
    except OSError as error:
        raise InputError(
            N_("{file} can't be read ({problem}); put MNIST's file there, or name another folder."),
            file=file,
            problem=error.strerror or error,
        ) from error
    if size != expected.size:
        raise InputError(
            N_(
                "{file} is damaged: it has {size} bytes, not {expected}; "
                "replace it, or delete it and start again to download MNIST."
            ),
            file=file,
            size=size,
            expected=expected.size,
        )
    if header != expected.header:
        raise InputError(
            N_(
                "{file} is damaged or not MNIST's: it starts with the wrong bytes; "
                "replace it, or delete it and start again to download MNIST."
            ),
            file=file,
        )


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _size_and_time(file: Path) -> tuple[int, int]:
    stat = file.stat()
    return stat.st_size, stat.st_mtime_ns


def _record_file() -> Path:
    return cache_directory() / "checked-files.json"


def _read_record() -> dict[str, Any]:
    """The checked files: path -> [size, mtime in ns, sha256]; empty without a readable record."""
    try:
        record = json.loads(_record_file().read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _write_record(record: dict[str, Any]) -> None:
    """Write the record atomically; without a writable cache, files are checked again each time."""
    with suppress(OSError):
        cache_directory().mkdir(parents=True, exist_ok=True)
        _write_atomically(_record_file(), json.dumps(record).encode())


def _write_atomically(file: Path, content: bytes) -> None:
    """Write a file that other processes may write too; OSError leaves nothing behind."""
    with tempfile.NamedTemporaryFile(dir=file.parent, delete=False, suffix=".tmp") as new:
        try:
            new.write(content)
            new.close()
            os.replace(new.name, file)
        except OSError:
            os.unlink(new.name)
            raise
