"""MNIST's four idx files: their shapes and checksums, and the checks of files on disk.

The files are those of Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits". The
idx format: a big-endian header of uint32 (2048 + number of dimensions, then each dimension), then one byte
per value.
"""

import hashlib
import json
import os
import struct
import tempfile
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
    """Return the folder of the raw files: `MNIST/raw`, as in torchvision, unless `directory` holds them."""
    below = directory / "MNIST" / "raw"
    return directory if _complete(directory) and not _complete(below) else below


def has_mnist_files(directory: Path) -> bool:
    """Whether all four files exist; their content isn't checked."""
    return _complete(raw_folder(directory))


def _complete(folder: Path) -> bool:
    return all(os.path.isfile(folder / name) for name in MNIST_FILES)  # Path.is_file raises PermissionError


def check_files(directory: Path | str) -> list[FileCheck]:
    """Read the four files and compare their checksums with MNIST's; earlier checks are ignored."""
    folder = raw_folder(Path(directory))
    return [_check(folder / name) for name in MNIST_FILES]


def _check(file: Path) -> FileCheck:
    expected = MNIST_FILES[file.name]
    try:
        return FileCheck(file.name, file.stat().st_size, expected.size, _sha256(file) == expected.sha256)
    except OSError:
        return FileCheck(file.name, None, expected.size, False)


def check_file(file: Path) -> None:
    """Read the whole file; raise InputError if its size, header or checksum isn't MNIST's."""
    _check_size_and_header(file)
    if _sha256(file) != MNIST_FILES[file.name].sha256:
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
    record = _read_record()
    key, state = str(file.resolve()), [*_size_and_time(file), MNIST_FILES[file.name].sha256]
    if record.get(key) != state:
        check_file(file)
        _write_record({**record, key: state})


def _check_size_and_header(file: Path) -> None:
    expected = MNIST_FILES[file.name]
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
        with tempfile.NamedTemporaryFile(
            "w", dir=cache_directory(), encoding="utf-8", delete=False, suffix=".tmp"
        ) as new:
            json.dump(record, new)
        os.replace(new.name, _record_file())
