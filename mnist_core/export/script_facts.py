"""The facts of a run that its exported training script depends on, besides the settings."""

from __future__ import annotations

import inspect
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mnist_core.choices import OPTIMIZERS
from mnist_core.dataset_choices import DATASETS
from mnist_core.runs.run import STATE_FILE
from mnist_core.training.schedules import STEERED, ChangeSchedule, initial_changes
from mnist_core.training.training_state import load_state

if TYPE_CHECKING:
    from mnist_core.config import TrainConfig
    from mnist_core.models.modules import DigitClassifier
    from mnist_core.runs.run import Run

ENDED_EARLY = ("stopped", "paused", "interrupted")


@dataclass(frozen=True)
class ScriptFacts:
    """What a run's script depends on.

    `config` has the settings that the run began with, `changes` those that were changed on the way. `model`,
    on the meta device, has the dropout layers that any of them needs. `last_step` is the number of steps done
    if the run ended early, else None.
    """

    config: TrainConfig
    model: DigitClassifier
    device: str
    threads: int
    bfloat16: bool
    train_images: int
    changes: ChangeSchedule
    last_step: int | None

    @property
    def steps_per_epoch(self) -> int:
        """Number of batches in an epoch."""
        return math.ceil(self.train_images / self.config.batch_size)

    @property
    def in_parts(self) -> bool:
        """Whether batches are split into parts to limit memory."""
        from mnist_core.training.batches import piece_size

        return min(self.config.batch_size, self.train_images) > piece_size(self.config)

    @property
    def block_size(self) -> int:
        """Images augmented at once, in whole batches."""
        from mnist_core.training.batches import BLOCK
        from mnist_core.training.gradients import PIECE

        batch = self.config.batch_size
        return BLOCK // batch * batch if batch <= PIECE else batch

    @property
    def random_layers(self) -> bool:
        """Whether layers draw random numbers in training mode."""
        from torch import nn

        return any(isinstance(module, nn.Dropout | nn.RReLU) for module in self.model.modules())

    @property
    def decays(self) -> bool:
        """Whether the script passes weight_decay: it isn't 0, or the optimizer's default isn't."""
        import torch

        optimizer = getattr(torch.optim, OPTIMIZERS[self.config.optimizer].torch_class)
        default = inspect.signature(optimizer).parameters["weight_decay"].default
        return bool(self.config.weight_decay or default)

    @property
    def muon(self) -> bool:
        """Whether the script has two optimizers: Muon for matrices, AdamW for the other parameters."""
        return OPTIMIZERS[self.config.optimizer].torch_class == "Muon"

    def varies(self, setting: str) -> bool:
        """Whether a setting, or "epochs", was changed during the training."""
        return len({getattr(change, setting) for change in self.changes}) > 1

    @property
    def changes_rate(self) -> bool:
        """Whether the learning rate changes during the training, by a schedule or by hand."""
        return self.config.schedule != "constant" or self.varies("learning_rate")

    @property
    def phase_columns(self) -> list[str]:
        """The settings that the script has to look up for each step; "epochs" are those of the schedule."""
        columns = [name for name in STEERED if self.varies(name)]
        if self.config.schedule == "constant":
            return columns
        rate = ["learning_rate", "epochs"]
        needed = self.varies("learning_rate") or self.varies("epochs")
        return [*rate, *(name for name in columns if name not in rate)] if needed else columns

    @property
    def needs_steps(self) -> bool:
        """Whether the script counts steps."""
        return self.changes_rate or bool(self.phase_columns) or self.last_step is not None

    def has_layer(self, name: str) -> bool:
        """Whether the network has a layer whose class is called `name`."""
        return any(type(module).__name__ == name for module in self.model.modules())


def gather_facts(run: Run) -> ScriptFacts:
    """Collect the facts of `run`; the model is built on the meta device, without weights."""
    from mnist_core.models.architectures import build_meta_model, layers_with_dropout

    changes, results = run.changes or initial_changes(run.config), run.results
    config = changes[0].applied_to(run.config)
    model = build_meta_model(replace(config, dropout=max(change.dropout for change in changes)))
    layers_with_dropout(model, config)
    return ScriptFacts(
        config,
        model,
        device=results.get("device", "cpu"),
        threads=results.get("threads", 1),
        bfloat16=results.get("precision", config.precision) == "bfloat16",
        train_images=results.get("train_images") or _count_images(config),
        changes=changes,
        last_step=_steps_done(run) if run.status in ENDED_EARLY else None,
    )


def _count_images(config: TrainConfig) -> int:
    """Number of images that `training.trainer.fit` trains on with `config`."""
    data = DATASETS[config.dataset]
    held_out = data.validation if data.divided else config.validation_size
    count = min(config.train_size, data.images[0] - held_out)
    return count - (config.batch_norm and count % config.batch_size == 1)


def _steps_done(run: Run) -> int | None:
    file = run.folder / STATE_FILE
    return load_state(file).step if file.exists() else None
