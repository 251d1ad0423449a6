import numpy as np
import pytest

from mnist_core.choices import ACTIVATIONS
from mnist_core.data.mnist import load_sample
from mnist_core.lessons.activation_curves import curve, layer_outputs

IMAGES = load_sample().train.images[:40]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_slope_is_that_of_the_curve(name):
    found = curve(name)
    middle = (found.inputs[1:] + found.inputs[:-1]) / 2
    rise = np.diff(found.outputs) / np.diff(found.inputs)
    slopes = np.interp(middle, found.inputs, found.slopes)
    away_from_kink = np.abs(middle) > 0.05
    np.testing.assert_allclose(rise[away_from_kink], slopes[away_from_kink], atol=0.01)


@pytest.mark.parametrize(
    ("name", "largest"), [("sigmoid", 0.25), ("tanh", 1), ("relu", 1), ("none", 1), ("selu", 1.76)]
)
def test_the_largest_slope_is_the_known_one(name, largest):
    assert curve(name).slopes.max() == pytest.approx(largest, abs=0.01)


def test_values_at_a_point():
    assert curve("sigmoid").at(0) == pytest.approx((0.5, 0.25), abs=1e-5)
    assert curve("leaky_relu").at(-2) == pytest.approx((-0.02, 0.01), abs=1e-5)
    assert curve("maxout").at(-2) == pytest.approx((2, -1), abs=1e-5)


def test_relu_makes_half_of_the_outputs_zero_and_flat_and_identity_none():
    relu, none = (layer_outputs(name, IMAGES, 1) for name in ("relu", "none"))
    assert 0.3 < relu.zero < 0.7
    assert relu.flat == pytest.approx(relu.zero)
    assert (none.zero, none.flat, none.mean_slope) == (0, 0, 1)


def test_larger_sums_saturate_the_sigmoid():
    flat = [layer_outputs("sigmoid", IMAGES, spread).flat for spread in (0.5, 2, 8)]
    assert flat[0] < 0.05 < flat[1] < flat[2]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_has_outputs_for_all_units(name):
    found = layer_outputs(name, IMAGES, 2)
    assert len(found.outputs) == 40 * 50
    assert len(found.sums) == 40 * 50 * ACTIVATIONS[name].pieces
    assert np.isfinite(found.outputs).all()
