"""Atomic writing of files."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""The error numbers of a full disk, a full quota and a file at its largest size."""


def write_whole(path: Path, content: bytes) -> None:
    """Replace the file at `path` atomically: write a temporary file beside it and rename that.

    Raises OSError if it can't be written; nothing of the new file then takes room on the disk.
    """
    temporary = path.with_name(path.name + ".part")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        with suppress(OSError):
            temporary.unlink()
        raise
