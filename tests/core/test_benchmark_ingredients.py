"""What `python -m benchmarks.ingredients` trains: one thing changed, the mean of weights, teachers."""

from concurrent.futures import Future
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional

from benchmarks import ingredients
from benchmarks.ingredients import CHANGED, SEEDS, TEMPERATURE, TaughtGradients, mean_weights, train
from mnist_core.config import TrainConfig
from mnist_core.models.architectures import build_model

CONFIG = TrainConfig(widths=(8,), train_size=200, validation_size=100, batch_size=50, epochs=2)


class HereAndNow:
    """Stands for the processes of a pool: does what is submitted at once."""

    def __init__(self, *_arguments) -> None: ...

    def __enter__(self):
        return self

    def __exit__(self, *_error) -> None: ...

    def submit(self, work, *arguments) -> Future:
        done = Future()
        done.set_result(work(*arguments))
        return done


@pytest.fixture
def on_the_sample(sample, monkeypatch):
    monkeypatch.setattr(ingredients, "open_mnist", lambda _directory: replace(sample, test=sample.test[:50]))


def test_the_mean_of_weights_is_theirs():
    mean = mean_weights([{"a": torch.tensor([1.0, 2.0])}, {"a": torch.tensor([3.0, 2.0])}])
    assert mean["a"].tolist() == [2.0, 2.0]


def test_weights_are_kept_after_each_epoch_and_teachers_change_them(on_the_sample):
    alone = train(CONFIG, None)
    assert len(alone) == CONFIG.epochs
    assert not torch.equal(alone[0]["network.1.weight"], alone[1]["network.1.weight"])
    again, taught = train(CONFIG, None), train(CONFIG, None, [(CONFIG, alone[-1])])
    assert torch.equal(alone[-1]["network.1.weight"], again[-1]["network.1.weight"])
    assert not torch.equal(alone[-1]["network.1.weight"], taught[-1]["network.1.weight"])


def test_what_teachers_say_is_a_part_of_the_loss():
    config, inputs, labels = CONFIG, torch.rand(20, 1, 28, 28), torch.arange(20) % 10
    model, teachers = build_model(config), [build_model(replace(config, seed=seed)) for seed in (1, 2)]
    TaughtGradients(teachers, model, config, "float32")(inputs, labels, 1.0)
    found = [weight.grad.clone() for weight in model.parameters()]
    model.zero_grad()
    logits = model.network(inputs)
    soft = torch.stack([each.network(inputs).div(TEMPERATURE).softmax(1) for each in teachers]).mean(0)
    taught = (soft.detach() * -functional.log_softmax(logits / TEMPERATURE, 1)).sum(1).mean()
    told = functional.cross_entropy(logits, labels)
    (0.7 * TEMPERATURE**2 * taught + 0.3 * told).backward()
    for ours, theirs in zip(found, model.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs.grad)


def test_every_ingredient_has_a_row(on_the_sample, tmp_path, monkeypatch):
    for source in ("scans", "pictures"):
        (tmp_path / source / "one").mkdir(parents=True)
        pixels = np.full((60, 60), 255, np.uint8)
        pixels[10:50, 25:32] = 0
        Image.fromarray(pixels).save(tmp_path / source / "one" / "1.png")
    (tmp_path / "labels.tsv").write_text("file\tlabel\nscans/one/1.png\t1\npictures/one/1.png\t1\n")
    monkeypatch.setattr(ingredients, "ProcessPoolExecutor", HereAndNow)
    run = SimpleNamespace(load_model=lambda: build_model(CONFIG), load_calibration=lambda: None)
    monkeypatch.setattr(ingredients.RunStore, "get", lambda *_: run)
    table = ingredients.report(None, tmp_path, replace(CONFIG, label_smoothing=0.1, epochs=3))
    rows = table.splitlines()[2:]
    assert len(rows) == SEEDS + len(CHANGED) + 4
    assert all(row.count("%") == 3 for row in rows)
    assert "| taught by 3 networks |" in table
