"""A training's batches: shuffled, augmented and scaled in blocks, resumable within an epoch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from mnist_core.config import TrainConfig
from mnist_core.training.augmentation import augment
from mnist_core.training.gradients import PIECE

BLOCK = 2_000
"""Images that are gathered and augmented at once, in whole batches, which saves time with small batches."""
LARGE_BATCH, SMALL_PIECE = 8_192, 100
"""Batches of more than LARGE_BATCH images go through a network in pieces of SMALL_PIECE; see piece_size."""


def piece_size(config: TrainConfig) -> int:
    """Return the most images that go through the network at once.

    Smaller pieces take less memory. Batch norm keeps PIECE, as it takes its statistics from each piece; so do
    batches up to LARGE_BATCH, whose results on record would change in their last digits.
    """
    return SMALL_PIECE if config.batch_size > LARGE_BATCH and not config.batch_norm else PIECE


class Piece(NamedTuple):
    """Images of one batch (all of them, unless it is larger than a piece), scaled for the network."""

    inputs: Tensor
    labels: Tensor
    share: float
    ends_batch: bool


class Batches:
    """The batches of each epoch of one training, with its own random generators.

    `images` uint8 [N, 28, 28] and `labels` int64 [N] stay as they are; `scale` makes a block of them what the
    network takes. `labels_in_order` are those of the present epoch in the order they come.
    """

    def __init__(
        self, images: Tensor, labels: Tensor, config: TrainConfig, scale: Callable[[Tensor], Tensor]
    ) -> None:
        self.labels_in_order = labels
        self.steps_per_epoch = math.ceil(len(images) / config.batch_size)
        self._images, self._labels, self._config, self._scale = images, labels, config, scale
        self._block = BLOCK // config.batch_size if config.batch_size <= PIECE else 1  # in batches
        self._shuffling = torch.Generator().manual_seed(config.seed)
        self._varying = torch.Generator().manual_seed(config.seed)
        self._shuffling_before_epoch = self._shuffling.get_state()
        self._varying_before_block = self._varying.get_state()

    def __len__(self) -> int:
        return len(self._images)

    def epoch(self, skip: int = 0, augmentation_at: Callable[[int], str] | None = None) -> Iterator[Piece]:
        """Give an epoch's batches in pieces, without its first `skip` batches.

        `augmentation_at` is asked before each batch, counted from 0, how to augment it; by default as the
        settings say. Where that changes within a block, the rest of the block is augmented anew.
        """
        name_at = augmentation_at or (lambda step: self._config.augmentation)
        self._shuffling_before_epoch = self._shuffling.get_state()
        order = self._order()
        self.labels_in_order = self._labels[order]
        if skip == self.steps_per_epoch:
            return
        first, within = divmod(skip, self._block)
        prepare = self._batches if self._config.batch_size <= PIECE else self._parts
        for number, block in enumerate(order.split(self._block * self._config.batch_size)[first:], first):
            self._varying_before_block = self._varying.get_state()
            yield from prepare(block, number * self._block, within, name_at)
            within = 0

    def state(self, steps: int) -> dict[str, Tensor]:
        """Return the generators' states from which `epoch(skip=steps)` continues after `steps` steps."""
        within_block = steps % self._block and steps < self.steps_per_epoch
        return {
            "shuffling": self._shuffling_before_epoch if steps else self._shuffling.get_state(),
            "varying": self._varying_before_block if within_block else self._varying.get_state(),
        }

    def forget_batch(self) -> None:
        """Restore the generators' states before a batch that was left between its pieces."""
        self._shuffling.set_state(self._shuffling_before_epoch)
        self._varying.set_state(self._varying_before_block)

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Restore what `state` returned."""
        self._shuffling_before_epoch, self._varying_before_block = state["shuffling"], state["varying"]
        self._shuffling.set_state(state["shuffling"])
        self._varying.set_state(state["varying"])

    def _order(self) -> Tensor:
        count = len(self._images)
        order = (
            torch.randperm(count, generator=self._shuffling) if self._config.shuffle else torch.arange(count)
        )
        return order.to(self._images.device)

    def _images_at(self, places: Tensor) -> Tensor:
        """Return the images at these places of the epoch; without shuffling they are a view."""
        if self._config.shuffle:
            return self._images[places]
        first = int(places[0])
        return self._images[first : first + len(places)]

    def _batches(
        self, block: Tensor, first: int, skip: int, name_at: Callable[[int], str]
    ) -> Iterator[Piece]:
        """Prepare a block of whole batches, the first of which has the number `first`, and cut it."""
        size, name = self._config.batch_size, ""
        prepared: Iterator[Tensor] = iter(())
        for place, labels in enumerate(self._labels[block].split(size)):
            if name_at(first + place) != name:
                name = name_at(first + place)
                prepared = iter(self._prepare(block[place * size :], name).split(size))
            inputs = next(prepared)
            if place >= skip:
                yield Piece(inputs, labels, 1.0, True)

    def _parts(self, batch: Tensor, first: int, skip: int, name_at: Callable[[int], str]) -> Iterator[Piece]:
        """Prepare one large batch in pieces; it is number `first`, and never skipped."""
        parts = batch.tensor_split(math.ceil(len(batch) / piece_size(self._config)))
        for number, part in enumerate(parts, 1):
            inputs = self._prepare(part, name_at(first))
            yield Piece(inputs, self._labels[part], len(part) / len(batch), number == len(parts))

    def _prepare(self, places: Tensor, augmentation: str) -> Tensor:
        return self._scale(augment(self._images_at(places), augmentation, self._varying))
