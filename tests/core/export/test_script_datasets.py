"""The exported script and ONNX model of runs on other data sets than MNIST."""

import ast
import hashlib
import json
import runpy
import sys
import threading
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import torch

from mnist_core.config import TrainConfig
from mnist_core.data import published_files
from mnist_core.data.datasets import fetch_dataset
from mnist_core.data.own_sets import NewSet, save_set
from mnist_core.data.published_files import PUBLISHED
from mnist_core.dataset_choices import DATASETS
from mnist_core.export import script
from mnist_core.export.formats import export
from mnist_core.export.script import training_script
from mnist_core.runs.run_trainer import train_run
from mnist_core.runs.store import RunStore
from tests.core.export.test_script import expected
from tests.made_sets import made_archives, pass_for_published, write_archives, write_as_torchvision

KEYS = ("fashion-mnist", "qmnist", "emnist-letters", "emnist-digits", "usps")
SETTINGS = TrainConfig(architecture="cnn", channels=(4,), widths=(8,), epochs=2, batch_size=20)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The files of all of KEYS as torchvision leaves them."""
    folder = tmp_path_factory.mktemp("data")
    for key in KEYS:
        write_as_torchvision(folder, key)
    return folder


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A finished run on each of KEYS, each in a folder of its own."""
    store, found = RunStore(tmp_path_factory.mktemp("runs")), {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        for key in KEYS:
            folder = tmp_path_factory.mktemp(key)
            write_as_torchvision(folder, key)
            pass_for_published(patch, key, made_archives(key))
            if key == "qmnist":  # a script tests on the first 10,000, which are all here
                patch.setattr(published_files, "MNIST_TESTED", 10_000)
                patch.setitem(PUBLISHED, key, replace(PUBLISHED[key], files=("train", "test")))
            (data,) = last(fetch_dataset(key, folder))
            config = replace(SETTINGS, dataset=key, validation_size=10, train_size=DATASETS[key].images[0])
            writer = store.create(config)
            list(train_run(writer, data, torch.device("cpu")))
            found[key] = store.get(writer.id)
        yield found  # a script says how many images its set has


def last(steps) -> tuple:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return (end.value,)


@pytest.mark.parametrize("key", [key for key in KEYS if key != "emnist-digits"])
def test_a_script_gives_its_runs_result(key, runs, folder, tmp_path, monkeypatch, capsys):
    """In this process; `test_script` runs scripts where nothing of ours can be imported."""
    script = tmp_path / "script.py"
    script.write_text(training_script(runs[key]))
    monkeypatch.setattr(sys, "argv", [str(script), str(folder)])
    runpy.run_path(str(script), run_name="__main__")
    assert capsys.readouterr().out.splitlines()[-1] == expected(runs[key])


def test_a_script_names_its_data_set(runs):
    said = training_script(runs["emnist-letters"])
    assert "a network that learns EMNIST letters." in said
    assert "from torchvision.datasets import EMNIST" in said
    assert "the first of EMNIST letters's 60" in said
    assert "labels [N] are 0 to 25" in said


def test_an_onnx_model_gives_a_probability_for_each_class_and_names_them(runs):
    onnxruntime = pytest.importorskip("onnxruntime")
    run = runs["emnist-letters"]
    session = onnxruntime.InferenceSession(export(run, "onnx"))
    images = np.zeros((3, 28, 28), np.uint8)
    logits, probabilities = session.run(None, {"images": images})
    assert logits.shape == probabilities.shape == (3, 26)
    facts = session.get_modelmeta().custom_metadata_map
    assert facts["dataset"] == "EMNIST letters"
    assert json.loads(facts["classes"]) == list(DATASETS["emnist-letters"].classes)


def test_weights_can_be_imported_again(runs, tmp_path):
    from mnist_core.export.import_weights import import_weights

    file = tmp_path / "weights.safetensors"
    file.write_bytes(export(runs["emnist-letters"], "weights"))
    imported = import_weights(RunStore(tmp_path / "others"), file)
    assert imported.config.dataset == "emnist-letters"
    assert imported.load_model().outputs == 26


@contextmanager
def served_at(folder):
    """A local server of a folder's files; its address."""
    handler = partial(SimpleHTTPRequestHandler, directory=folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.mark.parametrize("key", ["kmnist", "emnist-digits", "emnist-balanced", "emnist-letters"])
def test_a_script_downloads_its_set_and_opens_it_as_the_lab_does(key, tmp_path, own_cache, monkeypatch):
    from torchvision.datasets import EMNIST, KMNIST  # only here: 2 s in each test process otherwise

    archives = made_archives(key)
    served = write_archives(tmp_path / "served", archives)
    pass_for_published(monkeypatch, key, archives)
    hashes = [(name, hashlib.md5(content).hexdigest()) for name, content in archives.items()]
    opened = {"FOLDER": str(tmp_path / "data"), "KMNIST": KMNIST, "EMNIST": EMNIST}
    with served_at(served) as address:
        monkeypatch.setattr(KMNIST, "mirrors", [address])
        monkeypatch.setattr(KMNIST, "resources", hashes)
        monkeypatch.setattr(EMNIST, "url", address + hashes[0][0])
        monkeypatch.setattr(EMNIST, "md5", hashes[0][1])
        exec(script._opened(key), opened)
    monkeypatch.setenv("DIGITLAB_OFFLINE", "1")
    (data,) = last(fetch_dataset(key, tmp_path / "data"))
    for split, part in ((data.train, opened["train"]), (data.test, opened["test"])):
        np.testing.assert_array_equal(split.images, part.data)
        np.testing.assert_array_equal(split.labels, part.targets)


def test_a_script_is_python_whatever_its_set_is_called(tmp_path, monkeypatch):
    monkeypatch.setenv("DIGITLAB_SETS", str(tmp_path / "sets"))
    order = np.arange(60)
    new = NewSet(np.zeros((60, 28, 28), np.uint8), order % 2, ("a", "b"), *np.split(order, [40, 50]))
    key = save_set(new, "C:\\Users\\new").key
    writer = RunStore(tmp_path).create(TrainConfig().on_dataset(key))
    writer.update("failed")
    writer.close()
    written = training_script(RunStore(tmp_path).get(writer.id))
    assert "C:\\Users\\new" in ast.get_docstring(ast.parse(written))
