"""Process-wide settings, made by the entry points: OpenMP's idle threads and glibc's memory allocator."""

import ctypes
import os
from contextlib import suppress

TRIM_THRESHOLD, MMAP_THRESHOLD, ARENA_MAX = -1, -3, -8  # glibc's names for mallopt, in malloc.h
MEGABYTE = 2**20
WAIT_POLICY = {"GOMP_SPINCOUNT": "10000", "OMP_WAIT_POLICY": "PASSIVE"}
"""Environment variables that OpenMP reads when torch loads: GNU's, then that of others, which don't wait."""


def configure_process() -> None:
    """Configure a process that trains or evaluates networks; call it before torch is first imported.

    Idle OpenMP threads spin for half a millisecond, then sleep. Spinning bridges the gaps within a step,
    which otherwise cost half of a second thread's gain; sleeping frees the core for other processes.
    Environment variables that are already set are kept.
    """
    for name, value in WAIT_POLICY.items():
        os.environ.setdefault(name, value)
    keep_freed_memory()


def keep_freed_memory(largest: int = 32) -> None:
    """Have glibc keep one heap for all threads, and return freed blocks of more than `largest` megabytes.

    glibc otherwise raises that limit by itself up to 32 MB, which leaves holes in the heap, and gives each
    thread a heap of its own. tutorial-4b trains 1.0 to 1.3 times as fast with it and is tested 1.8 times as
    fast (`python -m benchmarks.ablation`). Other C libraries are left as they are.
    """
    with suppress(AttributeError, OSError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(MMAP_THRESHOLD, largest * MEGABYTE)
        mallopt(TRIM_THRESHOLD, 256 * MEGABYTE)
        mallopt(ARENA_MAX, 1)
