"""The Runs page, the list in the sidebar, and the texts of times and numbers."""

import re
from dataclasses import replace
from types import SimpleNamespace
from unittest.mock import Mock
from urllib.parse import parse_qs

import pytest

from mnist_core.messages import InputError
from mnist_core.recipes import RECIPES
from mnist_core.runs.admission import TrainingLimits
from mnist_core.runs.store import RunStore
from ui import i18n
from ui.runs import lists
from ui.runs.names import settings_text


@pytest.fixture
def make(sample_only):
    """Make a run that ended: `make("quick", test_accuracy=0.99)`; return its id."""

    def run_of(recipe="quick", status="finished", **results):
        writer = RunStore().create(RECIPES[recipe].config)
        writer.update(status, **results)
        writer.close()
        return writer.id

    return run_of


def press(test, label):
    return next(button for button in test.button if button.label == label).click().run()


def sidebar(test):
    return {button.key.removeprefix("open_"): button.label for button in test.sidebar.button}


def test_without_runs_the_page_says_where_to_begin_and_there_is_no_sidebar(app):
    test = app("runs")
    assert not test.exception
    assert "Train one first" in test.info[0].value
    assert not test.sidebar.children


def test_where_a_restart_loses_the_runs_the_page_says_so(app, monkeypatch):
    warned = [" loses all runs " in caption.value for caption in app("runs").caption]
    monkeypatch.setenv("DIGITLAB_EPHEMERAL", "1")
    captions = [caption.value for caption in app("runs").caption]
    assert (any(warned), sum(" loses all runs " in text for text in captions)) == (False, 1)


def test_the_sidebar_lists_runs_and_opens_one_on_the_same_page(app, make):
    first = make(test_accuracy=0.992)
    second = make("tutorial-1", "failed")
    test = app("evaluate")
    assert list(sidebar(test)) == [second, first]
    assert sidebar(test)[first] == "**Quick**  \n99.20%"
    assert sidebar(test)[second] == "**Tutorial 1**  \nfailed"
    test.button(key=f"open_{first}").click().run()
    assert test.query_params["run"] == first
    assert test.title[0].value == "Evaluate"


def test_the_sidebar_holds_no_more_than_fits(app, make):
    for _ in range(lists.MOST_LISTED + 2):
        make()
    test = app()
    assert len(sidebar(test)) == lists.MOST_LISTED
    assert "All runs (12)" in [link.proto.label for link in test.sidebar.get("page_link")]


def test_the_table_shows_what_matters(app, make):
    make("tutorial-3", test_accuracy=0.9779, train_seconds=83.0, epochs=10)
    make("tutorial-2", "stopped", train_seconds=2.04321)
    table = app("runs").dataframe[0].value
    assert table["name"].tolist() == ["Tutorial 2", "Tutorial 3"]
    assert table["accuracy"].tolist()[1] == pytest.approx(97.79)
    assert table["status"].tolist() == ["stopped", "finished"]
    assert table["seconds"].tolist() == [2.0, 83.0]
    assert table["settings"].tolist()[1] == "MLP 256, ReLU, SGD 0.5, batch size 64"


@pytest.mark.parametrize(("name", "lines"), [("Quick", 1), ("narrow words " * 4, 2), ("很长的名字" * 8, 4)])
def test_rows_are_high_enough_to_read_the_longest_name(app, make, name, lines):
    RunStore().rename(make(), name)
    height = app("runs").dataframe[0].proto.row_height
    assert height >= 20 * lines if lines > 1 else not height


def test_rename_pin_delete_and_undo(app, make):
    first, second = make(), make("tutorial-1")
    test = app("runs", run=first)
    test.text_input(key=f"name_{first}").set_value("  My *first*  ").run()
    assert RunStore().get(first).metadata.name == "My *first*"
    assert sidebar(test)[first].startswith(r"**My \*first\***")
    test.toggle(key=f"pinned_{first}").set_value(True).run()
    assert list(sidebar(test)) == [first, second]
    press(test, "Delete")
    assert list(sidebar(test)) == [second]
    assert "run" not in test.query_params
    assert test.text[0].value.startswith("Deleted: My *first*")
    press(test, "Undo")
    assert list(sidebar(test)) == [first, second]
    assert test.query_params["run"] == first
    assert not test.text
    assert not test.exception


def labels(test):
    return [button.label for button in test.button]


def test_a_run_over_the_visitors_limits_stays_deleted_until_they_have_room(app, make, monkeypatch):
    first, second = make(), make("tutorial-1")
    test = press(app("runs", run=first), "Delete")
    with monkeypatch.context() as full:
        full.setattr(TrainingLimits, "check_disk", Mock(side_effect=InputError("You keep too many.")))
        press(test, "Undo")
    assert test.error[0].value == "You keep too many."
    assert list(sidebar(test)) == [second]
    press(test, "Undo")
    assert list(sidebar(test)) == [second, first]
    assert "Undo" not in labels(test)


