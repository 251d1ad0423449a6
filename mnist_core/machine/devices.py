"""Where the arithmetic is done: device, number format, cores."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import torch

from mnist_core.messages import N_, InputError

if TYPE_CHECKING:
    from mnist_core.config import TrainConfig
    from mnist_core.model import DigitClassifier


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


def choose_precision(config: TrainConfig, model: DigitClassifier, device: torch.device) -> str:
    """Return "bfloat16" or "float32": as the config asks, else bfloat16 where it was measured to help."""
    if config.precision != "auto":
        return config.precision
    return "bfloat16" if model.convolutional and _has_bfloat16(device) else "float32"


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
