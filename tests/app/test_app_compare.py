"""The Compare page: the choice of runs, and the significance of their difference."""

import json

import pytest

from mnist_core.messages import Message
from tests.app.compared import runs, text_of
from ui.compare.charts import ScoreWords, score_spec
from ui.compare.selection import paragraph
from ui.html.tables import escape_markdown

ANNA, BEN = "a" * 32, "b" * 32


def test_names_beside_the_chart_are_whole_however_long():
    names = ["Tutorial 3, lr 0.00116, batch size 29, 1 epoch, and 3 more, by the afternoon class", "Quick"]
    spec = score_spec(names, ScoreWords("Run", "Accuracy", "low", "high"))
    lines = json.loads(spec["encoding"]["y"]["axis"]["labelExpr"].removesuffix("[datum.value]"))
    assert [" ".join(lines[name]) for name in names] == names
    assert spec["height"] >= 15 * len(lines[names[0]]) * len(names)  # the rows are as high as the longest


def test_without_networks_it_says_what_to_do(app, no_pretrained):
    test = app("compare")
    assert not test.exception
    assert "Train two with different settings" in test.info[0].value
    assert "Train a network" in [link.proto.label for link in test.get("page_link")]


def test_with_one_network_it_says_to_train_another(app, make, no_pretrained):
    make()
    assert "Train another" in app("compare").info[0].value


def test_a_link_to_a_run_that_is_gone_is_told_also_when_too_few_are_left(app, make, no_pretrained):
    test = app("compare", runs=runs(make(), "0123456789abcdef"))
    assert "not on this server" in test.warning[0].value
    assert "Train another" in test.info[0].value


def test_a_run_without_weights_is_none_to_compare(app, make, no_pretrained):
    make(), make(weights=False)
    assert "Train another" in app("compare").info[0].value


def test_it_begins_with_the_current_run_and_the_newest_other(app, make, answer):
    answer({})
    first, second, third = make(), make("tutorial-1"), make("tutorial-3")
    assert app("compare", run=first).multiselect[0].value == [first, third]
    assert app("compare").multiselect[0].value == [third, second]


def test_it_begins_with_runs_of_one_data_set(app, make, answer):
    answer({})
    usps, _mnist, other, _newest = make(dataset="usps"), make(), make(dataset="usps"), make()
    assert app("compare", run=usps).multiselect[0].value == [usps, other]


def test_the_runs_of_a_link_in_its_order_without_doubles_and_strangers(app, make, answer):
    answer({})
    first, second = make(), make("tutorial-1")
    test = app("compare", runs=runs(second, "0123456789abcdef", first, second))
    assert test.multiselect[0].value == [second, first]
    assert "not on this server" in test.warning[0].value
    assert list(test.dataframe[0].value["name"]) == ["Tutorial 1", "Quick"]


def test_no_more_than_eight(app, make, answer):
    answer({})
    ids = [make(seed=seed) for seed in range(9)]
    test = app("compare", runs=runs(*ids))
    assert not test.exception
    assert test.multiselect[0].value == ids[:8]


def test_a_choice_is_in_the_url_and_fewer_than_two_is_said(app, make, answer):
    answer({})
    first, second = make(), make("tutorial-1")
    test = app("compare", runs=runs(first, second))
    test.multiselect[0].set_value([second]).run()
    assert test.query_params["runs"] == [second] or test.query_params["runs"] == second
    assert "at least two" in test.info[0].value
    assert not test.dataframe
    test.multiselect[0].set_value([]).run()
    assert "at least two" in test.info[0].value


def test_two_runs_in_words_and_figures(app, make, answer):
    first, second = make(results={"parameters": 9}), make("tutorial-1")
    answer({first: [9], second: list(range(9))})
    test = app("compare", runs=runs(first, second))
    assert not test.exception
    assert "**Quick and Tutorial 1: Significant difference**" in text_of(test)
    assert "Of 297 test images, only Quick classifies 9 correctly, and only Tutorial 1 1." in text_of(test)
    assert "about 2 times in 100" in text_of(test)
    (table,) = (frame.value for frame in test.dataframe)
    assert table["accuracy"].tolist() == pytest.approx([100 * 296 / 297, 100 * 288 / 297])
    assert table["accuracy_low"][0] < table["accuracy"][0] < table["accuracy_high"][0]
    assert table["parameters"][0] == 9
    assert len(test.get("vega_lite_chart")) == 1


