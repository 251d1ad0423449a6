import numpy as np
import pytest
import torch

from mnist_core.choices import INPUT_SCALINGS
from mnist_core.config import TrainConfig
from mnist_core.evaluation.metrics import evaluate
from mnist_core.models.architectures import build_model
from mnist_core.models.checkpoint import load_checkpoint
from mnist_core.models.inference import predict_logits
from mnist_core.models.modules import Scaling
from mnist_core.recognition.recognizer import predict
from tests.core.stored_runs import save_weights_file


def every_grey() -> torch.Tensor:
    """One image that holds all 256 pixel values, uint8 [1, 28, 28]."""
    return torch.arange(784).remainder(256).to(torch.uint8).view(1, 28, 28)


@pytest.mark.parametrize("name", INPUT_SCALINGS)
def test_scaling_is_to_tensor_and_normalize(name):
    mean, std = INPUT_SCALINGS[name].mean, INPUT_SCALINGS[name].std
    images = every_grey()
    to_tensor = images.unsqueeze(1).to(torch.float32).div(255)
    normalized = to_tensor.sub(mean).div(std)
    scaled = Scaling(mean, std)(images)
    assert scaled.shape == (1, 1, 28, 28)
    torch.testing.assert_close(scaled, normalized, rtol=0, atol=1e-6)
    assert images.equal(every_grey())


@pytest.mark.parametrize(("name", "low", "high"), [("unit", 0, 1), ("symmetric", -1, 1)])
def test_scaling_ends_where_its_label_says(name, low, high):
    entry = INPUT_SCALINGS[name]
    scaled = Scaling(entry.mean, entry.std)(every_grey())
    assert scaled.min().item() == pytest.approx(low, abs=1e-6)
    assert scaled.max().item() == pytest.approx(high, abs=1e-6)


@pytest.mark.parametrize("name", INPUT_SCALINGS)
@pytest.mark.parametrize("architecture", ["mlp", "cnn"])
def test_nobody_who_predicts_skips_the_models_own_scaling(name, architecture, batch):
    model = build_model(TrainConfig(architecture=architecture, input_scaling=name)).eval()
    entry = INPUT_SCALINGS[name]
    pixels = torch.from_numpy(batch.images).unsqueeze(1).to(torch.float32)
    expected = model.network((pixels / 255 - entry.mean) / entry.std).detach()
    torch.testing.assert_close(predict_logits(model, torch.from_numpy(batch.images)), expected)
    probabilities = expected.softmax(1).numpy()
    np.testing.assert_allclose(evaluate(model, batch).probabilities, probabilities, rtol=1e-4, atol=1e-6)
    read = predict(model, batch.images[3]).probabilities
    np.testing.assert_allclose(read, probabilities[3], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("batch_size", [1, 7, 40, 250])
def test_logits_do_not_depend_on_how_images_are_batched(batch_size, batch):
    model = build_model(TrainConfig(architecture="cnn", batch_norm=True, dropout=0.5))
    images = torch.from_numpy(batch.images)
    logits = predict_logits(model, images, batch_size)
    assert logits.shape == (40, 10)
    torch.testing.assert_close(logits, predict_logits(model, images))


@pytest.mark.parametrize("settings", [{"widths": (300, 300)}, {"architecture": "cnn"}])
def test_logits_do_not_depend_on_the_number_of_threads(settings, sample):
    model = build_model(TrainConfig(**settings))
    images = torch.from_numpy(sample.train.images[:1010])
    on_one = predict_logits(model, images)
    for threads in (2, 3):
        torch.set_num_threads(threads)
        assert torch.equal(predict_logits(model, images), on_one)
        assert torch.get_num_threads() == threads


@pytest.mark.parametrize("training", [True, False])
def test_predicting_is_done_in_evaluation_mode_and_leaves_the_mode(training, batch):
    model = build_model(TrainConfig(dropout=0.5, batch_norm=True)).train(training)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    images = torch.from_numpy(batch.images)
    logits = predict_logits(model, images)
    assert torch.equal(logits, predict_logits(model, images))
    assert not logits.requires_grad
    assert all(module.training == training for module in model.modules())
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


def test_the_mode_is_restored_when_predicting_fails():
    model = build_model(TrainConfig()).train()
    for threads in (1, 2):
        torch.set_num_threads(threads)
        with pytest.raises(RuntimeError):
            predict_logits(model, torch.zeros(300, 5, 5, dtype=torch.uint8))
        assert model.training


def test_a_model_knows_whether_it_has_convolutions():
    kinds = {
        name: build_model(TrainConfig(architecture=name)).convolutional for name in ("mlp", "cnn", "resnet")
    }
    assert kinds == {"mlp": False, "cnn": True, "resnet": True}


def test_a_networks_convolutions_lie_as_they_are_fastest(tmp_path):
    """Built or loaded, channels last: with other strides pooling takes ten times as long."""
    config = TrainConfig(architecture="cnn", channels=(4, 8))
    save_weights_file(tmp_path / "weights", build_model(config), config, 1)
    for model in (build_model(config), load_checkpoint(tmp_path / "weights").model):
        features = model.network[0](torch.zeros(2, 1, 28, 28))
        assert features.stride()[1] == 1
