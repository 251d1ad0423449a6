"""The whole process: the memory that it takes, and imports that must not come in the middle of another."""

import os
from contextlib import suppress
from pathlib import Path


def import_scipy() -> None:
    """Import SciPy's statistics (1 s at first), before this thread may begin to import PyTorch.

    SciPy's import looks for `torch.Tensor` if there is a module torch, and fails while another thread is half
    way through importing that. So every thread that may import PyTorch does this first.
    """
    import scipy.stats  # noqa: F401


def import_pandas() -> None:
    """Import pandas (0.5 s at first), before this thread draws with Plotly.

    Plotly looks for `pandas.Series` if there is a module pandas, and fails while another thread is half way
    through importing that.
    """
    import pandas  # noqa: F401


def resident_bytes() -> int | None:
    """Return the bytes of memory that this process has now; None where the system isn't Linux."""
    with suppress(OSError, ValueError, IndexError):
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    return None
