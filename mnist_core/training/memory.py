"""The memory that a training takes, estimated from the network's layers, and the memory that there is.

What a training adds to a process that has trained before is estimated: weights, gradients, the optimizer's
memory, the outputs of all layers for the images that go through the network at once, and the images that are
prepared at once. It is rough: within a factor of 2 of the measured peak, or 20 MB, for the recipes (see
tests/core/training/test_memory.py).
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_core.messages import N_, InputError
from mnist_core.models.summary import describe_layers, output_values

if TYPE_CHECKING:
    from mnist_core.config import TrainConfig

MEMORY_VARIABLE = "DIGITLAB_MEMORY"  # MB that a server may use, if less than the machine has
PROCESS_BYTES = 450_000_000  # of the app before its first training, torch and data included
CONTAINER_FILES = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
NUMBER = 4  # bytes of a float32
PROBED_IMAGES = 128  # images of a probe, with gradients; see monitoring.prober
FIXED_BYTES = 8_000_000  # kernels' buffers and the allocator's rounding


def training_bytes(config: TrainConfig, train_images: int = 60_000) -> int:
    """Estimate the bytes that a training of `train_images` images adds to the process, at its peak."""
    from mnist_core.training.batches import BLOCK, piece_size
    from mnist_core.training.optimizers import UPDATE_RULES

    parameters = sum(layer.parameters for layer in describe_layers(config))
    remembered = sum(quantity != "step" for quantity in UPDATE_RULES[config.optimizer].memory)
    of_weights = parameters * (4 + 3 * remembered)  # gradients, a step's and a saved state's copies too
    at_once = max(min(config.batch_size, piece_size(config), train_images), PROBED_IMAGES)
    of_outputs = at_once * output_values(config)
    of_images = min(BLOCK, train_images) * 784 * (2 if config.augmentation == "none" else 8)
    return FIXED_BYTES + NUMBER * (of_weights + of_outputs + of_images)


def check_memory(config: TrainConfig) -> None:
    """Raise InputError if a training on the CPU would need more memory than this machine or server has."""
    from mnist_core.runtime.devices import choose_device

    if choose_device().type != "cpu":
        return
    needed, limit = PROCESS_BYTES + training_bytes(config, config.train_size), memory_limit()
    if limit is not None and needed > limit:
        raise InputError(
            N_(
                "This training needs about {needed} of memory, and this machine has {limit}. Choose fewer or "
                "smaller layers, or a smaller batch size."
            ),
            needed=memory_text(needed),
            limit=memory_text(limit),
        )


def memory_text(size: float) -> str:
    """Return a number of bytes as text with two digits: 85 MB, 1.2 GB."""
    size = float(f"{size:.2g}")
    return f"{size / 1e9:,.2g} GB" if size >= 1e9 else f"{size / 1e6:,.0f} MB"


def memory_limit() -> int | None:
    """Return the bytes that this process may take: the machine's, its container's, or MEMORY_VARIABLE's.

    None if the system states none. Raises InputError if MEMORY_VARIABLE is no number of megabytes.
    """
    limits = []
    with suppress(AttributeError, ValueError, OSError):
        limits.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for file in CONTAINER_FILES:
        with suppress(OSError, ValueError):  # "max" is no number: no limit
            limits.append(int(Path(file).read_text()))
    if megabytes := os.environ.get(MEMORY_VARIABLE):
        if not megabytes.isdecimal() or not int(megabytes):
            raise InputError(
                N_("{variable} is {value!r}; write a number of megabytes, such as 2000."),
                variable=MEMORY_VARIABLE,
                value=megabytes,
            )
        limits.append(int(megabytes) * 1_000_000)
    return min(limits, default=None)
