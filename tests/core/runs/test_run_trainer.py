"""A training kept as a run: finished, stopped, failed, or killed."""

from contextlib import closing, suppress
from dataclasses import replace

import numpy as np
import pytest
import torch
from filelock import FileLock

from mnist_core.config import TrainConfig
from mnist_core.evaluation.metrics import evaluate
from mnist_core.messages import InputError
from mnist_core.models.architectures import build_model
from mnist_core.models.inference import predict_logits
from mnist_core.models.summary import count_parameters
from mnist_core.runs.retention import size_in_bytes
from mnist_core.runs.run import METRICS, OWN_DIGIT_FILE, Run
from mnist_core.runs.run_trainer import train_run
from mnist_core.runs.store import RunStore
from mnist_core.training import batches
from mnist_core.training.events import Diverged, EpochDone, Started, StepDone
from mnist_core.training.trainer import fit

CPU = torch.device("cpu")
CONFIG = TrainConfig(widths=(8,), epochs=3, batch_size=50, train_size=200, validation_size=100)


@pytest.fixture
def store(tmp_path) -> RunStore:
    return RunStore(tmp_path)


def recorded(store: RunStore, config: TrainConfig, sample, stop=lambda event: False) -> Run:
    """Train until the end or until `stop` says so."""
    writer = store.create(config)
    with closing(train_run(writer, sample, CPU)) as events:
        for event in events:
            if stop(event):
                break
    return store.get(writer.id)


def test_a_finished_run_holds_everything(store, sample):
    run = recorded(store, CONFIG, sample)
    result = evaluate(run.load_model(), sample.test)
    assert run.status == "finished"
    assert run.results.pop("train_seconds") > 0
    initial = evaluate(build_model(CONFIG), sample.train[-100:])
    assert run.results == {
        "parameters": count_parameters(build_model(CONFIG)),
        "device": "cpu",
        "threads": 1,
        "precision": "float32",
        "source": "sample",
        "initial_accuracy": initial.accuracy,
        "initial_loss": pytest.approx(initial.loss),
        "train_images": 200,
        "epochs": 3,
        "test_accuracy": result.accuracy,
        "test_loss": result.loss,
    }
    assert [path.stem for path in run.checkpoints] == ["epoch-0001.000", "epoch-0002.000", "epoch-0003.000"]


def test_the_kept_model_is_the_one_that_was_trained(store, sample):
    model = build_model(CONFIG)
    list(fit(model, CONFIG, sample.train[: CONFIG.train_size], sample.train[-100:]))
    kept = recorded(store, CONFIG, sample).load_model().state_dict()
    assert all(torch.equal(kept[name], tensor) for name, tensor in model.state_dict().items())


def test_metrics_hold_every_report(store, sample):
    model = build_model(CONFIG)
    events = list(fit(model, CONFIG, sample.train[: CONFIG.train_size], sample.train[-100:]))
    table = recorded(store, CONFIG, sample).metrics()
    assert list(table.columns) == list(METRICS)
    assert len(table) == len(events) - 1  # Started is a result
    steps, epochs = table[table["monitor_loss"].isna()], table[table["monitor_loss"].notna()]
    expected = [event.loss for event in events if isinstance(event, StepDone)]
    assert steps["train_loss"].tolist() == pytest.approx(expected)
    expected = [event.monitor_accuracy for event in events if isinstance(event, EpochDone)]
    assert epochs["monitor_accuracy"].tolist() == pytest.approx(expected)
    assert epochs["epoch"].tolist() == [1, 2, 3]


def after(step: int):
    return lambda event: isinstance(event, StepDone) and event.step == step


@pytest.mark.parametrize(
    ("config", "step", "epochs", "files"),
    [
        (CONFIG, 2, 0.5, ["epoch-0000.500"]),
        (CONFIG, 6, 1.5, ["epoch-0001.000", "epoch-0001.500"]),
        (CONFIG, 4, 1, ["epoch-0001.000"]),  # the last step of an epoch, before its score is known
        (replace(CONFIG, batch_size=200), 1, 1, ["epoch-0001.000"]),
        (replace(CONFIG, batch_size=200), 3, 3, ["epoch-0001.000", "epoch-0002.000", "epoch-0003.000"]),
    ],
)
def test_a_stopped_run_keeps_what_it_learned(config, step, epochs, files, store, sample):
    run = recorded(store, config, sample, stop=after(step))
    assert (run.status, run.results["epochs"]) == ("stopped", epochs)
    assert [path.stem for path in run.checkpoints] == files
    result = evaluate(run.load_model(), sample.test)
    assert (run.results["test_accuracy"], run.results["test_loss"]) == (result.accuracy, result.loss)
    assert run.metrics()["step"].max() == step


def test_a_run_stopped_after_an_epoch_is_not_kept_twice(store, sample):
    run = recorded(store, CONFIG, sample, stop=lambda event: isinstance(event, EpochDone))
    assert (run.status, run.results["epochs"], len(run.checkpoints)) == ("stopped", 1, 1)


