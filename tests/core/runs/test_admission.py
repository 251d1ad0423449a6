"""Admission control: the limits of a visitor's trainings, and the sentence when one is exceeded."""

from dataclasses import replace

import pytest

from mnist_core.config import TrainConfig
from mnist_core.messages import InputError
from mnist_core.recipes import RECIPES
from mnist_core.runs.admission import UNLIMITED, TrainingLimits
from mnist_core.runs.store import RunStore

ANNA, BEN = "anna", "ben"
SMALL = TrainConfig(widths=(8,), epochs=3)  # 6,370 parameters


def refused(limits, config=SMALL, seconds=None):
    with pytest.raises(InputError) as error:
        limits.check_training(config, seconds)
    return str(error.value)


def test_a_network_has_at_most_so_many_parameters():
    TrainingLimits(parameters=6370).check_training(SMALL)
    said = refused(TrainingLimits(parameters=6369))
    assert said == (
        "This network has 6,370 parameters, and this server allows 6,369. Choose fewer or smaller layers."
    )


def test_a_networks_files_fit_into_a_run():
    large = replace(SMALL, widths=(1000,))  # 795,010 parameters: 8 copies of 4 bytes each
    said = refused(TrainingLimits(bytes_per_run=20_000_000), large)
    assert said.startswith(
        "The files of this training would take 25 MB, and this server allows 20 MB for each"
    )
    TrainingLimits(bytes_per_run=26_000_000).check_training(large)


def test_a_training_has_at_most_so_many_epochs_and_minutes():
    assert "has 3 epochs, and this server allows 2." in refused(TrainingLimits(epochs=2))
    limits = TrainingLimits(seconds=60)
    limits.check_training(SMALL, 60)
    limits.check_training(SMALL, None)
    assert "about 3 minutes, and this server allows 1." in refused(limits, seconds=180)


def test_a_visitor_keeps_at_most_so_many_runs_pinned_and_paused_ones_too(tmp_path):
    store = RunStore(tmp_path)
    for status in ("paused", "finished"):
        writer = store.create(SMALL, ANNA)
        writer.update(status)
        writer.close()
        store.pin(writer.id)
    limits = TrainingLimits(runs=2)
    with pytest.raises(InputError, match="Runs of yours: 2; this server keeps 2 of each visitor"):
        limits.check_disk(store, ANNA)
    limits.check_disk(store, BEN)
    limits.check_disk(store, ANNA, more=0)  # one of them goes on
    store.remove(writer.id)
    limits.check_disk(store, ANNA)
    (store.list()[0].folder / "big").write_bytes(bytes(2_000_000))
    with pytest.raises(InputError, match="Your runs take 2 MB, and this server keeps 1 MB of each visitor"):
        TrainingLimits(bytes=1_000_000).check_disk(store, ANNA)


@pytest.mark.parametrize("name", RECIPES)
def test_a_public_server_takes_every_recipe(name, monkeypatch):
    TrainingLimits.of_server(public=True).check_training(RECIPES[name].config)


def test_a_local_server_has_no_limit():
    assert TrainingLimits.of_server(public=False) == UNLIMITED
    UNLIMITED.check_training(replace(SMALL, widths=(4096,) * 8, epochs=1000), 1e9)
