"""All that a training needs to be gone on with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class TrainingState:
    """A training after `step` optimizer steps, `epochs_done` of whose epochs are over.

    `reported` counts the images of this epoch up to the last report, `logits` [n, 10] are the outputs for all
    of its images so far. `generators` are the states of the random generators, uint8. The tensors are those
    of the training itself: save them, or they change with its next step.
    """

    step: int
    epochs_done: int
    seconds: float
    reported: int
    model: Mapping[str, Tensor]
    optimizer: Mapping[str, Tensor]
    generators: Mapping[str, Tensor]
    logits: Tensor
