"""The Compare page: which runs, what differs, whether it is chance, the images, several seeds."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from mnist_core.data import load_sample
from mnist_core.evaluation import Evaluation
from mnist_core.messages import InputError
from mnist_core.recipes import RECIPES
from mnist_core.runs.store import RunStore
from ui.compare.settings import table_html

ANNA, BEN = "a" * 32, "b" * 32
ROWS = [{"epoch": e, "step": 10 * e, "train_loss": 1 / e, "train_accuracy": 1 - 0.1 / e} for e in (1, 2)]


@pytest.fixture
def make(sample_only):
    """Make a run with weights that ended: `make("quick", seed=1, test_accuracy=0.9)`; return its id."""

    def run_of(recipe="quick", name="", owner="", status="finished", weights=True, results=None, **settings):
        writer = RunStore().create(replace(RECIPES[recipe].config, **settings), owner=owner)
        folder = RunStore().directory / writer.id / "checkpoints"
        folder.mkdir()
        if weights:
            (folder / "epoch-0001.000.safetensors").write_bytes(b"x" * 50)
        for row in ROWS:
            loss = {"monitor_loss": row["train_loss"], "monitor_accuracy": 0.9, "train_seconds": 1.0}
            writer.add_metrics(**row, **loss)
        writer.write_metrics()
        writer.update(status, **{"epochs": writer.config.epochs, "source": "sample", **(results or {})})
        writer.close()
        if name:
            RunStore().rename(writer.id, name)
        return writer.id

    return run_of


@pytest.fixture
def answer(monkeypatch):
    """Say how many of the first test images each run reads wrongly: `answer({run: [0, 3]})`."""
    labels = load_sample().test.labels.astype(np.int64)

    def say(wrong):
        def evaluation(run):
            read = labels.copy()
            read[wrong.get(run.id, [])] = (labels[wrong.get(run.id, [])] + 1) % 10
            return Evaluation(labels, np.eye(10, dtype=np.float32)[read], np.zeros(len(labels), np.float32))

        monkeypatch.setattr("ui.resources.evaluation", evaluation)

    return say


@pytest.fixture
def no_shipped(monkeypatch):
    """A server without the shipped model."""
    from ui import resources

    found = resources.find_run
    monkeypatch.setattr("ui.resources.find_run", lambda run: None if run == "shipped" else found(run))


def text_of(test):
    elements = [*test.markdown, *test.caption, *test.info, *test.warning, *test.error, *test.text]
    return "\n".join(element.value for element in elements).replace("\\", "")


def runs(*ids):
    return ",".join(ids)


def test_without_networks_it_says_what_to_do(app, no_shipped):
    test = app("compare")
    assert not test.exception
    assert "Train two with different settings" in test.info[0].value
    assert "Train a network" in [link.proto.label for link in test.get("page_link")]


def test_with_one_network_it_says_to_train_another(app, make, no_shipped):
    make()
    assert "Train another" in app("compare").info[0].value


def test_a_run_without_weights_is_none_to_compare(app, make, no_shipped):
    make(), make(weights=False)
    assert "Train another" in app("compare").info[0].value


def test_it_begins_with_the_current_run_and_the_newest_other(app, make, answer):
    answer({})
    first, second, third = make(), make("tutorial-1"), make("tutorial-3")
    assert app("compare", run=first).multiselect[0].value == [first, third]
    assert app("compare").multiselect[0].value == [third, second]


def test_the_runs_of_a_link_in_its_order_without_doubles_and_strangers(app, make, answer):
    answer({})
    first, second = make(), make("tutorial-1")
    test = app("compare", runs=runs(second, "0123456789abcdef", first, second))
    assert test.multiselect[0].value == [second, first]
    assert "Some of the runs in this link" in test.warning[0].value
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
    assert "**Quick and Tutorial 1: Evidence of a difference**" in text_of(test)
    assert "Of 297 test images, Quick alone gets 9 right, and Tutorial 1 alone 1." in text_of(test)
    assert "about 2 times in 100" in text_of(test)
    (table,) = (frame.value for frame in test.dataframe)
    assert table["accuracy"].tolist() == pytest.approx([100 * 296 / 297, 100 * 288 / 297])
    assert table["accuracy_low"][0] < table["accuracy"][0] < table["accuracy_high"][0]
    assert table["parameters"][0] == 9
    assert len(test.get("vega_lite_chart")) == 1


def test_a_small_difference_may_be_chance_and_equal_ones_are_told(app, make, answer):
    first, second = make(), make("tutorial-1")
    answer({first: [1], second: [2]})
    assert "Tutorial 1: May be chance" in text_of(app("compare", runs=runs(first, second)))
    answer({})
    assert "The same images right" in text_of(app("compare", runs=runs(first, second)))


def test_several_pairs_have_a_table_and_each_its_words(app, make, answer):
    ids = [make(), make("tutorial-1"), make("tutorial-3")]
    answer({ids[2]: list(range(20))})
    test = app("compare", runs=runs(*ids))
    pairs = test.dataframe[0].value
    assert pairs["pair"].tolist()[2] == "Tutorial 1 and Tutorial 3"
    assert pairs["verdict"].tolist() == ["The same images right", *["Evidence of a difference"] * 2]
    assert pairs["only_first"].tolist() == [0, 20, 20]
    test.selectbox(key="pair").set_value("2-3").run()
    assert test.query_params["pair"] in ("2-3", ["2-3"])
    assert "Tutorial 1 alone gets 20 right" in text_of(test)
    assert "Corrected for the 3 pairs" in text_of(test)


def test_runs_of_one_name_are_told_apart(app, make, answer):
    answer({})
    ids = [make(), make(seed=7), make(name="Mine"), make(seed=7)]
    names = app("compare", runs=runs(*ids)).dataframe[1].value["name"].tolist()
    assert names == ["Quick, seed 0", f"Quick · {ids[1][:4]}", "Mine", f"Quick · {ids[3][:4]}"]


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


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("part", ["accuracy", "settings", "curves", "images", "repeats", "nonsense"])
def test_every_section_opens_by_link(app, make, answer, part, lang):
    first, second = make(results={"test_accuracy": 0.9}), make("tutorial-1")
    answer({first: [1]})
    test = app("compare", runs=runs(first, second), part=part, lang=lang)
    assert not test.exception
    assert test.pills(key="part").value == (part if part != "nonsense" else "accuracy")


def test_only_the_settings_that_differ(app, make, answer, html):
    first, second = make(), make(activation="tanh", widths=(9,), shuffle=False)
    page = html(app("compare", runs=runs(first, second), part="settings"))
    assert "Tanh" in page
    assert "<td>yes</td><td>no</td>" in page
    assert "<td>9</td>" in page
    assert "Learning rate" not in page
    same = text_of(app("compare", runs=runs(first, make()), part="settings"))
    assert "All their settings are the same" in same


def test_a_table_keeps_its_words_as_they_are():
    page = table_html("x", ("<i>",), {"<a>": ["<b>"]})
    assert all(f"&lt;{tag}&gt;" in page for tag in "iab")


def test_curves_over_one_another(app, make, answer):
    first, second = make(), make("tutorial-1")
    test = app("compare", runs=runs(first, second), part="curves")
    assert "They end at: Quick: 90.00%; Tutorial 1: 90.00%." in text_of(test)
    assert "watched the same images" in text_of(test)
    test.selectbox(key="curve").set_value("monitor_loss").run()
    assert "Quick: 0.5;" in text_of(test)
    assert test.query_params["curve"] in ("monitor_loss", ["monitor_loss"])
    assert not app("compare", runs=runs(first, second), part="curves", axis="log", over="seconds").exception


def test_the_images_that_only_one_gets_right(app, make, answer, html):
    first, second = make(), make("tutorial-1")
    answer({first: [5], second: [5, *range(100, 130)]})
    test = app("compare", runs=runs(first, second), part="images")
    assert test.pills(key="right").options == [
        "Only Quick is right (30)",
        "Only Tutorial 1 is right (0)",
        "Neither is right (1)",
    ]
    label = load_sample().test.labels[100]
    assert f"Test image 100, a {label}: Quick reads {label}, " in html(test)
    assert f"Tutorial 1 reads {(label + 1) % 10}, " in html(test)
    assert html(test).count("<figure") == 24
    next(button for button in test.button if button.label == "Next").click().run()
    assert html(test).count("<figure") == 6
    assert "Images 25 to 30 of 30" in text_of(test)
    test.pills(key="right").set_value("none").run()
    assert html(test).count("<figure") == 1
    test.pills(key="right").set_value("2").run()
    assert "There are none" in text_of(test)


class Queue:
    """A line with room for `room` that only notes what it is given."""

    def __init__(self, room):
        self.room, self.threads, self.busy, self.submitted, self.stopped = room, 1, False, [], []

    def submit(self, config, expected_seconds=None, owner=""):
        if not self.room:
            raise InputError("The line is full.")
        self.room -= 1
        self.submitted.append((config.seed, expected_seconds, owner))

    def stop(self, run):
        self.stopped.append(run)

    def snapshot(self, run):
        return SimpleNamespace(step=1, steps=4) if run else None

    def rows(self, run):
        return []

    probes = rows


@pytest.fixture
def queue(monkeypatch):
    """Put a line in the place of the server's: `queue(3)`."""

    def with_room(room):
        made = Queue(room)
        monkeypatch.setattr("ui.resources.training_queue", lambda: made)
        return made

    return with_room


