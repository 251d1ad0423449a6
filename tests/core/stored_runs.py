"""Runs made for tests of the store of runs."""

import subprocess
import sys
from pathlib import Path

import pytest

from mnist_core.config import TrainConfig
from mnist_core.messages import InputError
from mnist_core.models.architectures import build_model
from mnist_core.models.checkpoint import save_checkpoint, standalone_checkpoint
from mnist_core.models.modules import DigitClassifier
from mnist_core.runs.store import PROJECT, RunStore

CONFIG = TrainConfig(widths=(8,))
BYTES = 100_000  # of a run made here, its small files aside


def finished(store: RunStore, **results) -> str:
    """The id of a run that ended well, with one checkpoint."""
    writer = store.create(CONFIG)
    writer.save(build_model(CONFIG), 1)
    writer.update("finished", **results)
    writer.close()
    return writer.id


def save_weights_file(path: Path, model: DigitClassifier, config: TrainConfig, epoch: float) -> None:
    """Write weights as they are exported, with their settings."""
    save_checkpoint(path, model, epoch)
    path.write_bytes(standalone_checkpoint(path, config))


def make(store, status="finished", pinned=False, owner=""):
    """The id of a run of about BYTES that ended, or was left at `status` by its writer."""
    writer = store.create(CONFIG, owner=owner)
    (store.get(writer.id).folder / "weights").write_bytes(bytes(BYTES))
    writer.update(status)
    writer.close()
    if pinned:
        store.pin(writer.id)
    return writer.id


def ids(store):
    return [run.id for run in store.list()]


def refusal(ask, *arguments):
    with pytest.raises(InputError) as caught:
        ask(*arguments)
    assert str(caught.value).endswith(".")
    return str(caught.value)


def elsewhere(store, code):
    """Run code in another process, with `store` there as here."""
    head = "import os, sys\nfrom mnist_core.config import TrainConfig"
    head += "\nfrom mnist_core.runs.store import RunStore"
    code = f"{head}\nstore = RunStore(sys.argv[1])\n{code}"
    return subprocess.Popen(
        [sys.executable, "-c", code, str(store.directory)], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    )