def test_after_a_deletion_no_other_run_is_selected_and_each_deletion_can_be_undone(app, make):
    made = [make(), make(), make()]
    test = app("runs", run=made[2])
    for run in made[:0:-1]:
        test.multiselect(key="ticked_runs").set_value([run]).run()
        press(test, "Delete")
        assert test.multiselect(key="ticked_runs").value == []
        assert "Delete" not in labels(test)
    assert list(sidebar(test)) == made[:1]
    assert labels(test).count("Undo") == 2
    assert "Undo all: 2 runs" in labels(test)
    press(press(test, "Undo"), "Undo")
    assert list(sidebar(test)) == made[::-1]
    assert "Undo" not in labels(test)


def test_a_run_in_training_cannot_be_deleted(app, sample_only):
    writer = RunStore().create(RECIPES["quick"].config)
    test = app("runs", run=writer.id)
    assert next(button for button in test.button if button.label == "Delete").disabled
    writer.close()


def test_a_run_that_is_gone_for_good_is_said_to_be(app, make):
    run_id = make()
    test = app("runs", run=run_id)
    press(test, "Delete")
    RunStore().keep_within(0)
    press(test, "Undo")
    assert "can't be brought back" in test.error[0].value
    assert not test.exception


def test_runs_with_the_same_label_can_be_told_apart(app, make):
    first, second = make(), make()
    test = app("runs")
    options = test.multiselect(key="ticked_runs").options
    assert len(set(options)) == 2
    test.multiselect(key="ticked_runs").set_value([first]).run()
    assert test.query_params["run"] == first
    assert first != second


def test_a_setting_for_the_room_that_is_no_number_gets_a_sentence(app, monkeypatch):
    monkeypatch.setenv("DIGITLAB_RUNS_LIMIT", "much")
    test = app()
    assert not test.exception
    assert "DIGITLAB_RUNS_LIMIT must be a number" in test.error[0].value


@pytest.mark.parametrize(
    ("language", "zone", "said"),
    [
        ("en", "Europe/Berlin", "22 Nov 2026, 14:03"),
        ("zh", "Asia/Shanghai", "2026年11月22日 21:03"),
        ("en", "No/Where", "22 Nov 2026, 13:03"),
        ("en", "America/Los_Angeles", "22 Nov 2026, 05:03"),
    ],
)
def test_times_are_said_by_the_visitors_clock_and_custom(monkeypatch, language, zone, said):
    monkeypatch.setattr(i18n, "language", lambda: language)
    monkeypatch.setattr("streamlit.runtime.context._context_info_field", lambda name: zone)
    assert i18n.date_text("2026-11-22T13:03:59.123456+00:00") == said
    assert i18n.date_text("some day") == "some day"


def test_settings_in_a_line():
    assert settings_text(RECIPES["tutorial-4b"].config) == "CNN 32-64, ReLU, Adam 0.001, batch size 100"
    softmax = replace(RECIPES["tutorial-3"].config, architecture="softmax", batch_size=60_000)
    assert settings_text(softmax) == "Softmax regression, SGD 0.5, batch size 60,000"


def is_welcomed(test):
    return any("A <b>neural network</b> learns" in element.proto.body for element in test.get("html"))


def test_who_has_no_run_is_told_what_happens_here(app, make, visitor_from):
    assert is_welcomed(app())
    make()
    assert not is_welcomed(app())


def test_who_closed_the_introduction_does_not_see_it_again(app, visitor_from, monkeypatch):
    client = SimpleNamespace(headers=[], cookies={"digitlab_welcomed": "1"}, remote_ip="127.0.0.1")
    monkeypatch.setattr("streamlit.runtime.context._get_client_context", lambda: client)
    assert not is_welcomed(app())


@pytest.mark.parametrize(
    ("sort", "names"),
    [
        ("newest", ["Tutorial 3", "Tutorial 2", "Tutorial 1"]),
        ("accuracy", ["Tutorial 2", "Tutorial 1", "Tutorial 3"]),
        ("fastest", ["Tutorial 1", "Tutorial 2", "Tutorial 3"]),
        ("name", ["Tutorial 1", "Tutorial 2", "Tutorial 3"]),
        ("nonsense", ["Tutorial 3", "Tutorial 2", "Tutorial 1"]),
    ],
)
def test_the_order_is_chosen_and_in_the_url(app, make, sort, names):
    make("tutorial-1", test_accuracy=0.5, train_seconds=1.0)
    make("tutorial-2", test_accuracy=0.9, train_seconds=2.0)
    make("tutorial-3", "failed")
    test = app("runs", sort=sort)
    assert test.dataframe[0].value["name"].tolist() == names