def test_a_small_difference_may_be_chance_and_equal_ones_are_told(app, make, answer):
    first, second = make(), make("tutorial-1")
    answer({first: [1], second: [2]})
    assert "Tutorial 1: Not significant" in text_of(app("compare", runs=runs(first, second)))
    answer({})
    assert "Same images correct" in text_of(app("compare", runs=runs(first, second)))


def test_several_pairs_have_a_table_and_each_its_words(app, make, answer):
    ids = [make(), make("tutorial-1"), make("tutorial-3")]
    answer({ids[2]: list(range(20))})
    test = app("compare", runs=runs(*ids))
    pairs = test.dataframe[0].value
    assert pairs["pair"].tolist()[2] == "Tutorial 1 and Tutorial 3"
    assert pairs["verdict"].tolist() == ["Same images correct", *["Significant difference"] * 2]
    assert pairs["only_first"].tolist() == [0, 20, 20]
    test.selectbox(key="pair").set_value("2-3").run()
    assert test.query_params["pair"] in ("2-3", ["2-3"])
    assert "only Tutorial 1 classifies 20 correctly" in text_of(test)
    assert "Corrected for the 3 pairs" in text_of(test)


def test_runs_of_one_name_are_told_apart(app, make, answer):
    answer({})
    ids = [make(), make(seed=7), make(name="Mine"), make(seed=7)]
    names = app("compare", runs=runs(*ids)).dataframe[1].value["name"].tolist()
    assert names == ["Quick", "Quick, seed 7", "Mine", "Quick, seed 7 (2)"]


def test_what_people_typed_stays_as_it_was_typed(app, make, answer, html):
    first, second = make(name="<b>*x*"), make("tutorial-1")
    answer({first: [1]})
    test = app("compare", runs=runs(first, second))
    assert "\\<b\\>\\*x\\*" in "".join(element.value for element in test.markdown)
    assert "&lt;b&gt;*x*" in html(app("compare", runs=runs(first, second), part="settings"))


def test_runs_of_other_images_are_refused_with_a_sentence(app, make, answer):
    answer({})
    test = app("compare", runs=runs(make(), make(results={"source": "mnist"})))
    assert not test.exception
    assert "compare runs of the same" in text_of(test)


def test_a_link_opens_runs_to_whoever_has_it_and_nobody_else(app, make, answer, visitor_from, monkeypatch):
    from ui import visitor

    monkeypatch.setenv("DIGITLAB_PRIVATE", "1")
    answer({})
    visitor_from(ANNA)
    ids = [make(owner=visitor.identity()), make("tutorial-1", owner=visitor.identity())]
    visitor_from(BEN)
    assert not set(app("compare").multiselect[0].options if app("compare").multiselect else []) & set(ids)
    test = app("compare", runs=runs(*ids))
    assert test.multiselect[0].value == ids
    assert app("compare").multiselect[0].value  # they stay in his list


def test_reading_can_be_stopped_and_gone_on_with(app, make, answer):
    first, second = make(), make("tutorial-1")
    answer({})
    test = app("compare", runs=runs(first, second), part="settings")
    test.session_state["reading_stopped"] = (first, second)
    test.pills(key="part").set_value("accuracy").run()
    assert "Stopped" in text_of(test)
    assert not test.dataframe
    next(button for button in test.button if button.label == "Continue").click().run()
    assert len(test.dataframe) == 1
    assert not [button for button in test.button if button.label == "Stop"]


def test_a_small_p_stays_on_one_line():
    assert paragraph([Message("p < 1e-10, of 2e-05 and -1.2 to -0.3")]) == escape_markdown(
        "p < 1e-10, of 2e-05 and -1.2 to -0.3"
    ).replace("e\\-", "e\N{NON-BREAKING HYPHEN}")
