import numpy as np
import pytest
import torch
from torch import nn

from mnist_core.config import TrainConfig
from mnist_core.lessons.layer_fields import Field, Window, layer_fields, stacked, windows_of
from mnist_core.models.architectures import build_model
from mnist_core.models.summary import group_layers

GENERATOR = np.random.default_rng(11)
SIDE = 28


def random_layer():
    kernel, stride = int(GENERATOR.integers(1, 6)), int(GENERATOR.integers(1, 3))
    if GENERATOR.random() < 0.3:
        return nn.AvgPool2d(2)
    return nn.Conv2d(1, 1, kernel, stride, int(GENERATOR.integers(0, kernel // 2 + 1)), bias=False)


def extent(network, place):
    """Rows in which the gradient of the unit at (place, place) by the picture is not zero; all weights are
    1.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.ones_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    picture = torch.ones(1, 1, SIDE, SIDE, dtype=torch.float64, requires_grad=True)
    network.double()(picture)[0, 0, place, place].backward()
    rows = torch.nonzero(picture.grad[0, 0].sum(1)).ravel()
    return range(int(rows[0]), int(rows[-1]) + 1)


@pytest.mark.parametrize(
    "layers", [[random_layer() for _ in range(GENERATOR.integers(1, 4))] for _ in range(25)]
)
def test_the_field_is_the_extent_of_the_gradient(layers):
    network = nn.Sequential(*layers)
    units = network(torch.ones(1, 1, SIDE, SIDE)).shape[-1]
    field = stacked(windows_of(network))
    for place in {0, units // 2, units - 1}:
        assert field.pixels(place, SIDE) == extent(network, place)


def linear(module):
    """The same geometry without maxima, batch norm and activations: each pixel of a window counts."""
    for name, part in module.named_children():
        if isinstance(part, nn.MaxPool2d):
            setattr(module, name, nn.AvgPool2d(part.kernel_size))
        elif isinstance(part, nn.BatchNorm2d | nn.ReLU):
            setattr(module, name, nn.Identity())
        else:
            linear(part)
    return module


@pytest.mark.parametrize("architecture", ["cnn", "lenet5", "vgg", "resnet", "fast_cnn"])
def test_the_fields_of_the_products_networks_are_the_extents_of_their_gradients(architecture):
    model = build_model(TrainConfig(architecture=architecture, channels=(2, 3), widths=()))
    fields = layer_fields(model)
    groups = group_layers(linear(model))
    assert fields
    for count, field in enumerate(fields, 1):
        network = nn.Sequential(*[module for group in groups[:count] for module in group])
        assert field.after.pixels(3) == extent(network, 3)


def test_three_kernels_of_3_see_what_one_of_7_sees():
    assert stacked([Window(3)] * 3).size == stacked([Window(7)]).size == 7


def test_a_field_is_cut_at_the_edges_of_the_picture():
    field = Field().after(Window(5, 1, 2))
    assert [field.pixels(place) for place in (0, 14, 27)] == [range(3), range(12, 17), range(25, 28)]
