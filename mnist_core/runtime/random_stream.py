"""Draws from torch's global generator that are a training's own."""

from __future__ import annotations

import threading
from typing import ClassVar

import torch


class RandomStream:
    """Within `with stream:`, torch's global generator continues this stream, and nobody else's.

    Weight initialisation, dropout and RReLU can draw from that generator only; with streams a seed
    gives the same run whatever other threads build or train meanwhile. What draws from the global
    generator outside a stream would still disturb it, and so nothing of ours does; CUDA's and MPS's own
    generators are not covered. `state` (uint8) is where the stream has got to.
    """

    _turn: ClassVar = threading.RLock()  # all streams', as torch has one global generator

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
