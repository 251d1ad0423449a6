"""Numbers typed beside sliders, of the Train form and of other pages."""

import time
from types import SimpleNamespace

import pytest

from mnist_core.recipes import RECIPES
from tests.app.train_form import form_settings
from ui.number_fields import read_number
from ui.train_form import controls, state


def field(test, name):
    return next(each for each in test.text_input if each.key.startswith(f"set_{name}_typed"))


def type_number(test, name, text):
    field(test, name).set_value(text)
    return test.run()


def said(test) -> str:
    return " ".join(caption.value for caption in test.caption)


def slider(test, name):
    return test.select_slider(key=f"set_{name}")


@pytest.mark.parametrize(
    ("text", "whole", "number"),
    [
        ("0.001", False, 0.001),
        (" 1e-3 ", False, 0.001),
        ("0,001", False, 0.001),
        ("1,5", False, 1.5),
        ("1,000", False, None),  # one or a thousand?
        ("1,000", True, 1000),
        ("60,000", True, 60_000),
        ("1e3", True, 1000),
        ("2.5", True, None),
        ("0,5", True, None),
        ("60,00", True, None),
        ("１２８", True, 128),
        ("０．００３", False, 0.003),
        ("０。５", False, 0.5),
        ("-1", True, -1),
        ("nan", False, None),
        ("inf", True, None),
        ("1e999", True, None),
        ("", True, None),
        ("ten", True, None),
    ],
)
def test_a_number_is_read_as_it_was_meant_or_not_at_all(text, whole, number):
    assert read_number(text, whole) == number


def test_a_typed_number_is_the_setting_of_slider_field_and_link(app):
    test = app("train", recipe="tutorial-1")
    type_number(test, "learning_rate", "1.23e-3")
    assert form_settings(test).learning_rate == 0.00123
    assert test.query_params["learning_rate"] == "0.00123"
    assert slider(test, "learning_rate").value == 0.00123
    assert field(test, "learning_rate").value == "0.00123"
    type_number(test, "epochs", "33")
    assert (form_settings(test).epochs, slider(test, "epochs").value) == (33, 33)
    assert form_settings(test).learning_rate == 0.00123


def test_a_late_message_does_not_undo_a_typed_number_however_long_the_server_takes(app, monkeypatch):
    """It carries the slider's old value; a busy server shows the form seconds after the number arrived."""
    seconds, show_recipe = [0.0], controls._show_recipe

    def show_recipe_late(form):
        seconds[0] += 3
        show_recipe(form)

    test = app("train", recipe="tutorial-1")
    before = slider(test, "learning_rate").value
    monkeypatch.setattr(state, "time", SimpleNamespace(monotonic=lambda: seconds[0]))
    monkeypatch.setattr(controls, "_show_recipe", show_recipe_late)
    type_number(test, "learning_rate", "0.03")
    slider(test, "learning_rate").set_value(before).run()
    assert form_settings(test).learning_rate == 0.03
    slider(test, "learning_rate").set_value(0.005).run()
    assert form_settings(test).learning_rate == 0.005


def test_a_message_with_the_old_url_does_not_undo_a_typed_number_however_late_it_is(app, monkeypatch):
    """A busy browser shows the new form, and sends its values, seconds after the server has sent it."""
    test = app("train", recipe="tutorial-1")
    before, url = slider(test, "learning_rate").value, dict(test.query_params)
    type_number(test, "learning_rate", "0.003")
    later = time.monotonic() + state.SURELY_LATE_SECONDS + 0.5
    monkeypatch.setattr(state, "time", SimpleNamespace(monotonic=lambda: later))
    new_url, test.query_params = dict(test.query_params), url
    slider(test, "learning_rate").set_value(before).run()
    assert slider(test, "learning_rate").value == 0.003
    test.query_params = new_url
    slider(test, "learning_rate").set_value(before).run()  # by the visitor, who sees the new form
    assert form_settings(test).learning_rate == before


