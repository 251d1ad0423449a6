import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from mnist_core.lessons.convolution import (
    KERNELS,
    convolution_parameters,
    convolve,
    linear_parameters,
    max_pool,
    output_size,
    window_places,
)

GENERATOR = np.random.default_rng(17)


def random_configuration():
    """A side, and a kernel, padding and stride that fit it."""
    side = int(GENERATOR.integers(5, 33))
    kernel = int(GENERATOR.integers(1, min(side, 8)))
    return side, kernel, int(GENERATOR.integers(0, 4)), int(GENERATOR.integers(1, 5))


@pytest.mark.parametrize("configuration", [random_configuration() for _ in range(40)])
def test_output_size_and_values_are_those_of_pytorch(configuration):
    side, kernel, padding, stride = configuration
    image, weights = GENERATOR.normal(size=(side, side)), GENERATOR.normal(size=(kernel, kernel))
    wanted = functional.conv2d(
        torch.from_numpy(image)[None, None],
        torch.from_numpy(weights)[None, None],
        stride=stride,
        padding=padding,
    )[0, 0].numpy()
    assert wanted.shape == (output_size(side, kernel, padding, stride),) * 2
    np.testing.assert_allclose(convolve(image, weights, stride, padding), wanted, atol=1e-9)
    places = window_places(side + 2 * padding, kernel, stride)
    sums = np.pad(image, padding).ravel()[places] @ weights.ravel()
    np.testing.assert_allclose(sums, wanted.ravel(), atol=1e-9)


@pytest.mark.parametrize("side", [2, 13, 14, 26])
def test_max_pooling_is_that_of_pytorch(side):
    values = GENERATOR.normal(size=(side, side))
    wanted = functional.max_pool2d(torch.from_numpy(values)[None, None], 2)[0, 0].numpy()
    np.testing.assert_array_equal(max_pool(values), wanted)
    assert len(wanted) == output_size(side, 2, 0, 2)


def test_parameters_are_those_of_pytorch_layers():
    def count(layer):
        return sum(parameter.numel() for parameter in layer.parameters())

    assert convolution_parameters(32, 64, 3) == count(nn.Conv2d(32, 64, 3))
    assert linear_parameters(784, 10) == count(nn.Linear(784, 10))


@pytest.mark.parametrize("name", ["vertical", "horizontal", "outline", "thick"])
def test_edge_kernels_give_nothing_where_nothing_changes(name):
    assert np.all(convolve(np.full((9, 9), 255), KERNELS[name].weights, 1, 0) == 0)


def test_each_sobel_kernel_finds_the_edges_of_its_direction():
    picture = np.zeros((9, 9))
    picture[:, 4:] = 255
    assert convolve(picture, KERNELS["vertical"].weights, 1, 0).max() == 4 * 255
    assert not convolve(picture, KERNELS["horizontal"].weights, 1, 0).any()
    assert convolve(picture.T, KERNELS["horizontal"].weights, 1, 0).max() == 4 * 255
