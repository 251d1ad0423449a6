"""Atomic writing of files, and the lock of a directory that several processes change."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from filelock import FileLock, Timeout

from mnist_core.messages import N_, InputError

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""The error numbers of a full disk, a full quota and a file at its largest size."""


@contextmanager
def locked(directory: Path, busy: str, unwritable: str) -> Iterator[Path]:
    """Hold a directory's lock, and yield the directory; it is made if it isn't there.

    Raises InputError with `busy` if another process holds the lock for 10 seconds, and as `as_refusal` does.
    """
    with as_refusal(directory, unwritable):
        try:
            directory.mkdir(parents=True, exist_ok=True)
            with FileLock(directory / ".lock", timeout=10):
                yield directory
        except Timeout:
            raise InputError(busy) from None


@contextmanager
def as_refusal(directory: Path, unwritable: str) -> Iterator[None]:
    """Raise InputError in place of an OSError: that the disk is full, or `unwritable`.

    This has the fields `directory` and `reason`.
    """
    try:
        yield
    except OSError as error:
        if error.errno in NO_ROOM:
            raise InputError(
                N_("The disk of this server is full, so nothing can be kept. Delete runs that nobody needs.")
            ) from error
        raise InputError(unwritable, directory=directory, reason=error.strerror) from error


def write_whole(path: Path, content: bytes) -> None:
    """Replace the file at `path` atomically, as `written_whole` does."""
    with written_whole(path) as file:
        file.write(content)


@contextmanager
def written_whole(path: Path) -> Iterator[IO[bytes]]:
    """Yield a temporary file beside `path` to write to, and rename it to `path` at the end.

    Raises OSError if it can't be written; after any error nothing of the new file takes room on the disk.
    """
    temporary = path.with_name(path.name + ".part")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
