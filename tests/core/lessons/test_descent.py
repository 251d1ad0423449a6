import numpy as np
import pytest
import torch

from mnist_core.choices import OPTIMIZERS
from mnist_core.lessons.descent import (
    CURVATURES,
    HESSIAN,
    RATES,
    START,
    STEPS,
    WEIGHT_DECAY,
    all_paths,
    descent_path,
    gradient,
    level_line,
    loss,
)

PATHS = dict(all_paths())


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_each_path_is_that_of_torch_optim(name):
    entry, rate = OPTIMIZERS[name], RATES[name][1]
    weights = torch.tensor([START], dtype=torch.float64, requires_grad=True)
    options = {"momentum": 0.9} if entry.uses_momentum else {}
    options |= {"nesterov": True} if entry.nesterov or name == "muon" else {}
    optimizer = getattr(torch.optim, entry.torch_class)(
        [weights], lr=rate, weight_decay=WEIGHT_DECAY.get(name, 0.0), **options
    )
    for _ in range(STEPS):
        optimizer.zero_grad()
        (weights @ torch.from_numpy(HESSIAN) * weights).sum().div(2).backward()
        optimizer.step()
    np.testing.assert_allclose(PATHS[name][1].points[-1], weights.detach().numpy()[0], atol=1e-6)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_right_rate_arrives_a_small_one_does_not_and_a_large_one_leaves_or_never_arrives(name):
    small, right, large = PATHS[name]
    assert small.arrival is None
    assert right.arrival is not None
    assert large.arrival is None or large.losses.max() > large.losses[0]


def test_gradient_descent_is_stable_below_two_over_the_largest_curvature():
    limit = 2 / max(CURVATURES)
    assert descent_path("sgd", 0.98 * limit).losses[-1] < loss(np.array(START))
    assert descent_path("sgd", 1.02 * limit).losses[-1] > loss(np.array(START))


def test_gradient_and_level_lines_are_those_of_the_loss():
    point, step = np.array([0.7, -0.4]), 1e-6
    slopes = [(loss(point + step * axis) - loss(point - step * axis)) / (2 * step) for axis in np.eye(2)]
    np.testing.assert_allclose(gradient(point), slopes, atol=1e-6)
    np.testing.assert_allclose(loss(level_line(3.0)), 3.0)
