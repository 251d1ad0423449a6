import subprocess
import sys

import numpy as np
import pytest
import torch

from mnist_core.choices import ARCHITECTURES
from mnist_core.config import TrainConfig
from mnist_core.evaluation.attribution import activations, integrated_gradients, occlusion
from mnist_core.evaluation.neighbours import hidden_features, nearest, nearest_images
from mnist_core.messages import InputError
from mnist_core.models.architectures import build_model
from mnist_core.models.inference import predict_logits, predict_with_features
from mnist_core.models.summary import describe_layers
from mnist_core.runs.store import PROJECT
from mnist_core.training.trainer import fit

NETWORKS = {
    "mlp": TrainConfig(widths=(32, 16), epochs=2, batch_size=32, monitor="test", learning_rate=0.005),
    "nll": TrainConfig(widths=(16,), loss="nll", epochs=1, monitor="test", learning_rate=0.005),
    "cnn": TrainConfig(
        architecture="cnn", channels=(4, 8), widths=(16,), epochs=1, monitor="test", batch_norm=True
    ),
}


@pytest.fixture(scope="module", params=NETWORKS)
def trained(request, sample):
    """A network that has learned something: its kinks are what makes the integral hard."""
    config = NETWORKS[request.param]
    model = build_model(config)
    for _ in fit(model, config, sample.train, sample.test):
        pass
    return model.eval()


def output(model, image, target) -> float:
    return float(predict_logits(model, torch.from_numpy(image[None]))[0, target])


@pytest.fixture(scope="module")
def linear():
    """Softmax regression, of which everything can be told by hand; with its weights [10, 28, 28]."""
    model = build_model(TrainConfig(architecture="softmax", input_scaling="unit")).eval()
    return model, model.network[1].weight.detach().numpy().reshape(10, 28, 28)


@pytest.mark.parametrize("place", range(5))
def test_integrated_gradients_add_up_to_the_difference_of_the_outputs(trained, sample, place):
    image = sample.test.images[place]
    for target in (0, int(sample.test.labels[place])):
        difference = output(trained, image, target) - output(trained, image * 0, target)
        found = integrated_gradients(trained, image, target)
        assert (found.shape, found.dtype) == ((28, 28), np.float32)
        assert found.sum() == pytest.approx(difference, rel=0.01, abs=0.001)  # a difference may be near 0


def test_integrated_gradients_of_a_linear_model_are_weight_times_ink(linear, sample):
    model, weights = linear
    image = sample.test.images[3]
    expected = weights[7] * image / 255
    np.testing.assert_allclose(integrated_gradients(model, image, 7), expected, atol=1e-5)


def test_occlusion_of_a_linear_model_is_the_mean_loss_over_the_squares(linear, sample):
    model, weights = linear
    image = sample.test.images[3]
    losses = weights[7] * image / 255
    total, often = np.zeros((28, 28)), np.zeros((28, 28))
    for top in range(24):
        for left in range(24):
            square = np.s_[top : top + 5, left : left + 5]
            total[square] += losses[square].sum()
            often[square] += 1
    np.testing.assert_allclose(occlusion(model, image, 7, window=5), total / often, atol=1e-5)


def test_hiding_all_of_an_image_costs_all_there_is(trained, sample):
    image = sample.test.images[0]
    found = occlusion(trained, image, 4, window=28)
    difference = output(trained, image, 4) - output(trained, image * 0, 4)
    np.testing.assert_allclose(found, difference, atol=1e-4)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_activations_are_the_layers_that_are_described(architecture, sample):
    config = TrainConfig(architecture=architecture, channels=(4, 8), widths=(8,))
    model = build_model(config).eval()
    found = activations(model, sample.test.images[0])
    described = describe_layers(config)
    assert [(layer.kind, str(layer.title)) for layer in found] == [
        (layer.kind, str(layer.title)) for layer in described
    ]
    assert [layer.values.shape for layer in found] == [layer.shape for layer in described]
    expected = predict_logits(model, torch.from_numpy(sample.test.images[:1]))[0]
    np.testing.assert_allclose(found[-1].values, expected, atol=1e-5)
    assert np.ptp(found[0].values) == pytest.approx(np.ptp(sample.test.images[0]) / 255 / 0.3081, rel=1e-4)


def test_hidden_features_are_what_the_last_layer_gets(trained, sample):
    images = sample.test.images[:230]
    _, expected = predict_with_features(trained, torch.from_numpy(images))
    np.testing.assert_allclose(hidden_features(trained, images), expected.numpy(), atol=1e-5)


def test_the_nearest_image_to_one_of_them_is_itself(trained, sample):
    indices, distances = nearest_images(trained, sample.train.images[42], sample.train.images[:200], 9)
    assert indices[0] == 42
    assert distances[0] == pytest.approx(0, abs=1e-4)
    assert len(set(indices.tolist())) == 9
    assert distances.tolist() == sorted(distances.tolist())


def test_nearest_by_hand():
    rows = np.array([[3, 4], [0, 1], [6, 8], [0, 1]], np.float32)
    indices, distances = nearest(rows, np.zeros(2, np.float32), 3)
    assert indices.tolist() == [1, 3, 0]
    assert distances.tolist() == [1, 1, 5]


def test_nearest_of_more_than_there_are_is_all_of_them():
    rows = np.zeros((2, 3), np.float32)
    assert nearest(rows, rows[0], 5)[0].tolist() == [0, 1]


@pytest.mark.parametrize("method", [integrated_gradients, occlusion])
def test_what_is_no_digit_is_refused(method, linear, sample):
    with pytest.raises(InputError, match="0 to 9, not 10"):
        method(linear[0], sample.test.images[0], 10)


@pytest.mark.parametrize("window", [0, 29])
def test_a_square_that_does_not_fit_is_refused(window, linear, sample):
    with pytest.raises(InputError, match=f"not {window}"):
        occlusion(linear[0], sample.test.images[0], 1, window)


def test_explaining_imports_neither_matplotlib_nor_the_rest_of_captum():
    code = (
        "import sys, numpy; from mnist_core.models.architectures import build_model\n"
        "from mnist_core.config import TrainConfig; from mnist_core.evaluation import attribution\n"
        "assert 'captum' not in sys.modules\n"
        "model, image = build_model(TrainConfig()).eval(), numpy.zeros((28, 28), numpy.uint8)\n"
        "attribution.integrated_gradients(model, image, 1); attribution.occlusion(model, image, 1)\n"
        "print(*{'matplotlib', 'captum.concept', 'captum.influence'} & sys.modules.keys())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""