def test_a_run_stopped_before_its_first_step_has_learned_nothing(store, sample):
    run = recorded(store, CONFIG, sample, stop=lambda event: isinstance(event, Started))
    assert (run.status, run.results["epochs"], run.results["train_seconds"]) == ("stopped", 0, 0)
    assert "test_accuracy" not in run.results
    assert run.checkpoints == []


@pytest.mark.parametrize("config", [CONFIG, replace(CONFIG, widths=(64,) * 8, learning_rate=100.0)])
def test_an_ended_run_is_out_of_hand(config, store, sample):
    writer = store.create(replace(config, optimizer="sgd", epochs=20))
    with suppress(Diverged):
        list(train_run(writer, sample, CPU))
    with FileLock(store.get(writer.id).folder / "lock", timeout=0):
        assert store.get(writer.id).status in ("finished", "failed")


def test_a_run_that_diverges_fails_with_the_likely_cause(store, sample):
    config = replace(CONFIG, widths=(64,) * 8, optimizer="sgd", learning_rate=100.0, epochs=50)
    with pytest.raises(Diverged):
        recorded(store, config, sample)
    (run,) = store.list()
    assert run.status == "failed"
    assert "learning rate of 100; try 0.1" in str(run.message)


TOO_LITTLE_MEMORY = "The training ran out of memory. Choose a smaller batch size or smaller layers."


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ZeroDivisionError("boom"), "Training broke off: ZeroDivisionError: boom"),
        (InputError("No."), "No."),
        (MemoryError(), TOO_LITTLE_MEMORY),
        (RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB."), TOO_LITTLE_MEMORY),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), TOO_LITTLE_MEMORY),
    ],
)
def test_a_run_that_dies_fails_with_the_errors_words(error, sentence, store, sample, monkeypatch):
    def die(*_: object) -> None:
        raise error

    monkeypatch.setattr(batches, "augment", die)
    with pytest.raises(type(error)):
        recorded(store, CONFIG, sample)
    (run,) = store.list()
    assert (run.status, str(run.message)) == ("failed", sentence)


def test_what_was_seen_inside_is_kept_and_changes_nothing(store, sample, monkeypatch):
    run = recorded(store, CONFIG, sample)
    probes = run.probes()
    assert [probe.step for probe in probes] == list(range(13))
    assert probes[-1].probabilities.shape == (12, 10)
    monkeypatch.setattr("mnist_core.runs.run_trainer._Recorder._probe", lambda self, step: None)
    other = recorded(store, CONFIG, sample)
    assert other.probes() == []
    weights, weights_unseen = run.load_model().state_dict(), other.load_model().state_dict()
    assert all(torch.equal(weights[name], weights_unseen[name]) for name in weights)


def test_looks_go_on_where_a_run_goes_on(store, sample):
    run = recorded(store, CONFIG, sample, stop=lambda event: getattr(event, "step", 0) == 3)
    assert [probe.step for probe in run.probes()] == [0, 1, 2, 3]
    list(train_run(store.reopen(run.id), sample, CPU))
    assert [probe.step for probe in store.get(run.id).probes()] == list(range(13))


def test_the_owners_digit_is_kept_and_read_before_and_after_the_training(store, sample):
    own = sample.test.images[0]
    config = replace(CONFIG, batch_size=7)  # whose last step is between two probes
    writer = store.create(config, own_digit=own)
    list(train_run(writer, sample, CPU))
    run = store.get(writer.id)
    assert np.array_equal(run.own_digit, own)
    first, last = run.probes()[0], run.probes()[-1]
    assert (first.step, last.step) == (0, 3 * 29)
    shares = predict_logits(run.load_model(), torch.from_numpy(own[None].copy()))[0].softmax(0)
    assert last.own_probabilities == pytest.approx(shares.tolist(), abs=1e-3)
    assert first.own_probabilities != last.own_probabilities


def test_without_a_digit_or_with_a_damaged_one_a_run_has_none(store, sample):
    run = recorded(store, CONFIG, sample)
    assert run.own_digit is None
    assert {probe.own_probabilities for probe in run.probes()} == {()}
    (run.folder / OWN_DIGIT_FILE).write_bytes(b"no picture")
    assert store.get(run.id).own_digit is None


def test_a_run_that_diverged_says_so_in_its_results(store, sample):
    with suppress(Diverged):
        recorded(store, replace(CONFIG, widths=(64,) * 8, optimizer="sgd", learning_rate=100.0), sample)
    assert store.list()[0].results["diverged"] is True


def test_checkpoints_that_would_take_more_than_the_run_may_are_left_out(store, sample):
    whole = recorded(store, replace(CONFIG, epochs=6), sample)
    writer = store.create(replace(CONFIG, epochs=6))
    writer.most_bytes = size_in_bytes(whole.folder) - int(1.5 * whole.checkpoints[0].stat().st_size)
    for _event in train_run(writer, sample, CPU):
        pass
    run = store.get(writer.id)
    assert run.status == "finished"
    assert size_in_bytes(run.folder) <= writer.most_bytes
    kept = [path.stem for path in run.checkpoints]
    assert kept[-1] == "epoch-0006.000"  # what it learned is not lost
    assert 2 <= len(kept) < 6
    assert len(run.metrics().dropna(subset="monitor_loss")) == 6
