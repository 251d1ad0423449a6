"""The view of a batch has the numbers that the training computed."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mnist_core.config import TrainConfig
from mnist_core.models.architectures import build_model
from mnist_core.monitoring.batch_view import BatchWatcher
from mnist_core.monitoring.prober import UpdateRatios, layer_norms, parameters_by_layer
from mnist_core.training.trainer import Training

CONFIG = TrainConfig(
    widths=(8,), batch_size=50, train_size=120, epochs=1, optimizer="sgd", learning_rate=0.1, shuffle=False
)


def views(config, sample):
    """Each batch of a training, and the model before its step."""
    training = Training(build_model(config), config, sample.train[: config.train_size], sample.test)
    watcher = BatchWatcher(training.model, UpdateRatios(training.model, 0))
    training.step_watcher, training.step_by_step = watcher, True
    before = build_model(config)
    for _event in training.events():
        if watcher.measured:
            yield watcher.take(*training.last_batch()), before
            before.load_state_dict(training.model.state_dict())


def test_a_batch_is_shown_with_its_loss_gradients_and_what_its_step_moved(sample):
    shown = 0
    for number, (view, before) in enumerate(views(CONFIG, sample)):
        images = torch.from_numpy(sample.train.images[number * 50 :][: view.size])
        labels = torch.from_numpy(sample.train.labels[number * 50 :][: view.size]).long()
        logits = before(images)
        loss = F.cross_entropy(logits, labels)
        loss.backward()
        layers = parameters_by_layer(before)
        norms = np.array(layer_norms([[part.grad for part in layer] for layer in layers]))
        assert (view.step, view.size) == (number + 1, min(50, 120 - 50 * number))
        assert np.array_equal(view.images, images[:32])
        assert view.labels.tolist() == labels[:32].tolist()
        assert view.predictions.tolist() == logits.argmax(1)[:32].tolist()
        assert view.loss == pytest.approx(loss.item(), rel=1e-6)
        assert view.gradient_norms == pytest.approx(norms, rel=1e-5)
        assert view.update_ratios == pytest.approx(0.1 * norms / np.array(layer_norms(layers)), rel=1e-3)
        before.zero_grad()
        shown += 1
    assert shown == 3


def test_of_a_batch_in_pieces_some_images_of_the_last_are_shown(sample, monkeypatch):
    monkeypatch.setattr("mnist_core.training.batches.PIECE", 50)
    ((view, _),) = views(replace(CONFIG, batch_size=120), sample)
    assert (view.size, len(view.images)) == (120, 32)
    assert np.array_equal(view.images, sample.train.images[80:112])
    assert view.labels.tolist() == sample.train.labels[80:112].tolist()
