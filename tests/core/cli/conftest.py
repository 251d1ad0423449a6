from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from mnist_core.cli import commands
from mnist_core.data.mnist import Dataset
from mnist_core.runs import store as run_store
from mnist_core.runs.store import RunStore
from tests.core.cli.command_line import FAST, CommandLine


@pytest.fixture
def command(capsys) -> CommandLine:
    return CommandLine(capsys)


@pytest.fixture(autouse=True)
def own_images(sample, monkeypatch) -> Dataset:
    """The sample, without the notice that it is only that."""
    quiet = replace(sample, notice=None)
    monkeypatch.setattr(commands, "load_dataset", lambda directory, progress: quiet)
    return quiet


@pytest.fixture(autouse=True)
def store(tmp_path, monkeypatch) -> RunStore:
    monkeypatch.setenv("DIGITLAB_RUNS", str(tmp_path / "runs"))
    return RunStore()


@pytest.fixture
def run_id(command) -> str:
    """The id of a run trained here."""
    return command.json("train", "--recipe", "tutorial-3", *FAST)["run"]


@pytest.fixture
def pretrained(run_id, store, tmp_path, monkeypatch) -> None:
    """The run trained here takes the place of the pretrained model."""
    monkeypatch.setattr(run_store, "PRETRAINED", store.get(run_id).folder.rename(tmp_path / "pretrained"))


@pytest.fixture
def pictures(tmp_path, batch) -> list[str]:
    """Two digits as picture files, and one without ink."""
    paths = [str(tmp_path / f"{name}.png") for name in ("first", "second", "blank")]
    for path, image in zip(paths, [*batch.images[:2], np.zeros((28, 28), np.uint8)], strict=True):
        Image.fromarray(255 - image).resize((200, 200)).save(path)
    return paths
