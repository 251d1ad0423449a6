"""The weight snapshots of a run, and the files kept for them."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mnist_core.choices import ARCHITECTURES
from mnist_core.config import TrainConfig
from mnist_core.evaluation.attribution import first_layer_weights
from mnist_core.messages import InputError
from mnist_core.models.architectures import build_model
from mnist_core.runs.run import load_snapshot, snapshots_of
from mnist_core.runs.run_trainer import train_run
from mnist_core.runs.store import RunStore

CONFIG = TrainConfig(widths=(8,), epochs=2, batch_size=10, train_size=500, monitor="test")
CPU = torch.device("cpu")


@pytest.fixture
def store(tmp_path):
    return RunStore(tmp_path)


def trained(store, config, sample):
    writer = store.create(config)
    list(train_run(writer, sample, CPU))
    return store.get(writer.id)


def test_a_run_keeps_its_beginning_some_of_the_first_epoch_and_every_epoch(store, sample):
    run = trained(store, CONFIG, sample)
    moments = snapshots_of(run)
    assert [moment.epoch for moment in moments] == [0, 0.02, 0.1, 0.36, 1, 2]
    assert [path.parent.name for path in run.weight_files] == ["moments"] * 3 + ["checkpoints"] * 2
    assert len(run.checkpoints) == 2


def test_a_snapshot_has_the_weights_of_its_epoch(store, sample):
    run = trained(store, CONFIG, sample)
    writer = store.create(CONFIG)
    for event in train_run(writer, sample, CPU):  # the same training again
        if getattr(event, "step", 0) == 5:
            break
    stopped = store.get(writer.id)
    first, early, *_others, last = snapshots_of(run)
    untouched = build_model(CONFIG).state_dict()
    assert all(
        torch.equal(load_snapshot(run, first).state_dict()[name], untouched[name]) for name in untouched
    )
    assert early.epoch == 0.02
    after_five = stopped.load_model().state_dict()
    tenth = load_snapshot(run, snapshots_of(run)[2]).state_dict()
    assert all(torch.equal(tenth[name], after_five[name]) for name in after_five)
    ends = run.load_model().state_dict()
    assert all(torch.equal(load_snapshot(run, last).state_dict()[name], ends[name]) for name in ends)
    assert not load_snapshot(run, last).training


def test_the_snapshots_of_the_first_epoch_are_kept_once_also_after_a_pause(store, sample):
    whole = trained(store, CONFIG, sample)
    writer = store.create(CONFIG)
    for event in train_run(writer, sample, CPU):
        if getattr(event, "step", 0) == 8:
            break
    list(train_run(store.reopen(writer.id), sample, CPU))
    left = store.get(writer.id)
    epochs = [moment.epoch for moment in snapshots_of(left)]
    assert sorted({*epochs} - {0.16}) == [moment.epoch for moment in snapshots_of(whole)]


def test_an_epoch_of_one_step_has_no_snapshots_within(store, sample):
    run = trained(store, replace(CONFIG, batch_size=500), sample)
    assert [moment.epoch for moment in snapshots_of(run)] == [0, 1, 2]


def test_weights_from_elsewhere_have_no_beginning(store, sample):
    run = trained(store, CONFIG, sample)
    for fact in ("imported", "fine_tuned", "operated"):
        assert snapshots_of(replace(run, results={fact: True}))[0].epoch > 0
    assert snapshots_of(RunStore().get("pretrained"))[-1].file is not None


def test_a_damaged_snapshot_is_refused_with_a_sentence(store, sample):
    run = trained(store, CONFIG, sample)
    run.weight_files[0].write_bytes(b"broken")
    with pytest.raises(InputError, match="damaged"):
        load_snapshot(run, snapshots_of(run)[1])


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_first_layer_of_every_architecture_has_pictures(architecture):
    model = build_model(TrainConfig(architecture=architecture))
    weights = first_layer_weights(model)
    layer = next(m for m in model.modules() if isinstance(m, torch.nn.Conv2d | torch.nn.Linear))
    assert weights.ndim == 3
    assert weights.size == layer.weight.numel()
    np.testing.assert_array_equal(weights.ravel(), layer.weight.detach().numpy().ravel())
    weights[:] = 0
    assert layer.weight.abs().sum() > 0
