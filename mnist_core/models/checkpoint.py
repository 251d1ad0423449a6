"""The one way models and trainings are saved and loaded: tensors as safetensors, the rest in its header."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_core.config import TrainConfig
from mnist_core.messages import N_, InputError
from mnist_core.runtime.files import write_whole

if TYPE_CHECKING:
    from mnist_core.models.modules import DigitClassifier

FORMAT = "digit-lab 1"


@dataclass(frozen=True)
class Checkpoint:
    """A model, the settings that made it, and how many epochs it had (a share where it was stopped)."""

    model: DigitClassifier
    config: TrainConfig
    epoch: float


def save_checkpoint(path: Path, model: DigitClassifier, config: TrainConfig, epoch: float) -> None:
    """Write a checkpoint to `path`, at once and whole: a kill leaves the old file or the new one."""
    from safetensors.torch import save

    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    header = {"format": FORMAT, "config": json.dumps(config.to_json()), "epoch": repr(float(epoch))}
    write_whole(path, save(weights, header))


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint; the model is in evaluation mode, on the CPU.

    Raises InputError when the file is missing, damaged, or not one of ours.
    """
    from safetensors import SafetensorError, safe_open

    from mnist_core.models.architectures import build_model

    try:
        with safe_open(path, "pt") as file:
            header = file.metadata() or {}
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
        if header.get("format") != FORMAT:
            raise InputError(N_("{path} was not written by Digit Lab; choose another file."), path=path)
        config = TrainConfig.from_json(json.loads(header["config"]))
        model = build_model(config)
        model.load_state_dict(weights)
        return Checkpoint(model.eval(), config, float(header["epoch"]))
    except FileNotFoundError:
        raise InputError(N_("There is no checkpoint at {path}."), path=path) from None
    except (OSError, SafetensorError, KeyError, RuntimeError, ValueError, AttributeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            N_("{path} is damaged or not a checkpoint; choose another file."), path=path
        ) from error
