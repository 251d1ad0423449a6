"""Features in oneDNN's own layout: the same answers and gradients, and only where it is faster."""

from dataclasses import replace

import pytest
import torch

from mnist_core.choices import ACTIVATIONS
from mnist_core.config import TrainConfig
from mnist_core.models.architectures import build_model
from mnist_core.recipes import RECIPES
from mnist_core.runtime import onednn_layout
from mnist_core.runtime.onednn_layout import LEAST_IMAGES, count_blocked, fastest_forward

CPU = torch.device("cpu")
CNN = TrainConfig(architecture="cnn", channels=(16, 20), widths=(16,))
BLOCKED = {
    "relu": CNN,
    "gelu": replace(CNN, activation="gelu"),
    "none": replace(CNN, activation="none"),
    "vgg": replace(CNN, architecture="vgg"),
    "fast_cnn": replace(CNN, architecture="fast_cnn"),
}
needs_kernels = pytest.mark.skipif(
    not onednn_layout._blocks_features(), reason="torch has no blocked kernels for this processor"
)


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(40, 1, 28, 28, generator=torch.Generator().manual_seed(0))


@needs_kernels
@pytest.mark.parametrize("name", BLOCKED)
def test_blocked_features_give_the_networks_answers_and_gradients(name, images):
    plain, blocked = build_model(BLOCKED[name]).network, build_model(BLOCKED[name]).network
    forward = fastest_forward(blocked, CPU)
    assert forward is not blocked
    expected, logits = plain(images), forward(images)
    torch.testing.assert_close(logits, expected)
    expected.square().sum().backward()
    logits.square().sum().backward()
    for one, other in zip(plain.parameters(), blocked.parameters(), strict=True):
        near = 0.01 * one.grad.abs().max().item()  # a near tie within a pooling may fall to another pixel
        torch.testing.assert_close(other.grad, one.grad, rtol=0, atol=near)


@needs_kernels
def test_it_follows_the_networks_mode_and_weights(images):
    network = build_model(replace(CNN, dropout=0.5)).network
    forward = fastest_forward(network, CPU)
    network.eval()
    torch.testing.assert_close(forward(images), network(images))
    with torch.no_grad():
        network[0].weight.mul_(2)
    network.load_state_dict({name: value + 0.1 for name, value in network.state_dict().items()})
    torch.testing.assert_close(forward(images), network(images))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_networks_with_activations_that_have_no_blocked_kernel_stay_as_they_are(activation, images):
    network = build_model(replace(CNN, activation=activation)).network.eval()
    assert bool(count_blocked(network)) == (activation in ("relu", "gelu", "none"))
    torch.testing.assert_close(fastest_forward(network, CPU)(images), network(images))


@pytest.mark.parametrize("setting", [{"channels": (8, 16)}, {"batch_norm": True}])
def test_narrow_convolutions_and_batch_norm_stay_as_they_are(setting):
    network = build_model(replace(CNN, **setting)).network
    assert fastest_forward(network, CPU) is network


@needs_kernels
def test_few_images_are_not_blocked(images, monkeypatch):
    network = build_model(CNN).network
    forward, few = fastest_forward(network, CPU), images[: LEAST_IMAGES - 1]
    monkeypatch.setattr(torch.Tensor, "to_mkldnn", None, raising=False)
    assert torch.equal(forward(few), network(few))
    with pytest.raises(TypeError):
        forward(images[:LEAST_IMAGES])


@pytest.mark.parametrize("architecture", ["softmax", "mlp", "lenet5", "resnet"])
def test_architectures_that_gain_nothing_stay_as_they_are(architecture):
    network = build_model(TrainConfig(architecture=architecture)).network
    assert fastest_forward(network, CPU) is network


def test_other_devices_and_processors_compute_as_the_network_does(monkeypatch):
    network = build_model(RECIPES["tutorial-4b"].config).network
    assert fastest_forward(network, torch.device("cuda")) is network
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "DEFAULT")
    assert fastest_forward(network, CPU) is network
