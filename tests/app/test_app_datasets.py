"""The whole way on a set of 26 classes and on one of 2: explore, train, evaluate, compare, inside, draw."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from mnist_core.config import TrainConfig
from mnist_core.data.datasets import open_set, unpacked_folder
from mnist_core.dataset_choices import DATASETS, MNIST, DatasetInfo
from mnist_core.evaluation.metrics import Evaluation
from mnist_core.recognition.recognizer import Prediction
from mnist_core.recognition.segmentation import Box, RowDigit
from mnist_core.runs.run_trainer import train_run
from mnist_core.runs.store import RunStore
from tests.app.drawings import drawn, path
from tests.app.markup import words
from tests.made_sets import unpack_made_set
from ui.answers import answer_in_sentence, answer_words, short_answer
from ui.class_names import class_name, class_names, dataset_name, without_markup
from ui.evaluate.per_class_table import digit_table
from ui.prediction import doubts

COUNTS = {"emnist-letters": (312, 104), "two": (120, 60), "usps": (60, 40), "fashion-mnist": (40, 20)}
CONFIG = TrainConfig(widths=(32,), epochs=2, batch_size=20, validation_size=26)
OF_DIGITS = re.compile(r"\bdigits?\b|MNIST|\bten\b|0 to 9", re.IGNORECASE)
TRUE_OF_ALL_SETS = re.compile(
    r"Digit Lab|E?MNIST (letters|digits|balanced)|Fashion-MNIST|KMNIST|about ten seconds|[Ss]ynthetic digits"
    r"|measured on MNIST's training images|MNIST's own mean|with MNIST\S+s line width|Choose MNIST above"
    r"|known of MNIST's test images|missing from MNIST|digits in forms that are common"
    r"|download MNIST again|ten steps|(is|of) a test set of digits\. Choose a network of digits"
)
L = path(["M", 90, 40], ["L", 90, 220], ["L", 190, 220])


@pytest.fixture
def sets(sample_only, tmp_path, monkeypatch):
    """Small sets unpacked in the app's directory of data."""
    monkeypatch.setitem(
        DATASETS.published, "two", DatasetInfo("Two", "", ("yes", "no <b>*"), (120, 60, 0), 10)
    )
    monkeypatch.setenv("DIGITLAB_DATA", str(tmp_path / "data"))
    for key, (train, test) in COUNTS.items():
        unpack_made_set(tmp_path / "data", key, train, test)
    return tmp_path / "data"


@pytest.fixture
def trained(sets):
    """Return a function that trains a run on a set and returns its id."""

    def train(key, **settings):
        data = open_set(unpacked_folder(sets, key), key)
        writer = RunStore().create(replace(CONFIG, dataset=key, **settings))
        list(train_run(writer, data, torch.device("cpu")))
        return writer.id

    return train


def said(test, html=lambda test: ""):
    assert not test.exception
    elements = (*test.markdown, *test.caption, *test.info, *test.subheader, *test.error)
    return "\n".join([*(element.value for element in elements), html(test)])


def said_of_other_things(test, html):
    """What a page says of a set without digits: it must not speak of digits, but in facts on MNIST."""
    texts = [TRUE_OF_ALL_SETS.sub("", text) for text in words(test)]
    assert [text for text in texts if OF_DIGITS.search(text)] == []
    return said(test, html)


@pytest.mark.parametrize("key", ["emnist-letters", "two"])
def test_explore_shows_every_class_by_its_name(key, app, sets, html):
    last = class_names(key)[-1]
    for view in ("grid", "image", "statistics", "typical", "map", "doubtful"):
        test = app(dataset=key, view=view)
        words = said_of_other_things(test, html)
        assert test.error == []
        if view == "statistics":
            assert f"Mean of all images of {last}" in words
            assert "Mean image of each class" in words
        if view == "doubtful":
            assert "Choose MNIST above" in words
    test = app(dataset=key, digit=str(len(class_names(key)) - 1))
    assert html(test).count(f"<b>{last}</b>") == 9


def test_another_set_is_chosen_on_explore_and_train_learns_it(app, sets):
    test = app(view="image")
    test.selectbox(key="explored_dataset").set_value("emnist-letters").run()
    assert test.query_params["dataset"] == "emnist-letters"
    test.switch_page("pages/train.py").run()
    words = said(test)
    assert "Data set: **EMNIST letters**." in words
    assert "Training images: **312**" not in words  # 5,000 are held out of 124,800; of 312 a sixth
    assert "Training images: **260**" in words
    test = app("train", dataset="usps")
    assert "Data set: **USPS**." in said(test)


def test_a_set_that_is_not_here_is_offered_for_download(app, sets, monkeypatch):
    test = app(dataset="kmnist")
    assert "KMNIST is not on this server, which downloads nothing." in said(test)
    assert "Bring your own data" in [link.proto.label for link in test.get("page_link")]
    monkeypatch.delenv("DIGITLAB_OFFLINE")
    test = app(dataset="kmnist")
    assert "KMNIST is not on this server yet. Its download has 21 MB, once for all." in said(test)
    assert [button.label for button in test.button if "Download" in button.label] == ["Download KMNIST"]


