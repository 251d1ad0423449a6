"""The chapters of Learn that train networks of their own, or work on the visitor's."""

import re
from urllib.parse import parse_qsl

import pytest

from mnist_core.lessons import generalisation, seed_spread
from mnist_core.lessons.landmark_networks import shipped_results
from mnist_core.lessons.surgery import weight_layers
from mnist_core.runs.store import RunStore
from tests.app.train_form import url_of
from ui.train_form.state import settings_from_query


@pytest.fixture
def learn(app, monkeypatch):
    """Open a chapter that was read, and wait for what it calculates: `learn("accuracy", drop="0")`."""
    monkeypatch.setattr("ui.learn.lesson_jobs.SECONDS_TO_WAIT", 60)
    return lambda chapter, **query: app("learn", chapter=chapter, read=chapter, **query)


def words(test):
    return "\n".join(element.value for element in [*test.markdown, *test.caption, *test.subheader])


def test_accuracy_trains_its_networks_and_answers_from_them(learn, monkeypatch):
    monkeypatch.setattr(seed_spread, "SEEDS", range(2))
    test = learn("accuracy", drop="0")
    assert not test.exception
    assert "times: ±" in words(test)
    assert "without dropout both modes are the same" in words(test)


def test_drawing_counts_the_sizes_and_places_at_which_the_example_is_read(learn):
    test = learn("drawing")
    assert not test.exception
    assert re.search(
        r"Only shrunk: \d+ of 12 sizes and places read as 2\. After all steps: 12 of 12\.", words(test)
    )
    before = next(text for text in words(test).splitlines() if "only shrunk, the centre" in text)
    test = learn("drawing", size="large", place="middle")
    assert before not in words(test)


def test_an_operated_network_is_kept_as_a_run_and_undone(learn, run):
    test = learn("operate", run=run)
    assert not test.exception
    assert "Half of the weights pruned" in words(test)
    test.selectbox(key="op").set_value("scale").run()
    test.select_slider(key="op_amount_scale").set_value(0.0).run()
    assert not test.exception
    assert "100.0% of the weights are 0" in words(test)
    test.button(key="lab_operate_further").click().run()
    assert url_of(test)["ops"] == "scale_-1_0_0"
    test.selectbox(key="op").set_value("silence").run()
    places = next(slider for slider in test.select_slider if slider.label == "Unit or feature map")
    places.set_value("0 3").run()
    assert (url_of(test)["op_layer"], url_of(test)["op_unit"]) == ("0", "3")
    assert "layer 1, unit 3" in words(test)
    test.button(key="lab_keep_operated").click().run()
    assert not test.exception
    test.button(key="lab_keep_operated").click().run()  # the second tap of a double click
    kept, untouched = RunStore().list()
    assert untouched.id == run
    assert kept.results["operated"]
    assert not any(layer.layer.weight.any() for layer in weight_layers(kept.load_model()))
    links = {found.proto.label: found.proto.query_string for found in test.get("page_link")}
    assert kept.id in links["Compare it with the original"]
    test.button(key="lab_undo_operation").click().run()
    assert "ops" not in url_of(test)
    assert test.select_slider(key="op_amount_scale").value == 0.0
    test.select_slider(key="op_amount_scale").set_value(1.0).run()
    assert "moved by 0.0% of their norm" in words(test)


def test_nonsense_in_the_link_of_an_operation_is_passed_over(learn, run):
    test = learn(
        "operate", run=run, ops="x~silence_9_0_0~shift_0_99_1", op="?", op_amount="nan", op_layer="x"
    )
    assert not test.exception
    assert url_of(test)["run"] == run


def test_overfitting_compares_the_chosen_remedy_with_none(learn, monkeypatch):
    monkeypatch.setattr(generalisation, "STEPS", 20)
    test = learn("overfitting")
    assert "of the 500 training images" in words(test)
    assert "Your choice changed" not in words(test)
    test.segmented_control(key="drop").set_value("50").run()
    assert not test.exception
    assert "Your choice changed the validation accuracy" in words(test)
    link = next(found.proto for found in test.get("page_link") if "Try it yourself" in found.proto.label)
    assert "dropout=0.5" in link.query_string
    assert "train_size=500" in link.query_string


def test_history_shows_the_shipped_results_and_trains_only_when_asked(learn):
    test = learn("history", landmark="resnet")
    assert not test.exception
    best = max(shipped_results(), key=lambda one: one.accuracies[-1])
    assert f"{best.accuracies[-1]:.2%}" in words(test)
    link = next(found.proto for found in test.get("page_link") if "Try it yourself" in found.proto.label)
    assert "architecture=resnet" in link.query_string
    test = learn("history", results="here")
    assert test.button(key="lab_start_lesson").label == "Run the experiment"


TRIED = {
    "accuracy": ({"drop": "50"}, {"dropout": 0.5, "train_size": 3_000, "widths": (64,)}),
    "drawing": ({}, {"recipe": "quick", "augmentation": "affine"}),
    "history": ({"landmark": "lenet"}, {"architecture": "lenet5", "activation": "tanh", "train_size": 5_000}),
    "operate": ({}, {"recipe": "tutorial-3", "dropout": 0.5}),
}


@pytest.mark.parametrize("chapter", TRIED)
def test_try_it_yourself_fills_the_form_with_the_experiment(learn, run, monkeypatch, chapter):
    monkeypatch.setattr(seed_spread, "SEEDS", range(1))
    query, wanted = TRIED[chapter]
    test = learn(chapter, run=run, **query)
    link = next(found.proto for found in test.get("page_link") if "Try it yourself" in found.proto.label)
    settings, unusable = settings_from_query(dict(parse_qsl(link.query_string)), "quick")
    assert unusable == []
    assert {name: settings[name] for name in wanted} == wanted
