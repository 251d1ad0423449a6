"""The files of a source of images: from a folder, an upload or a zip, read within limits of bytes and number.

Nothing is written to the disk: a zip's members are decompressed in memory, one at a time. Their total size is
checked from the zip's directory before any is decompressed.
"""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath

from mnist_core.messages import N_, InputError
from mnist_core.own_data.own_images import check_count
from mnist_core.runtime.limits import SET_BYTES, SET_UNPACKED_BYTES

UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError)
UTF8_FLAG = 0x800  # of a zip's member: its name is UTF-8
IGNORED = ("thumbs.db", "desktop.ini")  # files that Windows adds to folders


@dataclass(frozen=True)
class SourceFile:
    """A file: its name with folders, joined by "/", its size in bytes, and how to read it."""

    name: str
    size: int
    read: Callable[[], bytes]

    @property
    def folders(self) -> tuple[str, ...]:
        """The names of its folders, the outermost first."""
        return PurePosixPath(self.name).parts[:-1]

    @property
    def ending(self) -> str:
        """The ending of its name in small letters, without the dot."""
        return PurePosixPath(self.name).suffix.lower().removeprefix(".")


def uploaded(name: str, content: bytes) -> SourceFile:
    """Return an uploaded file."""
    return SourceFile(PurePosixPath(name.replace("\\", "/")).name, len(content), lambda: content)


def files_at(paths: Sequence[Path | str]) -> list[SourceFile]:
    """Return the files that paths name, and those in folders that they name; InputError if one is missing."""
    found = []
    for path in map(Path, paths):
        try:
            inside = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
            found += [
                _file_at(file, file.relative_to(path if path.is_dir() else path.parent)) for file in inside
            ]
        except OSError as error:
            raise InputError(
                N_("{file} can't be read ({reason}); check the path."),
                file=path,
                reason=error.strerror or error,
            ) from error
    return found


def _file_at(path: Path, name: Path) -> SourceFile:
    def read() -> bytes:
        try:
            return path.read_bytes()
        except OSError as error:
            raise InputError(
                N_("{file} can't be read ({reason}); check the path."),
                file=path,
                reason=error.strerror or error,
            ) from error

    return SourceFile(name.as_posix(), path.stat().st_size, read)


def unpacked(files: Sequence[SourceFile]) -> list[SourceFile]:
    """Return the files to read: a single zip's members, the content of .gz files, without hidden files.

    Raises InputError if there are none, if they are too large together, or for a damaged, encrypted or
    dangerous archive.
    """
    _check_bytes(sum(file.size for file in files))
    shown = _without_hidden(files)
    if len(shown) == 1 and shown[0].ending == "zip":
        shown = _without_hidden(_members(shown[0]))
    if not shown:
        raise InputError(N_("There are no files in it; choose a folder, a zip or a file with images."))
    return _without_gzips(shown)


def _check_bytes(size: int) -> None:
    most = SET_BYTES.value(True)
    if most is not None and size > most:
        raise InputError(
            N_("These files have {size:,.0f} MB, and {most:,.0f} MB are allowed; bring fewer images."),
            size=size / 1e6,
            most=most / 1e6,
        )


def _without_hidden(files: Sequence[SourceFile]) -> list[SourceFile]:
    def is_shown(file: SourceFile) -> bool:
        parts = PurePosixPath(file.name).parts
        return (
            bool(parts)
            and not any(part.startswith((".", "__MACOSX")) for part in parts)
            and parts[-1].lower() not in IGNORED
        )

    return [file for file in files if is_shown(file)]


def _members(file: SourceFile) -> list[SourceFile]:
    """Return a zip's files; their names and sizes are checked before any is decompressed."""
    try:
        archive = zipfile.ZipFile(BytesIO(file.read()))
    except (zipfile.BadZipFile, ValueError, EOFError, NotImplementedError) as error:
        raise InputError(
            N_("{file} is not a zip that can be read; make it again."), file=file.name
        ) from error
    entries = [entry for entry in archive.infolist() if not entry.filename.endswith("/")]
    for entry in entries:
        entry.filename = _member_name(entry)
        _check_name(entry.filename, file.name)
    check_count(len(entries), file.name)
    check_unpacked(sum(entry.file_size for entry in entries), file.name)
    return [_member(archive, entry) for entry in entries]


def _member_name(entry: zipfile.ZipInfo) -> str:
    """Return a member's name; macOS writes UTF-8 without saying so, and `zipfile` then takes it for CP437."""
    if entry.flag_bits & UTF8_FLAG:
        return entry.filename
    try:
        return entry.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return entry.filename


def _member(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> SourceFile:
    def read() -> bytes:
        try:
            return archive.read(entry)  # reads at most entry.file_size bytes
        except UNREADABLE as error:
            words = N_("{file} is damaged in the zip; make the zip again.")
            raise InputError(words, file=entry.filename) from error
        except RuntimeError as error:
            words = N_("{file} is encrypted; make the zip without a password.")
            raise InputError(words, file=entry.filename) from error

    return SourceFile(entry.filename.replace("\\", "/"), entry.file_size, read)


def _check_name(name: str, archive: str) -> None:
    parts = PurePosixPath(name.replace("\\", "/"))
    if parts.is_absolute() or ".." in parts.parts or name[1:2] == ":":
        raise InputError(
            N_("{file} has a member {name!r}, whose name leads out of its folder; make the zip again."),
            file=archive,
            name=name[:100],
        )


def check_unpacked(size: int, file: str) -> None:
    """Raise InputError if a file has more bytes than limits.SET_UNPACKED_BYTES once it is decompressed."""
    most = SET_UNPACKED_BYTES.value(True)
    if most is not None and size > most:
        raise InputError(
            N_("{file} has over {most:,.0f} MB once it is unpacked; bring fewer or smaller files."),
            file=file,
            most=most / 1e6,
        )


def _without_gzips(files: Sequence[SourceFile]) -> list[SourceFile]:
    """Unpack each .gz; the limit is for all of them together."""
    unpacked, size = [], 0
    for file in files:
        packed = file.ending == "gz"
        unpacked.append(_without_gzip(file, size) if packed else file)
        size += unpacked[-1].size if packed else 0
    return unpacked


def _without_gzip(file: SourceFile, before: int) -> SourceFile:
    """Unpack a .gz, after others of `before` bytes."""
    most = SET_UNPACKED_BYTES.value(True)
    try:
        with gzip.open(BytesIO(file.read())) as opened:
            content = opened.read() if most is None else opened.read(most - before + 1)  # unpacks no more
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(N_("{file} is a damaged .gz; make it again."), file=file.name) from error
    check_unpacked(before + len(content), file.name)
    return SourceFile(file.name[: -len(".gz")], len(content), lambda: content)
