"""A training that is stopped and continued gives the same numbers as one that was never stopped."""

from dataclasses import astuple, replace

import pytest
import torch

from mnist_core.config import TrainConfig
from mnist_core.messages import InputError
from mnist_core.models.architectures import build_model
from mnist_core.runs.run_trainer import train_run
from mnist_core.runs.store import RunStore
from mnist_core.training import batches
from mnist_core.training.events import Continued, EpochDone, Started, StepDone, Tick, TrainingControl
from mnist_core.training.schedules import (
    add_change,
    change_at,
    change_from_json,
    check_change,
    differences,
    initial_changes,
    why_fixed,
)
from mnist_core.training.trainer import Training
from mnist_core.training.training_state import load_state, save_state

CPU = torch.device("cpu")
CONFIG = TrainConfig(widths=(8,), epochs=3, batch_size=50, train_size=230, validation_size=100)
SHORT = replace(CONFIG, epochs=2)
CONFIGS = {
    "plain": SHORT,
    "shifted": replace(SHORT, augmentation="shift", schedule="one_cycle"),
    "dropout": replace(SHORT, dropout=0.3, augmentation="affine", optimizer="momentum"),
    "large batches": replace(SHORT, batch_size=150, augmentation="shift", optimizer="sgd"),
    "convolutions": TrainConfig(
        architecture="fast_cnn", channels=(4, 8, 8), epochs=2, batch_size=50, train_size=120, batch_norm=True
    ),
    "muon": replace(SHORT, optimizer="muon", learning_rate=0.02, schedule="cosine"),
    "adadelta": replace(SHORT, optimizer="adadelta", learning_rate=1.0, shuffle=False),
}


def begin(config: TrainConfig, sample) -> Training:
    return Training(build_model(config), config, sample.train[: config.train_size], sample.test[:100])


def told(event) -> tuple:
    """An event without the times it took."""
    times = {name: 0 for name in ("images_per_second", "train_seconds") if hasattr(event, name)}
    return type(event).__name__, *astuple(replace(event, **times))


def left_and_continued(config, sample, tmp_path, leave_after: int, **changes) -> tuple[Training, list]:
    """Stop a training after `leave_after` events, and continue it in another from the file of its state."""
    first, events = begin(config, sample), []
    for event in first.events():
        events.append(event)
        if len(events) == leave_after:
            break
    save_state(tmp_path / "state", first.state())
    second = begin(replace(config, **changes), sample)
    second.load_state(load_state(tmp_path / "state"))
    second.use_changes(add_change(first.changes, second.step, **changes))
    return second, events + [event for event in second.events() if not isinstance(event, Started | Continued)]


def assert_same(one: Training, other: Training) -> None:
    weights = other.model.state_dict()
    assert all(torch.equal(weights[name], tensor) for name, tensor in one.model.state_dict().items())


@pytest.mark.parametrize("name", CONFIGS)
def test_wherever_it_is_left_it_comes_to_the_same_bits(name, sample, tmp_path, monkeypatch):
    for limit in ("PIECE", "BLOCK"):  # several blocks an epoch, and batches of more than a block
        monkeypatch.setattr(batches, limit, 100)
    config = CONFIGS[name]
    whole = begin(config, sample)
    expected = list(whole.events())
    for leave_after in range(1, len(expected) + 1, 1 if name == "plain" else 3):
        again, events = left_and_continued(config, sample, tmp_path, leave_after)
        assert [told(event) for event in events] == [told(event) for event in expected], leave_after
        assert_same(again, whole)


WITHIN_BATCHES = {
    "full batch": CONFIGS["large batches"],
    "all of it": replace(
        SHORT, batch_size=1000, batch_norm=True, dropout=0.3, augmentation="affine", gradient_clipping=0.5
    ),
    "two and a half": replace(SHORT, batch_size=100, dropout=0.3, shuffle=False, augmentation="shift"),
}


@pytest.mark.parametrize("name", WITHIN_BATCHES)
def test_a_batch_left_between_its_pieces_is_begun_anew(name, sample, tmp_path, monkeypatch):
    monkeypatch.setattr(batches, "PIECE", 60)
    monkeypatch.setattr("mnist_core.training.gradients.PIECE", 60)
    monkeypatch.setattr("mnist_core.training.trainer.TICK_SECONDS", -1)  # a Tick after each piece
    monkeypatch.setattr("mnist_core.training.trainer.SCORED_AT_ONCE", 50)  # and between images scored
    config = WITHIN_BATCHES[name]
    whole = begin(config, sample)
    expected = list(whole.events())
    assert sum(isinstance(event, Tick) for event in expected) >= 6
    for leave_after in range(2, len(expected) + 1, 3):
        first = begin(config, sample)
        events = first.events()
        for _ in range(leave_after):
            next(events)
        events.close()
        save_state(tmp_path / "state", first.state())
        again = begin(config, sample)
        again.load_state(load_state(tmp_path / "state"))
        list(again.events())
        assert_same(again, whole)


