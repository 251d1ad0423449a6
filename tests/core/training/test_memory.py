"""The estimate of a training's memory, against the measured peak, and trainings that don't fit."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from mnist_core.config import TrainConfig
from mnist_core.messages import InputError
from mnist_core.models.architectures import build_model
from mnist_core.models.summary import output_values
from mnist_core.recipes import RECIPES
from mnist_core.runs.queue import TrainingQueue
from mnist_core.runs.store import RunStore
from mnist_core.training import memory
from mnist_core.training.batches import LARGE_BATCH
from mnist_core.training.gradients import PIECE
from mnist_core.training.memory import check_memory, memory_limit, memory_text, training_bytes

FACTOR, NOISE = 2.0, 20_000_000  # as the module says
MEASURE = """
import json, os, sys
from dataclasses import replace
import numpy as np
from mnist_core.config import TrainConfig
from mnist_core.data.mnist import Split
from mnist_core.models.architectures import build_model
from mnist_core.recipes import RECIPES
import torch
from mnist_core.training.trainer import Training
torch.set_num_threads(1)
def kilobytes(name):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(name))
def peak(recipe, batch):
    open("/proc/self/clear_refs", "w").write("5")  # forget the peak so far
    before = kilobytes("VmRSS")
    train(replace(RECIPES[recipe].config, batch_size=batch), 3000, 3)
    return 1024 * (kilobytes("VmHWM") - before)
def train(config, images, steps):
    data = Split(np.zeros((images, 28, 28), np.uint8), (np.arange(images) % 10).astype(np.uint8))
    for event in Training(build_model(config), config, data, data[:100]).events():
        if getattr(event, "step", 0) >= steps:
            break
train(TrainConfig(architecture="cnn", channels=(4,), batch_norm=True), 100, 1)  # load the kernels
for recipe, batch in json.loads(sys.argv[1]):  # each in a copy of this process, as freed memory is kept
    if os.fork() == 0:
        print(peak(recipe, batch), flush=True)
        os._exit(0)
    os.wait()
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak from /proc")
def test_the_estimate_is_within_a_factor_of_the_measured_peak():
    trainings = [("tutorial-1", 15), ("tutorial-4b", 100), ("tutorial-4b", 2500)]
    command = [sys.executable, "-c", MEASURE, json.dumps(trainings)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for (recipe, batch), measured in zip(trainings, map(int, said.split()), strict=True):
        estimate = training_bytes(replace(RECIPES[recipe].config, batch_size=batch), 3000)
        assert measured / FACTOR - NOISE < estimate < measured * FACTOR + NOISE, (recipe, batch, measured)


@pytest.mark.parametrize("architecture", ["mlp", "cnn", "lenet5", "vgg", "resnet", "fast_cnn"])
def test_the_values_counted_are_those_that_the_modules_put_out(architecture):
    """Without pooling's indices and what ResNet's sum adds, which no module puts out."""
    config = TrainConfig(architecture=architecture, channels=(4, 8), widths=(12,), batch_norm=True)
    model, counts = build_model(config), []

    def count(module, inputs, output):
        if not list(module.children()) and not isinstance(module, torch.nn.Flatten | torch.nn.Identity):
            counts.append(output.numel() * (3 if isinstance(module, torch.nn.MaxPool2d) else 1))

    for module in model.network.modules():
        module.register_forward_hook(count)
    model.eval()(torch.zeros(1, 28, 28, dtype=torch.uint8))
    assert sum(counts) <= output_values(config) < 1.4 * sum(counts)


def test_only_images_that_go_through_the_network_at_once_take_memory():
    sizes = [training_bytes(TrainConfig(architecture="cnn", batch_size=size)) for size in (100, 300, PIECE)]
    assert sizes == sorted(set(sizes))
    assert training_bytes(TrainConfig(architecture="cnn", batch_size=LARGE_BATCH)) == sizes[-1]
    assert training_bytes(TrainConfig(architecture="cnn", batch_size=60_000)) == sizes[0]
    assert training_bytes(TrainConfig(architecture="cnn", batch_size=60_000, batch_norm=True)) > sizes[-1]


def test_what_does_not_fit_is_refused_in_one_sentence(monkeypatch):
    monkeypatch.setenv("DIGITLAB_MEMORY", "1000")
    check_memory(TrainConfig())
    with pytest.raises(InputError, match=r"needs about 5.3 GB of memory, and this machine has 1 GB"):
        check_memory(TrainConfig(widths=(4096,) * 8))


def test_a_queue_refuses_it_before_it_makes_a_run(tmp_path, monkeypatch, sample):
    monkeypatch.setenv("DIGITLAB_MEMORY", "1000")
    store = RunStore(tmp_path)
    queue = TrainingQueue(store, lambda _dataset: sample, threads=1)
    with pytest.raises(InputError, match="of memory"):
        queue.submit(TrainConfig(widths=(4096,) * 8))
    assert not store.list()
    queue.close()


def test_the_limit_is_the_lowest_that_the_system_and_the_server_tell(tmp_path, monkeypatch):
    container = tmp_path / "memory.max"
    monkeypatch.setattr(memory, "CONTAINER_FILES", (str(container),))
    machine = memory_limit()
    container.write_text("max\n")
    assert memory_limit() == machine
    container.write_text("700000000\n")
    assert memory_limit() == 700_000_000
    monkeypatch.setenv("DIGITLAB_MEMORY", "600")
    assert memory_limit() == 600_000_000
    monkeypatch.setenv("DIGITLAB_MEMORY", "much")
    with pytest.raises(InputError, match="DIGITLAB_MEMORY is 'much'"):
        memory_limit()


def test_memory_is_told_to_two_digits():
    assert [memory_text(size) for size in (8_400_000, 123e6, 999e6, 1.23e9, 12.6e9)] == [
        "8 MB", "120 MB", "1 GB", "1.2 GB", "13 GB",
    ]  # fmt: skip
