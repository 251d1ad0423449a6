"""Chapters 7 to 11 of Learn: their controls change their numbers."""

import re
from urllib.parse import parse_qsl

import pytest

from tests.app.test_app_learn import words
from ui.train_form.state import settings_from_query


def explained(app, chapter, **query):
    """The chapter's page once its calculation is there: a job may take longer than the page waits."""
    test = app("learn", chapter=chapter, read=chapter, **query)
    while any(button.key == "lab_stop_lesson" for button in test.button):
        test.run()
    assert not test.exception
    return test


def settings_to_try(test):
    """The settings that "Try it yourself" fills into Train's form."""
    link = next(found.proto for found in test.get("page_link") if "Try it yourself" in found.proto.label)
    settings, unusable = settings_from_query(dict(parse_qsl(link.query_string)), "quick")
    assert unusable == []
    return settings


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ({}, "9 weights and a bias, used at 676 places"),
        ({"stride": "2", "padding": "1"}, "9 weights and a bias, used at 196 places"),
        ({"kernel": "blur"}, "25 weights and a bias, used at 576 places"),
        ({"kernel": "?", "stride": "9", "padding": "-1"}, "9 weights and a bias, used at 676 places"),
    ],
)
def test_convolution_counts_the_places_of_the_chosen_kernel(app, query, shown):
    test = app("learn", chapter="convolution", read="convolution", **query)
    assert not test.exception
    assert shown in words(test)


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ({}, "times smaller than at layer 8"),
        ({"depth": "4", "function": "relu", "weights": "large"}, "times larger than at layer 4"),
        ({"function": "relu", "weights": "kaiming_normal"}, "about the same"),
    ],
)
def test_vanishing_compares_the_first_layer_with_the_last(app, query, shown):
    assert shown in words(explained(app, "vanishing", **query))


def test_vanishing_opens_train_with_its_network_or_with_a_resnet(app):
    settings = settings_to_try(explained(app, "vanishing", depth="5", function="tanh", weights="default"))
    assert [settings[name] for name in ("widths", "activation")] == [(64,) * 5, "tanh"]
    settings = settings_to_try(explained(app, "vanishing", depth="5", skip="yes"))
    assert [settings[name] for name in ("architecture", "activation")] == ["resnet", "sigmoid"]


def test_descent_shows_the_chosen_path_and_fills_in_its_optimizer(app):
    test = explained(app, "descent", path="adam", speed="small")
    assert "Adam, learning rate 0.01: the loss goes from 18.8 to" in words(test)
    assert "With 0.175 the loss goes from 19 to 1,600,000 in 60 steps" in words(test)
    assert settings_to_try(test)["optimizer"] == "adam"
    assert "SGD, learning rate 0.175: the loss goes from 18.8 to" in words(
        explained(app, "descent", speed="large")
    )


def test_receptive_shows_the_layers_of_the_pretrained_cnn(app):
    shown = words(explained(app, "receptive", conv="6"))
    assert "Receptive field: 36 x 36 pixels; the step to the next unit: 8." in shown
    assert "**7 x 7 pixels, as many as one 7 x 7 kernel**" in shown
    shown = words(explained(app, "receptive", conv="1"))
    assert "Receptive field: 3 x 3 pixels; the step to the next unit: 1." in shown
    assert (
        "With 32 channels in and out, three layers have 27,744 parameters, one has 50,208: 81% more." in shown
    )


def test_batches_compares_all_sizes_and_fills_in_the_chosen_one(app, monkeypatch):
    monkeypatch.setattr("mnist_core.lessons.batch_steps.EPOCHS", 1)
    monkeypatch.setattr("mnist_core.lessons.batch_steps.DRAWS", 5)
    test = explained(app, "batches", batch="256", rate="0.1")
    assert re.search(r"\*\*Loss: \S+ with 1, \S+ with 64, \S+ with all 1,024\*\*", words(test))
    assert "1024 = 4 \\times 256" in [found.value.strip("$\n") for found in test.latex]
    settings = settings_to_try(test)
    assert [settings[name] for name in ("batch_size", "learning_rate", "train_size")] == [256, 0.1, 1024]
