import numpy as np
import pytest

from mnist_core.lessons.scalar_graph import EXPRESSIONS, saved_values, scalar_graph, second_backward

FORMULAS = {
    "product": lambda x, w, b: (x + w) * (w + b),
    "line": lambda x, w, b: w * x + b,
    "neuron": lambda x, w, b: (1 / (1 + np.exp(-(w * x + b)))) ** 2,
}


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_values_and_gradients_are_those_of_the_formula(name):
    point, step = np.array([1.5, -0.5, 2.0]), 1e-6
    nodes = scalar_graph(name, *point)
    formula = FORMULAS[name]
    assert nodes[-1].value == pytest.approx(formula(*point))
    for place in range(3):
        shift = np.eye(3)[place] * step
        slope = (formula(*(point + shift)) - formula(*(point - shift))) / (2 * step)
        assert nodes[place].gradient == pytest.approx(slope, abs=1e-6)


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_a_gradient_is_the_sum_over_all_ways_by_the_chain_rule(name):
    nodes = scalar_graph(name, 2, 1, 1)
    assert nodes[-1].gradient == 1
    for place, node in enumerate(nodes[:-1]):
        ways = [
            other.gradient * slope
            for other in nodes
            for parent, slope in zip(other.parents, other.slopes, strict=True)
            if parent == place
        ]
        assert node.gradient == pytest.approx(sum(ways))


def test_the_worked_examples_have_their_known_gradients():
    assert [node.gradient for node in scalar_graph("product", 2, 1, 1)[:2]] == [2, 5]
    assert [node.gradient for node in scalar_graph("line", 1, 2, 3)[:3]] == [2, 1, 1]


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_the_graph_is_freed_unless_it_is_retained(name):
    found = second_backward(name, 2, 1, 1)
    assert "second time" in found.error
    assert found.retained == pytest.approx(2 * found.once)


def test_a_batch_keeps_its_hidden_values_for_the_backward_pass_and_nothing_without_gradients():
    images = np.full((5, 28, 28), 255, np.uint8)
    assert saved_values(images) == 5 * 128
    assert saved_values(images, gradients=False) == 0
