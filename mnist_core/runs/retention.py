"""The disk space that runs may use, and which runs are deleted first when it is exceeded."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from mnist_core.messages import N_, InputError
from mnist_core.runs.run import Run

LIMIT_VARIABLE = "DIGITLAB_RUNS_LIMIT"
DEFAULT_MEGABYTES = 2000
ENDED = ("finished", "stopped", "failed", "interrupted")
EPHEMERAL_VARIABLE = "DIGITLAB_EPHEMERAL"  # 1: the disk is empty after each restart; 0: it is not
COMMUNITY_CLOUD = Path("/mount/src")  # where Streamlit Community Cloud puts an app's repository
SPACE_VARIABLE = "SPACE_ID"  # set in Hugging Face Spaces


def limit_in_bytes() -> int:
    """Return the most bytes of all runs, from DIGITLAB_RUNS_LIMIT (megabytes); InputError for a bad value."""
    text = os.environ.get(LIMIT_VARIABLE) or str(DEFAULT_MEGABYTES)
    try:
        limit = float(text) * 1e6
        if not 0 <= limit < float("inf"):
            raise ValueError
    except ValueError:
        raise InputError(
            N_("{variable} must be a number of megabytes such as 2000, not {text!r}."),
            variable=LIMIT_VARIABLE,
            text=text,
        ) from None
    return int(limit)


def are_lost_at_restart(project: Path) -> bool:
    """Return whether a restart of the host empties the disk: as EPHEMERAL_VARIABLE says, else by the host.

    `project` is the folder that the app runs from.
    """
    if said := os.environ.get(EPHEMERAL_VARIABLE):
        return said != "0"
    return project.is_relative_to(COMMUNITY_CLOUD) or SPACE_VARIABLE in os.environ


def size_in_bytes(folder: Path) -> int:
    """Return the total size of a folder's files; a file deleted meanwhile counts as 0."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(parent, name)).st_size
            except OSError:
                continue
    return total


def age_in_seconds(folder: Path) -> float:
    """Return the seconds since a folder was last modified; 0 if it does not exist."""
    try:
        return time.time() - folder.stat().st_mtime
    except OSError:
        return 0.0


def too_many(
    runs: Iterable[Run],
    most_bytes: int,
    used: int,
    spare: str | None = None,
    most_protected: int | None = None,
) -> Iterator[Run]:
    """Yield the runs to delete, oldest first, until `used` bytes are at most `most_bytes`.

    Queued and running runs are never deleted, nor is the run `spare`. Pinned and paused ones are protected,
    if given up to `most_protected` bytes together: else one visitor's pins could have all other runs deleted.
    The runs of a search count as old as its newest: they are kept while it runs, and deleted together.
    """
    everyone = list(runs)
    newest: dict[str, str] = {}
    for run in everyone:
        newest[run.metadata.group] = max(newest.get(run.metadata.group, ""), run.created)
    age = {run.id: newest[run.metadata.group] if run.metadata.group else run.created for run in everyone}
    ordered = sorted(everyone, key=lambda run: (age[run.id], run.created))
    candidates = [run for run in ordered if run.id != spare]
    protected = []
    for run in candidates:
        if used <= most_bytes:
            return
        if run.status == "paused" or (run.metadata.pinned and run.status in ENDED):
            protected.append((run, size_in_bytes(run.folder)))
        elif run.status in ENDED:
            used -= size_in_bytes(run.folder)
            yield run
    taken = sum(size for _, size in protected)
    for run, size in protected:
        if used <= most_bytes or most_protected is None or taken <= most_protected:
            return
        used, taken = used - size, taken - size
        yield run
