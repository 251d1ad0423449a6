"""Process-wide settings, made by the entry points: OpenMP's idle threads and glibc's memory allocator."""

import ctypes
import os
from contextlib import suppress

TRIM_THRESHOLD, MMAP_THRESHOLD, ARENA_MAX = -1, -3, -8  # glibc's names for mallopt, in malloc.h
MEGABYTE = 2**20


def configure_process() -> None:
    """Configure a process that trains or evaluates networks; call it before torch is first imported.

    Idle OpenMP threads spin for half a millisecond, then sleep. Spinning bridges the gaps within a step,
    which otherwise cost half of a second thread's gain; sleeping frees the core for other processes.
    Environment variables that are already set are kept.
    """
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")  # read by GNU's OpenMP when torch loads
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # other OpenMPs: no waiting
    keep_freed_memory()


def keep_freed_memory(largest: int = 32) -> None:
    """Make glibc keep freed memory in one heap for all threads instead of returning it to the system.

    Otherwise the kernel maps memory for each batch of a CNN again: 5,000 to 8,000 page faults per step, a
    fifth of the time. Blocks over `largest` megabytes are still returned; a lower limit fragments the heap
    less. No effect with other C libraries.
    """
    with suppress(AttributeError, OSError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(MMAP_THRESHOLD, largest * MEGABYTE)
        mallopt(TRIM_THRESHOLD, 256 * MEGABYTE)
        mallopt(ARENA_MAX, 1)
