"""Checkpoints: a model's weights as safetensors. A run keeps its settings once, beside its checkpoints.

A checkpoint that is exported from its run has the settings in its header (format "digit-lab 1", in which
version 0.1 wrote every checkpoint), so that it can be opened by itself.
"""

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

FORMAT = "digit-lab 1"  # with the settings in the header
WEIGHTS_FORMAT = "digit-lab weights 1"  # without: they are in the run's config.json


@dataclass(frozen=True)
class Checkpoint:
    """A model, its settings, and its number of epochs (fractional if stopped within one)."""

    model: DigitClassifier
    config: TrainConfig
    epoch: float


def save_checkpoint(path: Path, model: DigitClassifier, epoch: float) -> None:
    """Write a run's weights after `epoch` epochs to `path`, atomically."""
    from safetensors.torch import save

    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    write_whole(path, save(weights, {"format": WEIGHTS_FORMAT, "epoch": repr(float(epoch))}))


def standalone_checkpoint(path: Path, config: TrainConfig) -> bytes:
    """Return a run's checkpoint as a file of its own, with `config`, the run's settings, in its header.

    Only the header is rewritten; a checkpoint of version 0.1 is returned as it is. Raises InputError when the
    file is missing or damaged.
    """
    try:
        content = path.read_bytes()
        start = 8 + int.from_bytes(content[:8], "little")  # safetensors: the header's length, header, tensors
        header = json.loads(content[8:start])
        metadata = header["__metadata__"]
        if metadata["format"] == FORMAT:
            return content
        epoch = metadata["epoch"]
    except FileNotFoundError:
        raise _missing(path) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(path) from error
    header["__metadata__"] = {"format": FORMAT, "config": json.dumps(config.to_json()), "epoch": epoch}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the tensors begin at a multiple of 8 bytes
    return len(text).to_bytes(8, "little") + text + content[start:]


def load_checkpoint(path: Path, config: TrainConfig | None = None) -> Checkpoint:
    """Read a checkpoint; the model is in evaluation mode, on the CPU.

    `config` is that of the checkpoint's run; without it, the file must have settings in its header. Raises
    InputError when the file is missing, damaged, or not one of ours.
    """
    from safetensors import SafetensorError, safe_open

    from mnist_core.models.architectures import build_model

    try:
        with safe_open(path, "pt") as file:
            header = file.metadata() or {}
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
        if header.get("format") not in (FORMAT, WEIGHTS_FORMAT):
            raise InputError(N_("{path} was not written by Digit Lab; choose another file."), path=path)
        config = config or TrainConfig.from_json(json.loads(header["config"]))
        model = build_model(config)
        model.load_state_dict(weights)
        return Checkpoint(model.eval(), config, float(header["epoch"]))
    except FileNotFoundError:
        raise _missing(path) from None
    except (OSError, SafetensorError, KeyError, RuntimeError, ValueError, AttributeError) as error:
        if isinstance(error, InputError):
            raise
        raise _damaged(path) from error


def _missing(path: Path) -> InputError:
    return InputError(N_("There is no checkpoint at {path}."), path=path)


def _damaged(path: Path) -> InputError:
    return InputError(N_("{path} is damaged or not a checkpoint; choose another file."), path=path)