def test_a_chosen_row_does_not_become_another_run_when_the_order_changes(app, make):
    made = [make(recipe) for recipe in ("tutorial-1", "tutorial-2", "tutorial-3")]
    test = app("runs")
    test.session_state["runs_table_1"] = {"selection": {"rows": [1], "columns": [], "cells": []}}
    test.run()
    assert test.query_params["run"] == made[1]
    test.toggle(key=f"pinned_{made[1]}").set_value(True).run()
    test.run()
    assert test.query_params["run"] == made[1]
    assert test.dataframe[0].value["name"].tolist()[0] == "Tutorial 2 (pinned)"


def tick(test, number, rows, cells=()):
    selection = {"rows": rows, "columns": [], "cells": list(cells)}
    test.session_state[f"runs_table_{number}"] = {"selection": selection}
    return test.run()


def test_a_chosen_cell_ticks_its_row_in_the_same_table_and_a_tick_elsewhere_makes_a_new_one(app, make):
    made = [make(recipe) for recipe in ("tutorial-1", "tutorial-2", "tutorial-3")]
    test = tick(app("runs"), 1, [], [(1, "name")])
    assert test.query_params["run"] == made[1]
    shown = test.session_state["runs_table_1"]["selection"]
    assert (shown["rows"], shown["cells"]) == ([1], [(1, "name")])
    test = tick(test, 1, [], [(0, "name")])
    assert test.multiselect(key="ticked_runs").value == [made[2]]
    assert test.session_state["runs_table_1"]["selection"]["rows"] == [0]
    test.multiselect(key="ticked_runs").set_value(made[:2]).run()
    assert "runs_table_1" not in test.session_state
    assert set(test.session_state["runs_table_2"]["selection"]["rows"]) == {1, 2}
    assert set(test.multiselect(key="ticked_runs").value) == set(made[:2])


def test_ticked_rows_are_pinned_and_deleted_together_and_one_undo_brings_them_back(app, make):
    made = [make(recipe) for recipe in ("tutorial-1", "tutorial-2", "tutorial-3")]
    test = tick(app("runs"), 1, [0, 2])
    assert set(test.multiselect(key="ticked_runs").value) == {made[0], made[2]}
    press(test, "Pin")
    assert [RunStore().get(run).metadata.pinned for run in made] == [True, False, True]
    press(test, "Delete 2 runs")
    assert list(sidebar(test)) == [made[1]]
    assert test.multiselect(key="ticked_runs").value == []
    assert test.text[0].value == "Deleted: Tutorial 3, Tutorial 1"
    press(test, "Undo")
    assert set(sidebar(test)) == set(made)
    assert not test.text
    assert not test.exception


def test_chosen_runs_have_the_colours_that_their_link_to_compare_gives_them(app, html):
    made = []
    for recipe, weights in (("tutorial-1", True), ("tutorial-2", False), ("tutorial-3", True)):
        writer = RunStore().create(RECIPES[recipe].config)
        if weights:
            folder = RunStore().directory / writer.id / "checkpoints"
            folder.mkdir()
            (folder / "epoch-0001.000.safetensors").write_bytes(b"x" * 50)
        writer.update("finished")
        writer.close()
        made.append(writer.id)
    test = app("runs").multiselect(key="ticked_runs").set_value(made).run()
    (style,) = re.findall(r"<style>\.st-key-ticked_runs \[.*?</style>", html(test))
    assert re.findall(r'index="(\d)"\] { --run: var\((.*?)\)', style) == [
        ("0", "--lab-run-1"),
        ("1", "--lab-quiet"),
        ("2", "--lab-run-2"),
    ]
    link = next(one for one in test.get("page_link") if "runs=" in one.proto.query_string)
    assert parse_qs(link.proto.query_string)["runs"] == [f"{made[0]},{made[2]}"]


def test_a_click_on_a_row_chooses_this_run_alone(app, make):
    made = [make(recipe) for recipe in ("tutorial-1", "tutorial-2", "tutorial-3")]
    test = tick(app("runs"), 1, [0, 2])
    test = tick(test, 1, [0, 2], [(1, "accuracy")])
    assert test.multiselect(key="ticked_runs").value == [made[1]]
    assert test.query_params["run"] in (made[1], [made[1]])
    assert "Delete" in labels(test)


def test_a_deleted_run_is_said_to_be_on_every_page_and_can_be_restored(app, make):
    gone, other = make("tutorial-3"), make()
    RunStore().remove(gone)
    for page in ("train", "runs"):
        test = app(page, run=gone)
        assert "Deleted: Tutorial 3" in test.warning[0].value
    press(test, "Restore Tutorial 3")
    assert not test.warning
    assert set(sidebar(test)) == {gone, other}
    RunStore().remove(gone)
    RunStore().keep_within(0)
    assert "not on this server" in app("train", run=gone).warning[0].value
