"""Choice of device and precision, number of cores, and single-threaded worker threads."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import torch

from mnist_core.messages import N_, InputError

_setting_number = threading.Lock()  # torch's number for new threads is the process's


def choose_device(name: str = "auto") -> torch.device:
    """Return the device `name`; for "auto" CUDA, else Apple's MPS, else the CPU.

    Raises InputError if this machine has no device `name`.
    """
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(device for device, here in available.items() if here))
    if not available.get(name):
        raise InputError(
            N_("There is no device {name!r} here; choose auto or one of {here}."),
            name=name,
            here=", ".join(device for device, here in available.items() if here),
        )
    return torch.device(name)


def choose_precision(wanted: str, convolutional: bool, device: torch.device) -> str:
    """Return "bfloat16" or "float32": `wanted`, or for "auto" the faster one on `device`.

    Only `convolutional` networks are faster with bfloat16.
    """
    if wanted != "auto":
        return wanted
    return "bfloat16" if convolutional and _has_bfloat16(device) else "float32"


def _has_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
        zen = capabilities.get("avx512_bf16") and "AMD" in str(capabilities.get("cpu_name"))
        return bool(capabilities.get("amx_bf16") or zen)  # Xeons without AMX: 0.8 times float32's speed
    return False


def usable_cores() -> int:
    """Count the cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def use_one_thread() -> None:
    """Make torch's operations single-threaded in this thread, which leaves the other cores to other work.

    The number for threads started later doesn't change. On a busy machine a network reads one image some
    20 times as fast with one thread as with two.
    """
    if torch.get_num_threads() > 1:  # the first call in a thread fixes its number of threads
        with _number_kept_for_new_threads():
            torch.set_num_threads(1)


def number_for_new_threads() -> int:
    """Return how many threads torch's operations use in a thread that starts now."""
    with ThreadPoolExecutor(1) as other:
        return other.submit(torch.get_num_threads).result()


@contextmanager
def _number_kept_for_new_threads() -> Iterator[None]:
    """Undo what torch.set_num_threads does, within, to threads that start later."""
    with _setting_number, ThreadPoolExecutor(1) as other:
        number = other.submit(torch.get_num_threads).result()
        yield
        other.submit(torch.set_num_threads, number).result()


def start_workers(count: int) -> ThreadPoolExecutor:
    """Start `count` worker threads in which torch's operations are single-threaded.

    torch's own threads synchronise after every op, so one busy core delays all of them; these synchronise
    only where their results are combined. torch's number of threads doesn't change for the caller, nor for
    threads started later.
    """
    started = threading.Barrier(count + 1)

    def begin() -> None:
        torch.get_num_threads()  # the first call in a thread fixes its number of threads
        torch.set_num_threads(1)
        torch.set_flush_denormal(True)  # for this thread only; see Training
        started.wait()

    with _number_kept_for_new_threads():
        workers = ThreadPoolExecutor(count, "arithmetic", begin)
        for _ in range(count):
            workers.submit(threading.get_ident)  # the pool starts a thread for each task that finds none idle
        started.wait()
    return workers