@pytest.mark.parametrize("key", ["emnist-letters", "two"])
def test_a_run_is_evaluated_looked_into_and_compared(key, app, trained, html):
    run_id, other = trained(key), trained(key, seed=1)
    names = class_names(key)
    for view in ("mixups", "digits", "hardest", "sure", "robust"):
        words = said_of_other_things(app("evaluate", run=run_id, view=view, split="test"), html)
        assert f"of **{COUNTS[key][1]}** test images" in words
    label = len(names) - 1
    cell = app("evaluate", run=run_id, split="test", true=str(label), read="0")
    assert f"No {names[label]} was classified as {names[0]}." in said(
        cell
    ) or f"of **{names[label]}**" in said(cell)
    for why in ("pixels", "layers", "similar"):
        words = said_of_other_things(
            app("evaluate", run=run_id, split="test", view="hardest", image="test-3", why=why), html
        )
        assert "Prediction" in words or "Not sure" in words
    for part in ("layers", "answers", "map", "learning"):
        test = app("inside", run=run_id, part=part, index="3")
        assert said_of_other_things(test, html)
        assert test.error == []
    for part in ("accuracy", "settings", "curves", "images"):
        test = app("compare", runs=f"{run_id},{other}", part=part)
        assert said_of_other_things(test, html)
        assert test.error == []
    assert said_of_other_things(app("train", run=run_id), html)
    words = said_of_other_things(app(dataset=key, digit="1"), html)
    assert f"you explore the images of {dataset_name(key)}," in words


def test_only_runs_on_the_same_set_are_compared(app, trained):
    ids = trained("emnist-letters"), trained("usps")
    assert "compare runs of the same data set" in said(app("compare", runs=",".join(ids)))


def test_a_run_is_tried_on_another_set_of_digits(app, trained):
    run_id = trained("usps")
    test = app("evaluate", run=run_id, split="test")
    options = test.selectbox(key="on").options
    assert options == ["USPS", "MNIST", "QMNIST", "EMNIST digits"]
    words = said(app("evaluate", run=run_id, on=MNIST, split="test"))
    assert "This network learned USPS and is tried on MNIST" in words
    assert "of **297** test images" in words
    assert "offline sample" in words


def test_letters_are_drawn_and_read_by_their_names(app, trained, html):
    run_id = trained("emnist-letters")
    test = app("draw", run=run_id)
    assert "This network learned EMNIST letters: draw one of A, B, C" in said(test)
    test = drawn(app, run_id, L)
    words = said_of_other_things(test, html)
    assert "The ten add up" not in words
    assert html(test).count('<span class="name">') >= 26
    for look in (
        "steps",
        "attention",
        "instead",
        "layers",
        "network",
        "similar",
        "changes",
        "others",
        "sheet",
    ):
        assert said_of_other_things(drawn(app, run_id, L, look=look), html)


def test_clothes_are_shown_by_picture(app, trained):
    run_id = trained("fashion-mnist")
    assert "This network knows T-shirt, trousers" in said(app("draw", run=run_id))
    assert "Nothing to read yet" in said(drawn(app, run_id, L))


def test_a_recipe_is_run_on_another_set_and_links_to_mnist_stay_as_they_were(app, sets):
    test = app("train", dataset="fashion-mnist", recipe="tutorial-3")
    test.query_params["dropout"] = "0.1"
    test.run()
    assert "Data set: **Fashion-MNIST**." in said(test)
    test = app("train", recipe="tutorial-3")
    assert "Data set:" not in said(test)
    assert "dataset" not in test.query_params


def test_names_of_classes_have_no_markup(sets):
    assert class_name("two", 1) == "no ＜b＞＊"
    assert without_markup("T-shirt お 7") == "T-shirt お 7"
    assert without_markup(":red[x] http://y") == "：red［x］ http：//y"
    assert without_markup("www.x.com a@b.c") == "www\N{WORD JOINER}.x.com a@\N{WORD JOINER}b.c"


def test_the_words_of_an_answer_follow_the_set():
    def dot(dataset):
        return Prediction(1, 0.5, np.full(len(class_names(dataset)), 0.5), None, False, dataset)

    assert answer_words(dot(MNIST)).heading == "This does not look like a digit"
    assert answer_words(dot("emnist-letters")).heading == "This is only a dot"
    assert answer_words(dot("emnist-letters")).sentence == "Of the classes B is the most likely (50.0%)."
    row = [RowDigit(Box(0, 0, 9, 9), dot("emnist-letters"), cut=True)]
    assert doubts(row) == ["1 is only a dot: ?", "1 touched and were cut apart."]
    said = " ".join(
        (short_answer(dot("emnist-letters")), answer_in_sentence(dot("emnist-letters")), *doubts(row))
    )
    assert not OF_DIGITS.search(said)


def test_a_class_without_images_has_no_recall():
    answers = Evaluation(np.array([0, 0, 2]), np.eye(3)[[0, 2, 2]], np.zeros(3))
    table = digit_table(answers, ["A", "B", "C"])
    assert table["recall"].fillna(-1).tolist() == [50, -1, 100]
    assert table["images"].tolist() == [2, 0, 1]