def test_the_field_follows_the_slider_and_the_recipe(app):
    test = app("train", recipe="tutorial-1")
    type_number(test, "batch_size", "17")
    slider(test, "batch_size").set_value(200).run()
    assert field(test, "batch_size").value == "200"
    test.pills(key="set_recipe").set_value("tutorial-3").run()
    assert field(test, "batch_size").value == "64"
    assert form_settings(test) == RECIPES["tutorial-3"].config


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("epochs", "2000", "Epochs: 2000 is outside 1 to 1,000. It stays at 2."),
        ("epochs", "two", "Epochs: “two” can't be read; type a whole number such as 100. It stays at 2."),
        ("learning_rate", "0", "Learning rate: 0 is outside 0.000001 to 100. It stays at 0.001."),
        ("learning_rate", "1,000", "Learning rate: “1,000” can't be read; type a number such as 0.001."),
    ],
)
def test_a_text_that_is_not_taken_stays_with_one_sentence(app, name, text, sentence):
    test = app("train", recipe="tutorial-1")
    before = form_settings(test)
    type_number(test, name, text)
    assert sentence in said(test)
    assert field(test, name).value == text
    assert form_settings(test) == before
    type_number(test, "batch_size", "31")
    assert sentence in said(test)
    type_number(test, name, "3")
    assert sentence not in said(test)
    assert (getattr(form_settings(test), name), form_settings(test).batch_size) == (3, 31)


def test_a_refusal_is_in_the_visitors_language_and_goes_with_the_next_slider_value(app):
    test = app("train", recipe="tutorial-1", lang="zh")
    type_number(test, "epochs", "很多")
    assert "轮数：无法识别“很多”" in said(test)
    slider(test, "epochs").set_value(5).run()
    assert "很多" not in said(test)
    assert field(test, "epochs").value == "5"


def test_every_slider_of_a_number_has_a_field(app):
    test = app("train", recipe="quick")
    test.session_state["all_settings"] = True
    test.run()
    assert {each.key.partition("_typed")[0] for each in test.text_input} >= {
        each.key for each in test.select_slider if each.key.startswith("set_")
    }
    assert len(test.select_slider) >= 11
    type_number(test, "gradient_clipping", "0.75")
    type_number(test, "validation_size", "0")
    assert form_settings(test).gradient_clipping == 0.75
    assert "Validation images: 0 is outside 1 to 30,000." in said(test)


def test_a_layer_may_have_any_size_in_range(app):
    test = app("train", recipe="tutorial-1")
    test.number_input(key="set_widths_0").set_value(3000).run()
    assert form_settings(test).widths == (3000, 64, 64)


def test_a_choice_is_described_below_it(app):
    test = app("train", recipe="tutorial-1")
    assert "max(0, x): cheap, and its slope of 1 eases vanishing gradients." in said(test)
    test.session_state["all_settings"] = True
    test.run()
    test.selectbox(key="set_initialization").set_value("xavier_uniform").run()
    assert form_settings(test).initialization == "xavier_uniform"
    assert "for sigmoid and tanh. Glorot and Bengio 2010" in said(test)


def test_a_number_is_typed_beside_a_slider_of_another_page(app):
    def typed():
        return next(field for field in test.text_input if field.key.startswith("x_typed"))

    test = app("learn", chapter="autograd")
    assert len(test.select_slider) == len(test.text_input) == 3
    url = dict(test.query_params)
    typed().set_value("\N{MINUS SIGN}1,25").run()
    assert not test.exception
    assert test.query_params["x"] in ("-1.25", ["-1.25"])
    assert (test.select_slider(key="x").value, typed().value) == (-1.25, "\N{MINUS SIGN}1.25")
    new_url, test.query_params = dict(test.query_params), url
    test.select_slider(key="x").set_value(2.0).run()  # a late message, with the slider's old value
    assert test.select_slider(key="x").value == -1.25
    test.query_params = new_url
    typed().set_value("4").run()
    assert "x: 4 is outside \N{MINUS SIGN}3 to 3. It stays at \N{MINUS SIGN}1.25." in said(test)
    test.select_slider(key="x").set_value(2.0).run()  # by the visitor
    assert (test.query_params["x"], typed().value) in (("2", "2"), (["2"], "2"))
    assert "outside" not in said(test)
