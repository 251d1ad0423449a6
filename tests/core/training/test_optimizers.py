"""Schedules, and the steps of each optimizer."""

import math

import pytest
import torch
from torch import nn

from mnist_core.choices import OPTIMIZERS, SCHEDULES
from mnist_core.config import TrainConfig
from mnist_core.models.architectures import build_model
from mnist_core.training.optimizers import Optimizer

SMALL = {"widths": (16,), "channels": (4, 8), "monitor": "test", "precision": "float32"}


def small(**settings) -> TrainConfig:
    return TrainConfig(**{**SMALL, **settings})


# Schedules


def factors(name: str) -> list[float]:
    return [SCHEDULES[name].factor(percent / 100) for percent in range(101)]


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_stays_between_nothing_and_the_full_rate(name):
    assert all(0 <= factor <= 1 for factor in factors(name))
    assert max(factors(name)) == 1


def test_constant_is_constant():
    assert set(factors("constant")) == {1}


def test_step_falls_to_a_tenth_at_half_and_a_hundredth_at_three_quarters():
    assert [factors("step")[percent] for percent in (0, 49, 50, 74, 75, 100)] == [1, 1, 0.1, 0.1, 0.01, 0.01]


def test_cosine_is_half_a_wave():
    expected = [math.cos(math.pi * percent / 200) ** 2 for percent in range(101)]
    assert factors("cosine") == pytest.approx(expected)


def test_one_cycle_rises_over_the_first_quarter_and_then_falls_to_nearly_nothing():
    values = factors("one_cycle")
    assert values[0] == pytest.approx(1 / 25)
    assert values[:26] == sorted(values[:26])
    assert values[25] == 1
    assert values[25:] == sorted(values[25:], reverse=True)
    assert values[100] == pytest.approx(1e-5)


# Optimizers


def moved(config: TrainConfig, gradients: list[torch.Tensor], parameter: torch.Tensor) -> list[torch.Tensor]:
    """By how much each of the gradients moves a parameter."""
    holder = nn.ParameterList([parameter.clone(), torch.zeros(2)])
    optimizer = Optimizer(
        holder,
        config,
    )
    changes = []
    for step, gradient in enumerate(gradients):
        before = holder[0].detach().clone()
        holder[0].grad, holder[1].grad = gradient.clone(), torch.ones(2)
        optimizer.step(config.learning_rate, step / len(gradients))
        changes.append(holder[0].detach() - before)
    return changes


GRADIENT = torch.tensor([1.0, -2.0, 0.5])


def test_gradients_are_clipped_to_a_norm_over_all_parameters():
    """The other parameter's gradient is [1, 1], so the norm over both is sqrt(1 + 4 + 0.25 + 2)."""
    rate, norm = 0.1, 7.25**0.5
    for largest, share in ((0, 1), (1.0, 1 / norm), (norm / 2, 0.5), (3.0, 1)):
        config = small(optimizer="sgd", learning_rate=rate, gradient_clipping=largest)
        (change,) = moved(config, [GRADIENT], torch.zeros(3))
        torch.testing.assert_close(change, -rate * share * GRADIENT)


@pytest.mark.parametrize(
    ("name", "steps"),
    [("sgd", [-1, -1, -1]), ("momentum", [-1, -1.9, -2.71]), ("nesterov", [-1.9, -2.71, -3.439])],
)
def test_momentum_accumulates(name, steps):
    changes = moved(small(optimizer=name, learning_rate=0.1), [GRADIENT] * 3, torch.zeros(3))
    for change, times in zip(changes, steps, strict=True):
        torch.testing.assert_close(change, 0.1 * times * GRADIENT)


def test_momentum_is_the_one_asked_for():
    config = small(optimizer="momentum", learning_rate=0.1, momentum=0.5)
    torch.testing.assert_close(moved(config, [GRADIENT] * 2, torch.zeros(3))[1], -0.1 * 1.5 * GRADIENT)


@pytest.mark.parametrize("name", ["adagrad", "adam", "adamw"])
def test_adaptive_rates_make_the_first_step_as_large_as_the_rate(name):
    (change,) = moved(small(optimizer=name, learning_rate=0.1), [GRADIENT], torch.zeros(3))
    torch.testing.assert_close(change, -0.1 * GRADIENT.sign(), rtol=1e-4, atol=0)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_weight_decay_pulls_towards_zero(name):
    weights = torch.full((2, 3), 4.0)
    config = small(optimizer=name, learning_rate=0.1, weight_decay=0.5)
    (change,) = moved(config, [torch.zeros(2, 3)], weights)
    assert (change < 0).all()


def test_adamw_decays_the_weights_apart_from_the_gradient():
    config = small(optimizer="adamw", learning_rate=0.1, weight_decay=0.5)
    (change,) = moved(config, [torch.zeros(3)], torch.full((3,), 4.0))
    torch.testing.assert_close(change, torch.full((3,), -0.1 * 0.5 * 4))


def test_muon_moves_matrices_orthogonally_and_the_rest_as_adamw_at_a_tenth_of_the_rate():
    holder = nn.ParameterList([torch.zeros(8, 8), torch.zeros(3)])
    gradient = torch.randn(8, 8, generator=torch.Generator().manual_seed(0))
    holder[0].grad, holder[1].grad = gradient.clone(), GRADIENT.clone()
    Optimizer(holder, small(optimizer="muon", learning_rate=0.1)).step(0.1, 0)
    given, stretch = torch.linalg.svdvals(gradient), torch.linalg.svdvals(holder[0].detach()) / 0.1
    assert given.max() / given.min() > 5
    assert stretch.min() > 0.5
    assert stretch.max() < 1.3
    torch.testing.assert_close(holder[1].detach(), -0.01 * GRADIENT.sign(), rtol=1e-4, atol=0)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_schedule_scales_every_part_of_an_optimizers_step(name):
    """A step at a factor of zero moves nothing; Optimizer returns the rate it used."""
    config = small(optimizer=name, learning_rate=0.1, schedule="cosine")
    model = build_model(config)
    before = [parameter.detach().clone() for parameter in model.parameters()]
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    assert Optimizer(model, config).step(config.learning_rate, 1.0) == 0
    for parameter, old in zip(model.parameters(), before, strict=True):
        assert torch.equal(parameter, old)