@pytest.mark.parametrize(("step", "epochs"), [(1, 0.5), (2, 1.0)])
def test_a_large_batch_is_left_between_its_pieces_and_an_epoch_while_it_is_scored(
    sample, tmp_path, monkeypatch, step, epochs
):
    """Pause takes effect before these end, and the continued run equals an uninterrupted one to the bit."""
    monkeypatch.setattr(batches, "PIECE", 50)
    monkeypatch.setattr("mnist_core.training.trainer.TICK_SECONDS", -1)
    monkeypatch.setattr("mnist_core.training.trainer.SCORED_AT_ONCE", 50)
    config = replace(CONFIG, batch_size=115, epochs=2, batch_norm=True)
    store, control = RunStore(tmp_path), TrainingControl()
    whole, left = store.create(config), store.create(config)
    list(train_run(whole, sample, CPU))
    for event in train_run(left, sample, CPU, control):
        if isinstance(event, Tick) and event.step == step:
            control.ending = "paused"
    assert store.get(left.id).status == "paused"
    assert store.get(left.id).results["epochs"] == epochs
    assert not any("monitor_loss" in row for row in left.rows)
    list(train_run(store.reopen(left.id), sample, CPU))
    one, other = (store.get(run.id).load_model().state_dict() for run in (left, whole))
    assert all(torch.equal(one[name], tensor) for name, tensor in other.items())


STEERED_RUNS: dict[str, tuple[TrainConfig, dict[int, dict]]] = {
    "all five, a plain network": (
        replace(CONFIG, optimizer="momentum", learning_rate=0.05),
        {
            2: {"augmentation": "shift", "dropout": 0.3},
            3: {"augmentation": "affine", "momentum": 0.5},
            6: {"label_smoothing": 0.1, "weight_decay": 0.01},
            8: {"augmentation": "none", "dropout": 0.0, "momentum": 0.0},
            11: {"augmentation": "shift", "label_smoothing": 0.0, "momentum": 0.9, "dropout": 0.5},
        },
    ),
    "dropout and batch norm from the start": (
        replace(CONFIG, dropout=0.3, batch_norm=True, optimizer="adamw", augmentation="shift", shuffle=False),
        {
            1: {"dropout": 0.0, "augmentation": "none"},
            6: {"dropout": 0.5, "weight_decay": 0.05},
            7: {"augmentation": "affine"},
        },
    ),
    "large batches": (
        replace(CONFIG, batch_size=150, optimizer="muon", learning_rate=0.02),
        {1: {"augmentation": "shift", "dropout": 0.3}, 3: {"momentum": 0.5, "label_smoothing": 0.1}},
    ),
}


def steered(training: Training, steering: dict, leave_after: int = 0):
    """Yield the events of a training, and change what `steering` says when a step is done."""
    for number, event in enumerate(training.events(), 1):
        yield event
        if number == leave_after:
            return
        if getattr(event, "step", 0) in steering and not isinstance(event, EpochDone):
            training.change(**steering[event.step])


@pytest.mark.parametrize("name", STEERED_RUNS)
def test_a_steered_training_comes_to_the_same_bits_wherever_it_is_left(name, sample, tmp_path, monkeypatch):
    """Stopped at the step of a change, before the change (then made after continuing) or after it."""
    monkeypatch.setattr(batches, "PIECE", 100)
    monkeypatch.setattr(batches, "BLOCK", 200)  # blocks of four batches: changes come within them
    config, steering = STEERED_RUNS[name]
    whole = begin(config, sample)
    whole_events = list(steered(whole, steering))
    expected = [told(event) for event in whole_events]
    assert [(step, {*changed}) for step, changed in differences(config, whole.changes)] == [
        (step, {*changed}) for step, changed in steering.items()
    ]
    for leave_after, left in enumerate(whole_events, 1):
        at_a_change = getattr(left, "step", 0) in steering
        for changed_before in (False, True) if at_a_change else (False,) if leave_after % 4 == 0 else ():
            first = begin(config, sample)
            events = list(steered(first, steering, leave_after))
            if changed_before:
                first.change(**steering[first.step])
            save_state(tmp_path / "state", first.state())
            again = begin(config, sample)
            again.load_state(load_state(tmp_path / "state"))
            again.use_changes(first.changes)
            events += [
                event for event in steered(again, steering) if not isinstance(event, Started | Continued)
            ]
            assert [told(event) for event in events] == expected, leave_after
            assert_same(again, whole)


def test_a_change_within_a_large_batch_comes_with_the_next_one(sample, monkeypatch):
    """Some of its pieces are done already; a batch that is left there is repeated with the change."""
    monkeypatch.setattr(batches, "PIECE", 50)
    monkeypatch.setattr("mnist_core.training.trainer.TICK_SECONDS", -1)
    config = replace(CONFIG, batch_size=115, epochs=2)
    training = begin(config, sample)
    events = training.events()
    while training.step < 1 or training._before_batch is None:
        next(events)
    training.change(dropout=0.3)
    next(event for event in events if isinstance(event, StepDone))
    assert differences(config, training.changes) == [(2, {"dropout": 0.3})]
    while training._before_batch is None:
        next(events)
    training.change(dropout=0.5)
    events.close()
    assert differences(config, training.changes) == [(2, {"dropout": 0.5})]