def test_seeds_of_the_same_settings_are_summed_up_and_compared(app, make, answer, queue):
    queue(20)
    quick = [
        make(seed=seed, results={"test_accuracy": share}) for seed, share in enumerate((0.90, 0.91, 0.92))
    ]
    other = [make("tutorial-1", seed=seed, results={"test_accuracy": 0.8 + seed / 100}) for seed in (0, 1)]
    make(seed=9, epochs=1, results={"test_accuracy": 0.1})
    test = app("compare", runs=runs(quick[0], other[0]), part="repeats")
    assert not test.exception
    said = text_of(test)
    assert "**Quick**: 3 seeds: mean 91.00%, standard deviation 1.00%" in said
    assert "**Tutorial 1**: 2 seeds: mean 80.50%" in said
    assert "The mean of Quick less that of Tutorial 1 is +10.50 points" in said
    assert len(test.get("vega_lite_chart")) == 1


def test_more_seeds_are_queued_as_runs_of_the_visitor(app, make, answer, queue, visitor_from):
    line = queue(20)
    first = make(results={"test_accuracy": 0.9, "train_seconds": 30.0})
    make(seed=2, results={"test_accuracy": 0.9})
    test = app("compare", runs=runs(first, make("tutorial-1")), part="repeats")
    assert "Seeds 1, 3, 4, 5, one after the other" in text_of(test)
    assert "so about 2 min 0 s in all" in text_of(test)
    test.button(key="repeat").click().run()
    assert [(seed, seconds) for seed, seconds, _owner in line.submitted] == [(s, 30.0) for s in (1, 3, 4, 5)]
    assert all(owner for _seed, _seconds, owner in line.submitted)


