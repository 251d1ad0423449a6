"""The one way models and trainings are saved and loaded: tensors as safetensors, the rest in its header."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_core.config import TrainConfig
from mnist_core.messages import N_, InputError

if TYPE_CHECKING:
    from torch import Tensor

    from mnist_core.learning.training_state import TrainingState
    from mnist_core.model import DigitClassifier

FORMAT = "digit-lab 1"
STATE_FORMAT = "digit-lab state 1"
STATE_GROUPS = ("model", "optimizer", "generators")  # of a training's tensors; its logits stand alone


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

    from mnist_core.architectures import build_model

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
        raise InputError(N_("{path} is damaged or no checkpoint; choose another file."), path=path) from error


def save_state(path: Path, state: TrainingState) -> None:
    """Write a state to `path`, at once and whole: a kill leaves the old file or the new one."""
    from safetensors.torch import save

    named = {
        f"{group}/{name}": tensor for group in STATE_GROUPS for name, tensor in getattr(state, group).items()
    }
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in named.items()}
    tensors["logits"] = state.logits.cpu().contiguous()
    header = {
        "format": STATE_FORMAT,
        "step": str(state.step),
        "epochs_done": str(state.epochs_done),
        "seconds": repr(state.seconds),
        "reported": str(state.reported),
    }
    write_whole(path, save(tensors, header))


def load_state(path: Path) -> TrainingState:
    """Read a state; raise InputError when the file is missing, damaged, or not one of ours."""
    from safetensors import SafetensorError, safe_open

    from mnist_core.learning.training_state import TrainingState

    try:
        with safe_open(path, "pt") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
        if header.get("format") != STATE_FORMAT:
            raise ValueError(path)
        groups: dict[str, dict[str, Tensor]] = {group: {} for group in STATE_GROUPS}
        logits = tensors.pop("logits")
        for key, tensor in tensors.items():
            group, name = key.split("/")
            groups[group][name] = tensor
        return TrainingState(
            int(header["step"]),
            int(header["epochs_done"]),
            float(header["seconds"]),
            int(header["reported"]),
            **groups,
            logits=logits,
        )
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise InputError(
            N_("The state of this training is missing or damaged; it can't be continued. Train it anew.")
        ) from error


def write_whole(path: Path, content: bytes) -> None:
    """Replace the file at `path` by `content` in one move, through a temporary name beside it."""
    temporary = path.with_name(path.name + ".part")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
