import subprocess
import sys
import zipfile

import numpy as np
import pytest

from mnist_core.data.datasets import open_own_set
from mnist_core.recognition.labelled_drawings import LabelledDrawing
from tests.core.cli.command_line import FAST, CommandLine
from tests.core.own_data.sources import csv_text


@pytest.fixture
def table(tmp_path, own_images) -> str:
    """The first 300 digits of the sample, transposed and with labels from 1, as a CSV."""
    images = own_images.train.images[:300].transpose(0, 2, 1)
    (tmp_path / "t.csv").write_text(csv_text(images, own_images.train.labels[:300] + 1))
    return str(tmp_path / "t.csv")


def test_a_set_is_added_listed_trained_and_deleted(command: CommandLine, table: str, own_images):
    added = command.json("data", "add", "Mine", table, "--transpose", "--shift", "-1", "--share", "20")
    assert added["classes"] == list("0123456789")
    assert added["train"] + added["validation"] + added["test"] == 300
    assert command.json("data", "list")["sets"] == [added]
    shown = command.json("data", "--dataset", added["dataset"])
    assert shown["train_images"] == added["train"] + added["validation"]
    run = command.json("train", "--dataset", added["dataset"], *FAST)
    result = command.json("evaluate", run["run"])
    assert result["images"] == added["test"]
    assert added["name"] in command("data", "list")[1]
    assert command.json("data", "delete", "Mine") == {"deleted": [added["dataset"]]}
    assert command("data", "list")[1].startswith("no data sets yet")
    assert "the data set Mine were deleted" in command.refusal("evaluate", run["run"])


def test_mends_reach_the_images(command: CommandLine, table: str, own_images):
    key = command.json("data", "add", "Mine", table, "--transpose", "--shift", "-1")["dataset"]
    data = open_own_set(key)
    images = np.concatenate([data.train.images, data.test.images])
    labels = np.concatenate([data.train.labels, data.test.labels])
    order, expected = (
        sorted((int(label), image.tobytes()) for label, image in zip(all_labels, all_images, strict=True))
        for all_labels, all_images in (
            (labels, images),
            (own_images.train.labels[:300], own_images.train.images[:300]),
        )
    )
    assert order == expected


def test_a_set_is_exported_and_added_again(command: CommandLine, table: str, tmp_path):
    key = command.json("data", "add", "Mine", table, "--classes", "z,y,x,w,v,u,t,s,r,q")["dataset"]
    images = {}
    for kind, ending in {"csv": "zip", "idx": "zip", "npz": "npz", "png": "zip"}.items():
        path = str(tmp_path / f"taken.{ending}")
        said = command.json("data", "export", "Mine", "--as", kind, "--out", path)
        assert said == {"set": "Mine", "as": kind, "file": path, "images": 300}
        again = command.json("data", "add", f"Again {kind}", path)
        assert again["classes"] == list("zyxwvutsrq")
        images[again["dataset"]] = sorted_images(again["dataset"])
    assert list(images.values()) == [sorted_images(key)] * 4
    assert [file.name for file in tmp_path.glob("*.part")] == []


def sorted_images(key: str) -> list[tuple[int, bytes]]:
    data = open_own_set(key)
    return sorted(
        (int(label), image.tobytes())
        for split in data.files.values()
        for label, image in zip(split.labels, split.images, strict=True)
    )


def test_a_sheet_and_a_published_set_are_exported(command: CommandLine, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    drawn = [LabelledDrawing(np.full((28, 28), 9 * label, np.uint8), label).to_line() for label in (7, 5)]
    (tmp_path / "ann.jsonl").write_text("".join(drawn))
    assert "ann-png.zip: 2 images" in command("data", "export", "ann.jsonl", "--as", "png")[1]
    with zipfile.ZipFile("ann-png.zip") as archive:
        assert archive.namelist() == ["classes.txt", "7/0.png", "5/1.png"]
    assert command.json("data", "export", "mnist", "--as", "npz")["images"] == 1797  # the offline sample
    assert "There is no data set 'Mine'" in command.refusal("data", "export", "Mine")
    nowhere = command("data", "export", "ann.jsonl", "--out", "nowhere/a.zip")
    assert (nowhere[0], "nowhere/a.zip can't be written" in nowhere[2]) == (2, True)
    (tmp_path / "empty.jsonl").write_text("{}")
    assert "Line 1 has neither" in command.refusal("data", "export", "empty.jsonl")


def test_refusals_are_one_sentence(command: CommandLine, table: str, tmp_path):
    assert "check the path" in command.refusal("data", "add", "Mine", str(tmp_path / "nowhere.csv"))
    assert "has no column 'word'" in command.refusal("data", "add", "Mine", table, "--label-column", "word")
    code, _out, shown = command("data", "add", "Mine", table, "--by-writer")  # a progress bar is before it
    assert code == 2
    assert "a division by writer needs 3" in shown.splitlines()[-1]
    assert "There is no data set 'Mine'" in command.refusal("data", "delete", "Mine")


@pytest.mark.slow
def test_the_script_of_a_run_on_an_own_set_gives_its_accuracy(command: CommandLine, table: str, tmp_path):
    key = command.json("data", "add", "Mine", table, "--transpose", "--shift", "-1")["dataset"]
    run = command.json("train", "--dataset", key, *FAST)
    command.json("export", run["run"], "--as", "script", "--out", str(tmp_path / "script.py"))
    command.json("data", "export", key, "--as", "idx", "--out", str(tmp_path / "set.zip"))
    with zipfile.ZipFile(tmp_path / "set.zip") as archive:
        archive.extractall(tmp_path / "set")
    call = [sys.executable, "-I", str(tmp_path / "script.py"), str(tmp_path / "set")]
    said = subprocess.run(call, capture_output=True, text=True, check=True, cwd=tmp_path).stdout
    assert said.splitlines()[-1] == f"test accuracy {run['test_accuracy']}, loss {run['test_loss']}"
