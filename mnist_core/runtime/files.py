"""Atomic writing of files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass


def write_whole(path: Path, content: bytes) -> None:
    """Replace the file at `path` atomically: write a temporary file beside it and rename that.

    Raises OSError if it can't be written.
    """
    temporary = path.with_name(path.name + ".part")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
