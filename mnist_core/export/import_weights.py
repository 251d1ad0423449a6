"""Import of settings from JSON, and of weights from safetensors as a new run.

Files are untrusted: their size and header are checked before anything is built or loaded.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_core.config import FIELD_RANGES, TrainConfig
from mnist_core.messages import N_, InputError
from mnist_core.models.checkpoint import FORMAT, WEIGHTS_FORMAT, load_checkpoint
from mnist_core.runs.admission import UNLIMITED, TrainingLimits
from mnist_core.runtime.limits import WEIGHTS_BYTES

if TYPE_CHECKING:
    from mnist_core.runs.run import Run
    from mnist_core.runs.store import RunStore

MOST_CONFIG_BYTES = 100_000
Tensors = dict[str, tuple[str, tuple[int, ...]]]  # name -> type, shape


def read_config(path: Path, name: str | None = None) -> TrainConfig:
    """Read settings from the JSON file at `path`; messages call it `name`.

    Raises InputError if the file can't be read or a setting is invalid.
    """
    name = name or str(path)
    _check_size(path, name, MOST_CONFIG_BYTES)
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(
            N_("{file} can't be read as settings in JSON; choose a file that was saved here."), file=name
        ) from error
    if not isinstance(values, dict):
        raise InputError(N_("{file} holds no settings; choose a file that was saved here."), file=name)
    return TrainConfig.from_json(values)


def import_weights(
    store: RunStore,
    path: Path,
    name: str | None = None,
    owner: str = "",
    limits: TrainingLimits = UNLIMITED,
) -> Run:
    """Create a finished run from the safetensors file at `path`; messages call it `name`.

    The run gets the file's name. Raises InputError if Digit Lab didn't write the file, its weights don't
    match the settings in its header, or the visitor `owner` may not have such a run.
    """
    name = name or str(path)
    limits.check_disk(store, owner)
    check_weights(path, name, limits)
    checkpoint = load_checkpoint(path)
    stem = Path(name).stem
    return store.add(checkpoint.config, checkpoint.model, checkpoint.epoch, stem, owner, imported=True)


def check_weights(path: Path, name: str, limits: TrainingLimits = UNLIMITED) -> None:
    """Raise InputError unless the header lists exactly the tensors of the network in its settings.

    Also where that network is larger than `limits` allow.
    """
    from safetensors import SafetensorError

    _check_size(path, name, WEIGHTS_BYTES.value(True))
    try:
        header, tensors = _read_header(path)
        of_a_run = header.get("format") == WEIGHTS_FORMAT
        config = TrainConfig() if of_a_run else TrainConfig.from_json(json.loads(header["config"]))
        ours = header["format"] == FORMAT and 0 <= float(header["epoch"]) <= FIELD_RANGES["epochs"][1]
    except (
        OSError,
        SafetensorError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        RecursionError,
    ) as error:
        raise _not_ours(name) from error
    if of_a_run:
        raise InputError(
            N_("{file} has no settings in its header; export the weights of its run instead."), file=name
        )
    if not ours:
        raise _not_ours(name)
    limits.check_network(config)
    if tensors != _tensors_of(config):
        raise InputError(
            N_("The weights in {file} don't fit the network it names; choose another file."), file=name
        )


def _check_size(path: Path, name: str, most: int | None) -> None:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise InputError(N_("{file} does not exist or can't be read."), file=name) from error
    if most is not None and size > most:
        raise InputError(
            N_("{file} has {size:,} bytes; the limit is {most:,}."),
            file=name,
            size=size,
            most=most,
        )


def _not_ours(name: str) -> InputError:
    return InputError(
        N_("{file} is damaged, or not weights saved by Digit Lab; choose another file."), file=name
    )


def _read_header(path: Path) -> tuple[dict[str, str], Tensors]:
    """Return a safetensors file's metadata and each tensor's type and shape, without loading tensors."""
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 - not a dict
        tensors = {name: (part.get_dtype(), tuple(part.get_shape())) for name, part in slices.items()}
        return file.metadata() or {}, tensors


def _tensors_of(config: TrainConfig) -> Tensors:
    """Return each tensor's type and shape in the network of `config`, built on the meta device."""
    import torch

    from mnist_core.models.architectures import build_model

    with torch.device("meta"):
        state = build_model(config).state_dict()
    kinds = {torch.float32: "F32", torch.int64: "I64"}
    return {name: (kinds[tensor.dtype], tuple(tensor.shape)) for name, tensor in state.items()}
