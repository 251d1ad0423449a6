"""Separate random streams of torch's global generator, one for each training."""

from __future__ import annotations

import threading
from typing import ClassVar

import torch


class RandomStream:
    """Within `with stream:`, torch's global generator continues this stream; other threads wait.

    Weight initialization, dropout and RReLU can only draw from the global generator. With streams, a seed
    gives the same run whatever other threads build or train. Our code must not draw from the global generator
    outside a stream. CUDA's and MPS's generators are not covered. `state` (uint8) is the stream's generator
    state.
    """

    _turn: ClassVar = threading.RLock()  # shared by all streams, as torch has one global generator

    def __init__(self, seed: int) -> None:
        self.state = torch.Generator().manual_seed(seed).get_state()

    def __enter__(self) -> None:
        self._turn.acquire()
        self._outer = torch.get_rng_state()
        torch.set_rng_state(self.state)

    def __exit__(self, *exception: object) -> None:
        self.state = torch.get_rng_state()
        torch.set_rng_state(self._outer)
        self._turn.release()
