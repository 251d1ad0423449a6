"""Where the arithmetic is done: device, number format, cores."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import torch

from mnist_core.messages import N_, InputError

if TYPE_CHECKING:
    pass


def choose_device(name: str = "auto") -> torch.device:
    """CUDA, else Apple's MPS, else the CPU; or the one asked for.

    Raises InputError when `name` is no device of this machine.
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
    """Return "bfloat16" or "float32": the one `wanted`, or for "auto" what is faster on `device`.

    Of networks only `convolutional` ones gain by bfloat16.
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


def start_workers(count: int) -> ThreadPoolExecutor:
    """Start `count` threads in each of which torch's operations run on that thread alone.

    torch's own threads wait for one another at every operation, so a busy core holds up all of them; these
    only meet where their results are put together. torch's number of threads stays what it was for the
    caller, and for threads that start later.
    """
    threads = torch.get_num_threads()
    started = threading.Barrier(count + 1)

    def begin() -> None:
        torch.get_num_threads()  # when first asked, a thread takes over the number of all, for good
        torch.set_num_threads(1)
        torch.set_flush_denormal(True)  # of this thread only; see Training
        started.wait()

    workers = ThreadPoolExecutor(count, "arithmetic", begin)
    for _ in range(count):
        workers.submit(threading.get_ident)  # a thread is started for each task that finds none idle
    started.wait()
    torch.set_num_threads(threads)  # which threads take over that use torch for the first time
    return workers
