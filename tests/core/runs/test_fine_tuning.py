"""Fine-tuning on one person's handwriting without forgetting MNIST, kept as a run of its own."""

import numpy as np
import pytest
import torch

from mnist_core.config import TrainConfig
from mnist_core.data.mnist import Split, split_images
from mnist_core.evaluation.metrics import evaluate
from mnist_core.messages import InputError
from mnist_core.models.architectures import build_model
from mnist_core.recognition.calibration import Calibration
from mnist_core.recognition.recognizer import predict_all
from mnist_core.runs.fine_tuning import fine_tune, fine_tune_run, split_drawings
from mnist_core.runs.store import RunStore
from mnist_core.training.trainer import fit

CONFIG = TrainConfig(widths=(64,), epochs=6, batch_size=50, learning_rate=0.003)


@pytest.fixture(scope="module")
def trained(sample):
    model = build_model(CONFIG)
    for _ in fit(model, CONFIG, sample.train, sample.test[:50]):
        pass
    return model.eval()


@pytest.fixture(scope="module")
def odd(sample):
    """A hand that writes all digits upside down."""
    return Split(sample.test.images[:60, ::-1, ::-1].copy(), sample.test.labels[:60])


@pytest.fixture(autouse=True)
def few_digits_for_the_threshold(monkeypatch):
    monkeypatch.setattr("mnist_core.recognition.calibration.WRITTEN_FOR_THRESHOLD", 60)


def last(generator):
    """Run a generator to its end; return what it returns, and what it yielded."""
    seen = []
    while True:
        try:
            seen.append(next(generator))
        except StopIteration as end:
            return end.value, seen


def test_every_third_drawing_of_a_digit_is_kept_back():
    images = [np.full((28, 28), n, np.uint8) for n in range(8)]
    learned, kept_back = split_drawings(images, [1, 1, 2, 1, 2, 1, 2, 3])
    assert kept_back.labels.tolist() == [1, 2]
    assert kept_back.images[:, 0, 0].tolist() == [3, 6]
    assert learned.labels.tolist() == [1, 1, 2, 2, 1, 3]


def test_two_drawings_are_too_few():
    with pytest.raises(InputError, match="at least 3"):
        split_drawings([np.zeros((28, 28), np.uint8)] * 2, [1, 2])


def test_it_learns_a_hand_and_forgets_little(trained, odd, sample):
    before = {name: parameter.clone() for name, parameter in trained.state_dict().items()}
    tuned, seen = last(fine_tune(trained, odd[:40], sample.train, steps=100))
    assert len(seen) == 100
    assert seen[-1] == (1, None)
    assert evaluate(tuned, odd[:40]).accuracy > evaluate(trained, odd[:40]).accuracy + 0.1
    assert evaluate(tuned, sample.test).accuracy > evaluate(trained, sample.test).accuracy - 0.05
    for name, parameter in trained.state_dict().items():
        assert torch.equal(parameter, before[name])  # the model itself stays as it is


def test_the_same_seed_gives_the_same_copy(trained, odd, sample):
    one, two = (last(fine_tune(trained, odd, sample.train, steps=3, seed=5))[0] for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))


def test_it_becomes_a_run_with_its_scores(trained, odd, sample, tmp_path):
    store = RunStore(tmp_path)
    writer = store.create(CONFIG)
    writer.save(trained, 6)
    writer.update("finished", epochs=6, parameters=1)
    writer.close()
    sheet = split_drawings(list(odd.images), odd.labels.tolist())
    result, _ = last(fine_tune_run(store, store.get(writer.id), sheet, sample, "Mine", owner="me"))
    assert (result.run.metadata.name, result.run.metadata.owner, result.run.status) == (
        "Mine",
        "me",
        "finished",
    )
    assert result.run.results["fine_tuned"] is True
    assert result.after.kept_back > result.before.kept_back
    assert result.run.results["test_accuracy"] == result.after.test
    model = result.run.load_model()
    assert evaluate(model, sheet.kept_back).accuracy == result.after.kept_back
    assert result.run.load_calibration() is None  # as its original has none
    assert not result.run.can_continue


def test_leaving_it_keeps_nothing(trained, odd, sample, tmp_path):
    store = RunStore(tmp_path)
    writer = store.create(CONFIG)
    writer.save(trained, 6)
    writer.update("finished")
    writer.close()
    sheet = split_drawings(list(odd.images), odd.labels.tolist())
    work = fine_tune_run(store, store.get(writer.id), sheet, sample, "Mine")
    next(work)
    work.close()
    assert [run.id for run in store.list()] == [writer.id]


def test_the_copy_of_a_calibrated_run_is_calibrated_again(trained, odd, sample, tmp_path):
    weights = np.linspace(-1, 1, 64, dtype=np.float32)
    store = RunStore(tmp_path)
    writer = store.create(CONFIG)
    writer.save(trained, 6)
    Calibration(1.0, weights, -1000.0).save(tmp_path / writer.id)  # refuses all
    writer.update("finished")
    writer.close()
    sheet = split_drawings(list(odd.images), odd.labels.tolist())
    result, _ = last(fine_tune_run(store, store.get(writer.id), sheet, sample, "Mine"))
    calibration, model = result.run.load_calibration(), result.run.load_model()
    assert calibration.temperature != 1.0
    np.testing.assert_allclose(calibration.weights, [weights], rtol=1e-3)
    validation = split_images(CONFIG, sample).validation
    refused = [not read.is_digit for read in predict_all(model, list(validation.images), calibration)]
    assert np.mean(refused) <= 0.02
