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
"""Images of whole batches that are gathered and varied at once: it saves time with small batches."""


class Piece(NamedTuple):
    """Images of one batch (all of them, unless it is larger than PIECE), scaled for the network."""

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

    def epoch(self, skip: int = 0) -> Iterator[Piece]:
        """Give an epoch's batches in pieces, without its first `skip` batches."""
        self._shuffling_before_epoch = self._shuffling.get_state()
        order = self._order()
        self.labels_in_order = self._labels[order]
        if skip == self.steps_per_epoch:
            return
        first, within = divmod(skip, self._block)
        for block in order.split(self._block * self._config.batch_size)[first:]:
            self._varying_before_block = self._varying.get_state()
            yield from self._pieces(block, within)
            within = 0

    def state(self, steps: int) -> dict[str, Tensor]:
        """Return the generators' states from which `epoch(skip=steps)` goes on, `steps` into an epoch."""
        within_block = steps % self._block and steps < self.steps_per_epoch
        return {
            "shuffling": self._shuffling_before_epoch if steps else self._shuffling.get_state(),
            "varying": self._varying_before_block if within_block else self._varying.get_state(),
        }

    def forget_batch(self) -> None:
        """Put the generators back to where they were before a batch that was left within its pieces."""
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
        """Return the images at some of the epoch's places; unshuffled ones lie side by side already."""
        if self._config.shuffle:
            return self._images[places]
        first = int(places[0])
        return self._images[first : first + len(places)]

    def _pieces(self, block: Tensor, skip: int) -> Iterator[Piece]:
        """Prepare a block of whole batches and cut it, or one large batch in parts of up to PIECE images."""
        size = self._config.batch_size
        parts = block.tensor_split(math.ceil(len(block) / PIECE)) if size > PIECE else [block]
        for number, part in enumerate(parts, 1):
            inputs = self._scale(augment(self._images_at(part), self._config.augmentation, self._varying))
            batches = list(zip(inputs.split(size), self._labels[part].split(size), strict=True))
            share, ends_batch = len(part) / len(block), number == len(parts)
            for batch, labels in batches[skip:]:
                yield Piece(batch, labels, share, ends_batch)
