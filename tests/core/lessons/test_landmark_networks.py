"""The networks of the chapter on history: their layers, their training, and the shipped results."""

import pytest
from torch import nn

from mnist_core.lessons import landmark_networks
from mnist_core.lessons.landmark_networks import (
    EPOCHS,
    LANDMARKS,
    config_of,
    shipped_results,
    train_landmarks,
)
from mnist_core.models.architectures import build_model
from mnist_core.models.modules import ResidualBlock
from mnist_core.models.summary import count_parameters
from mnist_core.runtime.job import Job, Watcher


def kinds(name):
    return [type(module) for module in build_model(config_of(name)).modules()]


def test_each_network_has_what_the_chapter_says_of_it():
    lenet = build_model(config_of("lenet"))
    assert [conv.kernel_size for conv in lenet.modules() if isinstance(conv, nn.Conv2d)] == [(5, 5)] * 2
    assert kinds("lenet").count(nn.AvgPool2d) == 2
    assert nn.Tanh in kinds("lenet")
    assert {nn.ReLU, nn.MaxPool2d, nn.Dropout} <= set(kinds("alexnet"))
    vgg = [each for each in build_model(config_of("vgg")).modules() if isinstance(each, nn.Conv2d)]
    assert {conv.kernel_size for conv in vgg} == {(3, 3)}
    assert [conv.out_channels for conv in vgg] == [16, 16, 32, 32]
    assert ResidualBlock in kinds("resnet")


def test_the_shipped_results_are_those_of_the_present_networks():
    results = shipped_results()
    assert [one.name for one in results] == list(LANDMARKS)
    for one in results:
        assert one.parameters == count_parameters(build_model(config_of(one.name)))
        assert len(one.accuracies) == EPOCHS + 1
        assert one.accuracies[0] < 0.25
        assert one.accuracies[-1] > 0.9
        assert one.train_seconds > one.answer_seconds > 0


def test_they_train_side_by_side_with_progress(sample, monkeypatch):
    small = {**LANDMARKS["lenet"], "train_size": 100, "batch_size": 50, "epochs": 1}
    monkeypatch.setattr(landmark_networks, "LANDMARKS", {"lenet": small, "alexnet": small})
    job = Job("lesson", lambda: train_landmarks(sample, ("lenet", "alexnet")))
    job.start(Watcher())
    job.wait()
    assert job.finished
    first, second = job.latest
    assert (first.name, second.name) == ("lenet", "alexnet")
    assert first.accuracies == pytest.approx(second.accuracies)  # the same settings and seed
    assert len(first.accuracies) == 2
    fractions = [fraction for fraction, _result in train_landmarks(sample, ("lenet",))]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
