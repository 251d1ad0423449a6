"""Settings of the whole process, made by its entry points: how idle threads wait, and how memory is kept."""

import ctypes
import os
from contextlib import suppress

TRIM_THRESHOLD, MMAP_THRESHOLD, ARENA_MAX = -1, -3, -8  # glibc's names for mallopt, in malloc.h
MEGABYTE = 2**20


def configure_process() -> None:
    """Set up a process that trains or evaluates networks; call it before torch is first imported.

    Idle OpenMP threads wait half a millisecond for more work, then sleep: that bridges the gaps within a
    step, which otherwise cost half of what a second thread gains, and costs little when another process wants
    the core. Variables that are set already stay as they are.
    """
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")  # read by GNU's OpenMP when torch loads
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # other OpenMPs: no waiting
    keep_freed_memory()


def keep_freed_memory(largest: int = 32) -> None:
    """Have glibc keep freed memory in one heap for all threads instead of returning it to the system.

    Otherwise each batch of a CNN gets its memory anew from the kernel, page by page: 5,000 to 8,000 page
    faults a step, and a fifth of the time. Blocks of more than `largest` megabytes are still returned; a
    lower limit keeps holes out of the heap. Other C libraries are left as they are.
    """
    with suppress(AttributeError, OSError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(MMAP_THRESHOLD, largest * MEGABYTE)
        mallopt(TRIM_THRESHOLD, 256 * MEGABYTE)
        mallopt(ARENA_MAX, 1)
