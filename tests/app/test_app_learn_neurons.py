"""Chapters of Learn about neurons and the loss: their controls change their numbers."""

import pytest

from mnist_core.choices import ACTIVATIONS
from tests.app.test_app_learn import words
from ui.learn.activation_functions import FORMULAS


@pytest.fixture(autouse=True)
def short_trainings(monkeypatch):
    monkeypatch.setattr("ui.learn.lesson_jobs.SECONDS_TO_WAIT", 60)
    monkeypatch.setattr("mnist_core.lessons.linear_neurons.STEPS", 5)
    monkeypatch.setattr("mnist_core.lessons.line_network.SHOWN_STEPS", (0, 1, 20))


def metrics(test):
    return {metric.label: metric.value for metric in test.metric}


def formulas(test):
    return [element.value.strip("$\n") for element in test.latex]


def test_more_lines_and_another_step_change_the_plane(app, html):
    test = app("learn", chapter="neuron", read="neuron")
    assert html(test).count("%3Cline%20") == 4
    after = metrics(test)["Points on the right side"]
    test.select_slider(key="step").set_value("0").run()
    assert metrics(test)["Points on the right side"] == "50.0%" != after
    test.segmented_control(key="lines").set_value("1").run()
    assert html(test).count("%3Cline%20") == 1
    assert "4 neurons: " in words(test)


def test_another_neuron_has_another_sum(app):
    test = app("learn", chapter="neuron", read="neuron")
    before = formulas(test)[0]
    test.selectbox(key="seeks").set_value("8").run()
    assert formulas(test)[0] != before


def test_the_temperature_changes_the_certainty_and_a_moved_logit_the_answer(app):
    test = app("learn", chapter="softmax", read="softmax", digit="0", logit="7")
    first = metrics(test)
    test.select_slider(key="temperature").set_value(8.0).run()
    second = metrics(test)
    assert second["Answer"] == first["Answer"]
    assert second["Its probability"] != first["Its probability"]
    test.select_slider(key="shift").set_value(10.0).run()
    assert metrics(test)["Answer"] == "7"
    assert not test.exception


def test_more_units_have_more_parameters(app, html, monkeypatch):
    monkeypatch.setattr("mnist_core.lessons.collapsed_layers.TRAINING", 200)
    test = app("learn", chapter="layers", read="layers", hidden="1")
    assert f"{784 * 64 + 64 + 640 + 10:,}" in html(test)
    assert "largest difference" in words(test)
    test.segmented_control(key="units").set_value("16").run()
    assert f"{784 * 16 + 16 + 160 + 10:,}" in html(test)


def test_another_activation_and_point_change_the_numbers(app):
    test = app("learn", chapter="activations", read="activations")
    assert metrics(test)["Slope there"] == "0.197"
    assert "**0.25, at x = 0**" in words(test)
    test.pills(key="function").set_value("relu").run()
    assert metrics(test)["ReLU of 1.00"] == "1.000"
    test.select_slider(key="at").set_value(-2.0).run()
    assert metrics(test)["Slope there"] == "0.000"


def test_the_gradient_of_w_follows_the_sliders(app, html):
    test = app("learn", chapter="autograd", read="autograd")
    assert "**It adds them: 2 + 3 = 5**" in words(test)
    assert formulas(test) == [r"\frac{\partial y}{\partial w} = 2 \cdot 1 + 3 \cdot 1 = 5"]
    test.select_slider(key="x").set_value(0.0).run()
    assert formulas(test)[0].endswith("= 3")
    test.segmented_control(key="expression").set_value("line").run()
    assert formulas(test)[0].endswith("= 0")
    assert "second time" in test.code[-1].value


def test_every_activation_has_a_formula():
    assert FORMULAS.keys() == ACTIVATIONS.keys()
