"""Side by side: the change, the question that starts both runs, and the result."""

import re

import pytest
import streamlit as st

from mnist_core.recipes import RECIPES
from mnist_core.runs.names import is_used
from mnist_core.runs.store import RunStore
from tests.app.test_app_run_panel import SHORT, button, heading, press, run_until, trained
from ui.train.start_two import MOST_LETTERS, side_names
from ui.train_form.setting_labels import LABELS
from ui.train_form.state import settings_to_query


def query(config=SHORT, **more):
    return {**settings_to_query({**vars(config), "recipe": "tutorial-1"}), **more}


def said(test):
    texts = [*(e.value for e in test.markdown), *(e.value for e in test.caption)]
    return " ".join(texts).replace("\\", "")  # names are escaped


def opened(app, **more):
    return app("train", **query(change="activation:sigmoid", **more))


def test_it_is_closed_until_asked_for(app):
    test = app("train")
    assert not any(e.key == "change_field" for e in test.selectbox)
    test.session_state["start_two"] = True
    test.run()
    assert test.selectbox(key="change_field").value == "activation"
    assert test.selectbox(key="change_to_activation").value == "sigmoid"  # the form has ReLU


@pytest.mark.parametrize(("field", "value"), [("learning_rate", "0.5"), ("widths", "32-32")])
def test_a_value_can_be_typed(app, field, value):
    test = opened(app)
    test.selectbox(key="change_field").set_value(field).run()
    test.text_input(key=f"change_to_{field}").set_value(value).run()
    assert not test.exception
    assert test.query_params["change"] in (f"{field}:{value}", [f"{field}:{value}"])
    assert button(test, "No clear difference")


@pytest.mark.parametrize("change", ["learning_rate:-1", "learning_rate:x", "widths:64--", "dropout:0"])
def test_a_value_that_can_not_be_or_changes_nothing_starts_nothing(app, change):
    test = app("train", **query(change=change))
    assert not test.exception
    if change == "dropout:0":
        assert test.text_input(key="change_to_dropout").value == "0.1"  # a suggestion in its place
    else:
        assert "Type another value" in said(test)
        assert not button(test, "No clear difference")


def test_every_setting_can_be_the_change(app):
    test = opened(app)
    for field in filter(lambda name: is_used(name, SHORT), LABELS):
        test.selectbox(key="change_field").set_value(field).run()
        assert not test.exception
        assert button(test, "No clear difference"), field


def test_an_optimizer_brings_its_usual_rate(app):
    test = app("train", **query(RECIPES["tutorial-1"].config, change="optimizer:sgd"))
    assert "Learning rate:" in said(test)
    assert "Optimizer: SGD" in said(test)


def test_the_answer_starts_both_and_the_end_says_which_is_better(app):
    test = opened(app)
    press(test, "Sigmoid")
    assert len(RunStore().list()) == 2
    assert "Your guess: **Sigmoid**" in said(test)
    run_until(test, lambda: "finished" in heading(test) and len(test.metric) == 2)
    assert [metric.label for metric in test.metric] == ["ReLU, test accuracy", "Sigmoid, test accuracy"]
    assert "ReLU is better:" in said(test) or "No clear difference:" in said(test)
    assert "Your guess was: **Sigmoid**" in said(test)
    assert "McNemar" in said(test)
    legend = next(e.proto.body for e in test.get("html") if "lab-run-list" in e.proto.body)
    told = re.findall(r"--run: var\((--lab-run-\d)\).*?</i>(.*?)</span>(.*?)</li>", legend)
    assert [(colour, name) for colour, name, _value in told] == [
        ("--lab-run-1", "ReLU"),
        ("--lab-run-2", "Sigmoid"),
        ("--lab-run-3", "guessing: 10%"),
    ]
    assert all(value.endswith("%") for _colour, _name, value in told[:2])


def test_a_pair_without_a_guess_and_one_that_is_not_there(app, sample_only):
    first, second = trained(SHORT), trained(SHORT)
    test = app("train", run=first.id, runs=f"{first.id},{second.id}")
    assert heading(test) == "First run or Second run: finished"
    assert "No difference: both are equally accurate" in said(test)
    assert "guess" not in said(test)
    assert "or" not in heading(app("train", run=first.id, runs=f"{second.id},{first.id}")).split()
    assert "or" not in heading(app("train", run=first.id, runs=f"{first.id},nothing")).split()


def test_the_chart_of_a_pair_is_a_fragment_which_its_controls_rerun_alone(app, sample_only, monkeypatch):
    shown, fragment = [], st.fragment

    def note(show=None, **settings):
        shown.append(getattr(show, "__name__", None))
        return fragment(show, **settings)

    monkeypatch.setattr(st, "fragment", note)
    first, second = trained(SHORT), trained(SHORT)
    assert heading(app("train", run=first.id, runs=f"{first.id},{second.id}"))
    assert "_show_chart" in shown


def asked(test):
    """Return the HTML of the question about a pair."""
    return next((e.proto.body for e in test.get("html") if "lab-pair-question" in e.proto.body), "")


def test_a_teachers_question_comes_with_the_link_as_plain_text_before_the_form(app):
    test = opened(app, question=" Which one\nlearns <b>faster</b>, \u202eand why? " + 300 * "x")
    html = asked(test)
    assert "<b>Which one learns &lt;b&gt;faster&lt;/b&gt;, and why? xxx" in html
    assert html.count("x") == MOST_LETTERS - len("Which one learns <b>faster</b>, and why? ")
    link = next(code.value for code in test.code)
    assert "question=Which+one+learns+%3Cb%3Efaster" in link
    assert "change=activation:sigmoid" in link
    labels = [button.label for button in test.button]
    assert labels.index("No clear difference") < labels.index("Start training")
    test.text_input(key="pair_question").set_value("").run()
    assert "Which will be more accurate after 2 epochs?" in asked(test)


def test_a_finished_pair_with_a_question_is_shown_after_the_guess(app, sample_only):
    first, second = trained(SHORT), trained(SHORT)
    pair = {"run": first.id, "runs": f"{first.id},{second.id}", "question": "Do both err alike?"}
    test = app("train", **pair)
    assert "Do both err alike?" in asked(test)
    assert not test.metric
    press(test, "No clear difference")
    assert len(test.metric) == 2
    assert "Your guess was: **No clear difference**" in said(test)
    assert any("question=Do+both" in code.value for code in test.code)
    test = app("train", **pair)
    press(test, "Show me without guessing")
    assert len(test.metric) == 2
    assert "guess" not in said(test)


def test_sides_are_named_by_what_explains_the_others():
    quick = RECIPES["quick"].config
    tutorial = RECIPES["tutorial-2"].config
    assert side_names(quick, tutorial) == ("Fast CNN", "MLP")
