"""A run that was paused, stopped or interrupted goes on as if nothing had been."""

from dataclasses import replace

import pytest
import torch

from mnist_core.config import TrainConfig
from mnist_core.messages import InputError
from mnist_core.runs.run import OtherImages, check_source
from mnist_core.runs.run_trainer import train_run
from mnist_core.runs.store import RunStore
from mnist_core.training.events import Continued, Started, StepDone, TrainingControl
from mnist_core.training.schedules import add_change, differences, initial_changes

CPU = torch.device("cpu")
CONFIG = TrainConfig(widths=(8,), epochs=3, batch_size=50, train_size=230, validation_size=100)


@pytest.fixture
def store(tmp_path) -> RunStore:
    return RunStore(tmp_path)


def train(store, sample, config=CONFIG, leave=lambda event: None, writer=None) -> str:
    """Train a run, asking of it what `leave` says after each event."""
    control = TrainingControl()
    writer = writer or store.create(config)
    for event in train_run(writer, sample, CPU, control):
        control.ending = leave(event)
    return writer.id


def at_step(step: int, ending: str):
    return lambda event: ending if isinstance(event, StepDone) and event.step == step else None


def facts(store, run_id: str) -> dict:
    run = store.get(run_id)
    table = run.metrics().drop(columns="train_seconds").to_csv()
    results = {name: value for name, value in run.results.items() if name != "train_seconds"}
    weights = {name: tensor.tolist() for name, tensor in run.load_model().state_dict().items()}
    return {"status": run.status, "table": table, "results": results, "weights": weights}


def test_a_paused_run_is_set_aside_untested_and_goes_on_as_if_nothing_had_been(store, sample):
    run_id = train(store, sample, leave=at_step(7, "paused"))
    run = store.get(run_id)
    assert (run.status, run.results["epochs"], run.can_continue) == ("paused", 1.4, True)
    assert "test_accuracy" not in run.results
    assert run.metrics()["step"].max() == 7
    train(store, sample, writer=store.reopen(run_id))
    assert facts(store, run_id) == facts(store, train(store, sample))
    assert store.get(run_id).changes == initial_changes(CONFIG)


def test_a_stopped_run_is_tested_and_can_go_on(store, sample):
    run_id = train(store, sample, leave=at_step(7, "stopped"))
    assert store.get(run_id).results["test_accuracy"] > 0
    train(store, sample, writer=store.reopen(run_id))
    assert facts(store, run_id) == facts(store, train(store, sample))


def test_a_finished_run_goes_on_for_more_epochs(store, sample):
    run_id = train(store, sample)
    with pytest.raises(InputError, match="is at epoch 3 already"):
        store.reopen(run_id)
    train(store, sample, writer=store.reopen(run_id, 6))
    whole = train(store, sample, replace(CONFIG, epochs=6))
    assert facts(store, run_id) == facts(store, whole)
    assert store.get(run_id).config == store.get(whole).config
    assert store.get(run_id).changes == add_change(initial_changes(CONFIG), 15, epochs=6)


def test_a_run_does_not_go_on_with_other_images_and_loses_nothing(store, sample):
    run_id = train(store, sample)
    known = facts(store, run_id)
    other = replace(sample, source="mnist")  # as if MNIST had been fetched meanwhile
    with pytest.raises(OtherImages, match="trained on the offline sample, and MNIST is here now"):
        train(store, other, writer=store.reopen(run_id, 6))
    run = store.get(run_id)
    assert "Train its settings again" in str(run.message)
    with pytest.raises(OtherImages, match="Get MNIST, then continue this run"):
        check_source({"source": "mnist"}, "sample")
    assert facts(store, run_id) == known | {"status": "interrupted"}
    train(store, sample, writer=store.reopen(run_id, 6))
    assert facts(store, run_id) == facts(store, train(store, sample, replace(CONFIG, epochs=6)))
    assert store.get(run_id).message is None


def train_steered(store, sample, writer, steering, leave=None) -> str:
    """Train a run, change what `steering` says at each step, and pause it at one step if told so."""
    control = TrainingControl()
    for event in train_run(writer, sample, CPU, control):
        if isinstance(event, Started | Continued | StepDone):
            step = getattr(event, "step", 0)
            control.changes.extend([steering[step]] if step in steering else [])
            control.ending = "paused" if step == leave else None
    return writer.id


def test_a_steered_run_that_is_paused_comes_to_the_same_end(store, sample):
    """Each change is written down, those before the first step and at the pause's step too."""
    steering = {
        0: {"dropout": 0.2},
        3: {"learning_rate": 0.01},
        7: {"augmentation": "shift"},
        12: {"dropout": 0},
    }
    whole = train_steered(store, sample, store.create(CONFIG), steering)
    for leave in (0, 5, 7):
        run_id = train_steered(store, sample, store.create(CONFIG), steering, leave)
        assert store.get(run_id).status == "paused"
        train_steered(store, sample, store.reopen(run_id), {12: steering[12], 7: steering[7], 3: steering[3]})
        assert facts(store, run_id) == facts(store, whole)
        assert store.get(run_id).changes == store.get(whole).changes
    assert differences(CONFIG, store.get(whole).changes) == [*steering.items()]
    rates = store.get(whole).metrics()["learning_rate"].dropna().tolist()
    assert rates == [0.001] * 3 + [0.01] * 12


def test_an_interrupted_run_goes_on_from_its_last_checkpoint(store, sample):
    writer = store.create(CONFIG)
    events = train_run(writer, sample, CPU)
    for event in events:
        if isinstance(event, StepDone) and event.step == 8:
            break
    writer.write_metrics()
    with (writer.folder / "metrics.csv").open("a") as file:
        file.write("2,9,0.5")  # its writer was killed here
    writer.close()
    run = store.get(writer.id)
    assert (run.status, run.can_continue) == ("interrupted", True)
    train(store, sample, writer=store.reopen(writer.id))
    assert facts(store, writer.id) == facts(store, train(store, sample))
    events.close()


def test_what_trains_or_failed_or_came_from_elsewhere_cannot_go_on(store, sample):
    writer = store.create(CONFIG)
    with pytest.raises(InputError, match="in training already"):
        store.reopen(writer.id)
    writer.update("failed")
    writer.close()
    with pytest.raises(InputError, match="can't be continued; train its settings again"):
        store.reopen(writer.id)
    finished = train(store, sample)
    (store.get(finished).folder / "state.safetensors").unlink()
    assert not store.get(finished).can_continue
    with pytest.raises(InputError, match="can't be changed"):
        store.reopen("pretrained", 20)


def test_a_run_that_never_began_starts_from_the_beginning(store, sample):
    writer = store.create(CONFIG)
    writer.update("paused")
    writer.close()
    train(store, sample, writer=store.reopen(writer.id))
    assert facts(store, writer.id) == facts(store, train(store, sample))


def test_a_long_run_keeps_some_fifty_checkpoints(store, sample):
    config = replace(CONFIG, epochs=70, train_size=10, validation_size=10, widths=(2,))
    run = store.get(train(store, sample, config))
    assert len(run.checkpoints) == 35
    assert len(run.metrics()) == 140
