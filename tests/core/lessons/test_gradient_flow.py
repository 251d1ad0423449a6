import numpy as np
import pytest

from mnist_core.data.mnist import load_sample
from mnist_core.lessons.gradient_flow import LARGE, STARTS, gradient_flow

SAMPLE = load_sample().train


def flow(activation, initialization, depth=8, skip=False):
    return gradient_flow(SAMPLE.images[:60], SAMPLE.labels[:60], depth, activation, initialization, skip)


@pytest.mark.parametrize("depth", [2, 5, 8])
def test_a_sigmoid_takes_three_quarters_of_the_gradient_at_least_in_each_layer(depth):
    """Orthogonal weights keep the gradient's length, so that only the slope, at most 1/4, is left."""
    found = flow("sigmoid", "orthogonal", depth)
    sizes = np.array(found.sizes)
    assert len(sizes) == depth
    assert np.all(sizes[:-1] <= sizes[1:] / 4)
    assert found.ratio <= 4.0 ** (1 - depth)


@pytest.mark.parametrize("activation", ["none", "sigmoid", "tanh", "relu"])
@pytest.mark.parametrize("initialization", STARTS)
def test_the_factor_per_layer_is_slope_times_gain(activation, initialization):
    found = flow(activation, initialization)
    assert found.factor == pytest.approx(found.expected, rel=0.1)


def test_relu_eases_vanishing_gradients_and_does_not_remove_exploding_ones():
    assert flow("sigmoid", "kaiming_normal").ratio < 1e-3
    assert 1 / 3 < flow("relu", "kaiming_normal").ratio < 3
    assert flow("relu", LARGE).ratio > 2**7 / 3


@pytest.mark.parametrize("initialization", STARTS)
def test_with_skip_connections_the_gradient_of_a_sigmoid_network_does_not_vanish(initialization):
    assert flow("sigmoid", initialization).ratio < 0.01
    assert 0.9 < flow("sigmoid", initialization, skip=True).ratio < 10
