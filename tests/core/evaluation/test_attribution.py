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
from mnist_core.models.modules import ResidualBlock
from mnist_core.models.summary import describe_layers, group_layers
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


def test_integrated_gradients_against_another_digit_are_of_the_difference(trained, linear, sample):
    image = sample.test.images[3]
    model, weights = linear
    found = integrated_gradients(model, image, 7, against=1)
    np.testing.assert_allclose(found, (weights[7] - weights[1]) * image / 255, atol=1e-5)
    seven, one = (output(trained, image, digit) - output(trained, image * 0, digit) for digit in (7, 1))
    for tolerance in (0.05, 0.005):
        found = integrated_gradients(trained, image, 7, 1, tolerance)
        assert found.sum() == pytest.approx(seven - one, abs=2 * tolerance * (abs(seven) + abs(one)) + 0.001)


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


@pytest.mark.parametrize("batch_norm", [False, True])
def test_a_blocks_inner_maps_make_its_output_with_the_skip_connection(batch_norm, sample):
    config = TrainConfig(architecture="resnet", channels=(4, 8), batch_norm=batch_norm, activation="maxout")
    model = build_model(config).eval()
    found = activations(model, sample.test.images[0])
    blocks = [group[0] for group in group_layers(model) if isinstance(group[0], ResidualBlock)]
    for block, before, layer in zip(blocks, found[1:], found[2:], strict=False):
        first, second = (torch.from_numpy(inner.values)[None] for inner in layer.inner)
        assert first.shape[1:] == layer.values.shape  # after its activation
        together = block.activation(second + block.skipped(torch.from_numpy(before.values)[None]))
        np.testing.assert_allclose(together[0].detach(), layer.values, atol=1e-5)
    assert sum(bool(layer.inner) for layer in found) == len(blocks) == 2


def test_hidden_features_are_the_last_layers_inputs(trained, sample):
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


RAMP = 4 * np.add.outer(np.arange(28), np.arange(28)).astype(np.uint8)
CAPTUMS = {  # captum 0.9.0: attributions of RAMP for digit 7, every ninth pixel each way, and their sum
    ("mlp", integrated_gradients): (
        [
            [0.0, 0.00151077, -0.000877898, -0.0042809],
            [0.000128009, 0.00648608, -0.0044113, 0.00199581],
            [-0.00664814, 0.00506587, -0.00949171, -0.00799009],
            [0.000338653, 0.00795765, -0.00514104, 0.000910055],
        ],
        0.2492927,
    ),
    ("mlp", occlusion): (
        [
            [-0.000555813, 0.0156417, 0.00998734, 0.0229296],
            [-0.0101103, 0.00828736, 0.0171709, 0.0298098],
            [-0.0100852, -0.00818516, 0.0385724, 0.0214038],
            [-0.00175184, 0.0447958, -0.00596393, 0.00613317],
        ],
        11.20113,
    ),
    ("cnn", integrated_gradients): (
        [
            [0.0, -0.000737128, -0.000237766, -1.49865e-05],
            [0.000222429, 0.000721939, 3.92e-05, -0.000673096],
            [0.000298661, -1.18744e-05, 0.000266972, 0.000935202],
            [7.5328e-05, -0.00170511, 9.71557e-05, 0.000468554],
        ],
        -0.0392126,
    ),
    ("cnn", occlusion): (
        [
            [-0.000857174, -0.00775655, -0.000140911, 0.00757329],
            [-0.00341223, -0.00495987, -0.00111585, -0.0186404],
            [0.00727705, -0.000405274, -0.00350236, 0.000732386],
            [0.00208172, -0.00303653, -0.00731146, -0.00561801],
        ],
        -2.188108,
    ),
}


@pytest.mark.parametrize(("name", "method"), CAPTUMS)
def test_attributions_are_those_that_captum_gave(name, method):
    settings = {"mlp": {"widths": (32, 16)}, "cnn": {"channels": (4, 8), "widths": (16,)}}[name]
    model = build_model(TrainConfig(architecture=name, seed=3, **settings)).eval()
    found, (expected, total) = method(model, RAMP, 7), CAPTUMS[name, method]
    np.testing.assert_allclose(found[::9, ::9], expected, atol=1e-6)
    assert found.sum() == pytest.approx(total, rel=1e-5)  # rounding differs between processors
