"""The state of a training, saved so that it continues to the bit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_core.messages import N_, InputError
from mnist_core.runtime.files import write_whole

if TYPE_CHECKING:
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


STATE_FORMAT = "digit-lab state 1"
STATE_GROUPS = ("model", "optimizer", "generators")  # of a training's tensors; its logits stand alone


def save_state(path: Path, state: TrainingState) -> None:
    """Write a state to `path`: a kill leaves the old file or the new one."""
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
            N_(
                "The state of this training is missing or damaged; it can't be continued. Train its "
                "settings again."
            )
        ) from error
