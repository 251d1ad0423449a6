"""A Linux control group with limits of memory and processor, in which a benchmark runs a server."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from mnist_core.messages import InputError

ROOT = Path("/sys/fs/cgroup")
PERIOD = 100_000  # microseconds in which the processor's share is counted
MEGABYTE = 1_000_000


class ControlGroup(NamedTuple):
    """The folders of a control group: one of version 2, or those of memory and processor of version 1."""

    memory: Path
    cpu: Path

    @property
    def is_version_2(self) -> bool:
        """Whether it is of version 2."""
        return self.memory == self.cpu

    def join(self) -> None:
        """Move this process into the group: called in the child, before it becomes the server."""
        for folder in {self.memory, self.cpu}:
            (folder / "cgroup.procs").write_text(str(os.getpid()))

    def limit(self, megabytes: int, cores: float) -> None:
        """Set the limits. Memory counts as by the kernel, with the file cache that it can give back."""
        size, quota = str(megabytes * MEGABYTE), round(cores * PERIOD)
        if self.is_version_2:
            (self.memory / "memory.max").write_text(size)
            with suppress(OSError):  # a kernel without swap has no such file
                (self.memory / "memory.swap.max").write_text("0")
            (self.cpu / "cpu.max").write_text(f"{quota} {PERIOD}")
        else:
            (self.memory / "memory.limit_in_bytes").write_text(size)
            (self.cpu / "cpu.cfs_period_us").write_text(str(PERIOD))
            (self.cpu / "cpu.cfs_quota_us").write_text(str(quota))

    @property
    def most_megabytes(self) -> float:
        """The most memory that the group took, file cache included; never more than its limit."""
        name = "memory.peak" if self.is_version_2 else "memory.max_usage_in_bytes"
        return int((self.memory / name).read_text()) / MEGABYTE

    @property
    def kills(self) -> int:
        """How many processes the kernel has killed because the group was out of memory."""
        name = "memory.events" if self.is_version_2 else "memory.oom_control"
        lines = dict(line.split() for line in (self.memory / name).read_text().splitlines())
        return int(lines.get("oom_kill", 0))


def _folders() -> ControlGroup:
    name = f"digitlab-{secrets.token_hex(3)}"
    if (ROOT / "cgroup.controllers").exists():
        (ROOT / "cgroup.subtree_control").write_text("+memory +cpu")
        return ControlGroup(ROOT / name, ROOT / name)
    return ControlGroup(ROOT / "memory" / name, ROOT / "cpu" / name)


@contextmanager
def control_group(megabytes: int, cores: float) -> Iterator[ControlGroup]:
    """Make a control group with these limits, and remove it once its processes have ended.

    Raises InputError where this process may not make one.
    """
    try:
        group = _folders()
        for folder in {group.memory, group.cpu}:
            folder.mkdir()
        group.limit(megabytes, cores)
    except OSError as error:
        raise InputError(
            "No control group can be made here ({why}). Be root on a Linux whose /sys/fs/cgroup can be "
            "written, or start the server in a container with these limits.",
            why=error,
        ) from error
    try:
        yield group
    finally:
        _remove(group)


def _remove(group: ControlGroup) -> None:
    for folder in {group.memory, group.cpu}:
        with suppress(OSError):
            folder.rmdir()