def test_more_epochs_after_the_end_are_the_same_as_all_in_one_go(sample, tmp_path):
    whole = begin(replace(CONFIG, epochs=6), sample)
    expected = list(whole.events())
    events_in_three_epochs = 1 + 3 * (5 + 1)
    again, events = left_and_continued(CONFIG, sample, tmp_path, events_in_three_epochs, epochs=6)
    assert [told(event) for event in events] == [told(event) for event in expected]
    assert_same(again, whole)


def test_the_learning_rate_can_be_changed_during_the_training(sample):
    training = begin(replace(CONFIG, schedule="cosine"), sample)
    rates = []
    for event in training.events():
        if isinstance(event, StepDone):
            rates.append(event.learning_rate)
            if event.step == 5:
                training.change(learning_rate=0.5)
    usual = [
        event.learning_rate
        for event in begin(replace(CONFIG, schedule="cosine"), sample).events()
        if isinstance(event, StepDone)
    ]
    assert rates[:5] == usual[:5]
    assert rates[5:] == pytest.approx([500 * rate for rate in usual[5:]])
    assert differences(CONFIG, training.changes) == [(5, {"learning_rate": 0.5})]


def test_phases_that_change_nothing_or_come_too_late_are_dropped():
    changes = initial_changes(CONFIG)
    assert add_change(changes, 7) == changes
    faster = add_change(changes, 7, learning_rate=0.1)
    assert [change_at(faster, step).learning_rate for step in (0, 6, 7, 8)] == [0.001, 0.001, 0.1, 0.1]
    assert add_change(faster, 7, learning_rate=0.2) == (*changes, replace(faster[1], learning_rate=0.2))
    assert add_change(faster, 5) == changes
    assert add_change(faster, 9, epochs=6) == (*faster, replace(faster[1], step=9, epochs=6))


def test_what_was_changed_is_told_by_step():
    assert differences(CONFIG, initial_changes(CONFIG)) == []
    begun = add_change(initial_changes(CONFIG), 0, dropout=0.2)
    later = add_change(add_change(begun, 4, dropout=0.0, augmentation="shift"), 15, epochs=6)
    assert differences(CONFIG, later) == [
        (0, {"dropout": 0.2}),
        (4, {"dropout": 0.0, "augmentation": "shift"}),
        (15, {"epochs": 6}),
    ]


def test_changes_of_earlier_versions_have_the_other_settings_of_the_run():
    config = replace(CONFIG, dropout=0.2, optimizer="momentum", momentum=0.5)
    old = change_from_json({"step": 4, "learning_rate": 0.1, "epochs": 9}, config)
    assert old == replace(initial_changes(config)[0], step=4, learning_rate=0.1, epochs=9)
    assert change_from_json(old.to_json(), config) == old


REFUSED = [
    ({}, {"momentum": 0.5}, "Adam has no momentum"),
    ({"architecture": "softmax"}, {"dropout": 0.5}, "needs a fully connected hidden layer"),
    ({"architecture": "cnn", "widths": ()}, {"dropout": 0.5}, "needs a fully connected hidden layer"),
    ({"loss": "nll"}, {"label_smoothing": 0.1}, "needs the cross-entropy loss"),
    ({}, {"batch_size": 5}, "batch_size can't be changed while a run trains"),
    ({}, {"dropout": 0.95}, "dropout must be from"),
    ({}, {"weight_decay": float("nan")}, "weight_decay must be from"),
    ({}, {"augmentation": "rain"}, "augmentation can't be 'rain'"),
    ({}, {"label_smoothing": "much"}, "label_smoothing can't be 'much'"),
    ({"optimizer": "nesterov"}, {"momentum": 0.0}, "Nesterov needs momentum"),
]


@pytest.mark.parametrize(("settings", "change", "refusal"), REFUSED)
def test_a_change_that_the_run_cannot_take_is_refused(settings, change, refusal):
    with pytest.raises(InputError, match=refusal):
        check_change(replace(CONFIG, **settings), change)


def test_a_dropout_of_zero_can_be_raised_wherever_there_is_a_hidden_layer():
    assert check_change(CONFIG, {"dropout": 0.5}).dropout == 0.5
    assert why_fixed("dropout", replace(CONFIG, architecture="lenet5")) is None


@pytest.mark.parametrize("content", [None, b"", b"not a state", "weights"])
def test_a_damaged_training_state_is_refused(content, tmp_path, sample):
    path = tmp_path / "state.safetensors"
    if content == "weights":
        from safetensors.torch import save_file

        save_file({"a": torch.zeros(1)}, path)
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match="can't be continued"):
        load_state(path)
