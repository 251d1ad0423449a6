"""Memory that a batch frees is there for the next one."""

import ctypes
import subprocess
import sys

import pytest

from mnist_core.runs.store import PROJECT

PAGES_A_TURN = 10 * 5 * 2**20 // 4096
FILL = """
{first}
import resource, threading
import numpy as np

def fill():
    for turn in range(12):
        if turn == 2:
            before = resource.getrusage(resource.RUSAGE_THREAD).ru_minflt
        batch = [np.ones(5 * 2**20, np.uint8) for _ in range(10)]
        del batch
    print((resource.getrusage(resource.RUSAGE_THREAD).ru_minflt - before) / 10)

{call}
"""
IN_A_THREAD = "thread = threading.Thread(target=fill); thread.start(); thread.join()"


def faults(first: str, call: str) -> float:
    """Page faults a turn of filling fifty megabytes and giving them back."""
    done = subprocess.run(
        [sys.executable, "-c", FILL.format(first=first, call=call)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="the C library is not glibc")
@pytest.mark.parametrize("call", ["fill()", IN_A_THREAD])
def test_freed_memory_is_kept(call):
    assert (
        faults("from mnist_core.runtime.process import keep_freed_memory; keep_freed_memory()", call)
        < 0.1 * PAGES_A_TURN
    )


@pytest.mark.parametrize("problem", [AttributeError, OSError, TypeError])
def test_another_c_library_is_left_alone(problem, monkeypatch):
    from mnist_core.runtime import process

    def none(name: None) -> None:
        raise problem

    monkeypatch.setattr(process.ctypes, "CDLL", none)
    process.keep_freed_memory()
