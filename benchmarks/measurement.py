"""Shared by the benchmarks: timing, finding MNIST, Markdown tables."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from mnist_core.data.idx_files import raw_folder
from mnist_core.data.mnist import find_mnist, open_mnist
from mnist_core.messages import InputError

Table = Sequence[Sequence[object]]


def seconds(work: Callable[[], object]) -> float:
    """Return the seconds that `work` takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def markdown(heads: Sequence[str], rows: Table) -> str:
    """Return a Markdown table; the first column is left aligned, the others right."""
    lines = [heads, ["---"] + ["---:"] * (len(heads) - 1), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def locate_mnist(directory: str | None) -> Path:
    """Return a directory with an intact MNIST in `MNIST/raw`, as in torchvision; raises InputError."""
    found = find_mnist(directory)
    if found is None or raw_folder(found) != found / "MNIST" / "raw":
        raise InputError(
            "No MNIST in a folder MNIST/raw was found; name the folder above it with --data or DIGITLAB_DATA."
        )
    open_mnist(found)
    return found
