"""The whole process: glibc's memory allocator, set by the entry points, and the memory that it takes."""

import ctypes
import os
from contextlib import suppress
from pathlib import Path

TRIM_THRESHOLD, MMAP_THRESHOLD, ARENA_MAX = -1, -3, -8  # glibc's names for mallopt, in malloc.h
MEGABYTE = 2**20


def keep_freed_memory(largest: int = 32) -> None:
    """Have glibc keep one heap for all threads, and return freed blocks of more than `largest` megabytes.

    glibc otherwise raises that limit by itself up to 32 MB, which leaves holes in the heap, and gives each
    thread a heap of its own. tutorial-4b trains 1.0 to 1.3 times as fast with it (`python -m
    benchmarks.ablation`). Other C libraries are left as they are.
    """
    with suppress(AttributeError, OSError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(MMAP_THRESHOLD, largest * MEGABYTE)
        mallopt(TRIM_THRESHOLD, 256 * MEGABYTE)
        mallopt(ARENA_MAX, 1)


def import_scipy() -> None:
    """Import SciPy's statistics (1 s at first), before this thread may begin to import PyTorch.

    SciPy's import looks for `torch.Tensor` if there is a module torch, and fails while another thread is half
    way through importing that. So every thread that may import PyTorch does this first.
    """
    import scipy.stats  # noqa: F401


def resident_bytes() -> int | None:
    """Return the bytes of memory that this process has now; None where the system isn't Linux."""
    with suppress(OSError, ValueError, IndexError):
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    return None