def test_no_more_seeds_than_fit(app, make, answer, queue):
    line = queue(2)
    test = app("compare", runs=runs(make(), make("tutorial-1")), part="repeats")
    assert "room for 2 more" in text_of(test)
    line.room = 1  # somebody was faster
    test.button(key="repeat").click().run()
    assert len(line.submitted) == 1
    assert "The line is full" in text_of(test)
    assert test.button(key="repeat").disabled


def test_a_run_that_was_stopped_or_changed_is_not_repeated(app, make, answer, queue):
    queue(20)
    test = app("compare", runs=runs(make(status="stopped"), make("tutorial-1")), part="repeats")
    assert test.button(key="repeat").disabled
    assert "didn't come to its end" in text_of(test)


def test_seeds_on_the_way_show_how_far_they_are_and_can_be_stopped(app, make, answer, queue):
    line = queue(20)
    first = make(results={"test_accuracy": 0.9})
    writers = [RunStore().create(replace(RECIPES["quick"].config, seed=seed)) for seed in (1, 2)]
    writers[0].update("running")
    test = app("compare", runs=runs(first, make("tutorial-1")), part="repeats")
    assert "2 seeds on the way: training seed 1 (25%)" in test.get("progress")[0].proto.text
    test.button(key="stop_seeds").click().run()
    assert line.stopped == [writers[1].id, writers[0].id]
    for writer in writers:
        writer.close()


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


def test_the_images_that_only_one_of_many_gets_right(app, make, answer, html):
    ids = [make(), make("tutorial-1"), make("tutorial-3")]
    answer({ids[0]: [5, 6], ids[1]: [5, 6, 7], ids[2]: [5, 8]})
    test = app("compare", runs=runs(*ids), part="images")
    assert test.pills(key="right").options == [
        "Only Quick is right (0)",
        "Only Tutorial 1 is right (0)",
        "Only Tutorial 3 is right (1)",
        "None is right (1)",
    ]
    test.pills(key="right").set_value("3").run()
    assert "Test image 6, a " in html(test)
    assert html(test).count("Quick reads") == 1
    test.selectbox(key="among").set_value("1-2").run()
    assert test.pills(key="right").options[:2] == ["Only Quick is right (1)", "Only Tutorial 1 is right (0)"]
    assert "Test image 7, a " in html(test)


def test_reading_can_be_stopped_and_gone_on_with(app, make, answer):
    first, second = make(), make("tutorial-1")
    answer({})
    test = app("compare", runs=runs(first, second), part="settings")
    test.session_state["reading_stopped"] = (first, second)
    test.pills(key="part").set_value("accuracy").run()
    assert "Stopped" in text_of(test)
    assert not test.dataframe
    next(button for button in test.button if button.label == "Go on").click().run()
    assert len(test.dataframe) == 1
    assert not [button for button in test.button if button.label == "Stop"]
