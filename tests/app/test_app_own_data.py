"""The Data page: images of one's own, brought, mended, saved, shared and deleted."""

import threading

import numpy as np
import pytest

from mnist_core.config import TrainConfig
from mnist_core.data.datasets import open_own_set
from mnist_core.data.own_sets import NewSet, delete_set, list_sets, restore_set, save_set
from mnist_core.dataset_choices import DATASETS
from mnist_core.own_data.source_files import uploaded
from mnist_core.runs.store import RunStore
from tests.app.markup import nodes
from tests.core.own_data.sources import csv_text, picture_zip, png, read, zip_file
from ui.class_names import class_names, dataset_name, kind
from ui.inside.predictions import reading_points

ANNA, BEN = "a" * 32, "b" * 32


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """The page waits until a source is read, however busy the machine is."""
    monkeypatch.setattr("ui.data.upload.SECONDS_AT_ONCE", 60)


@pytest.fixture
def images(sample) -> np.ndarray:
    return sample.train.images[:60]


@pytest.fixture(scope="module")
def sample():
    from mnist_core.data.mnist import load_sample

    return load_sample()


def bring(test, name: str, content: bytes):
    return test.file_uploader[0].set_value([(name, content, "")]).run()


def button(test, label: str):
    return next(one for one in test.button if one.label == label)


def toggle(test, label: str):
    return next(one for one in test.toggle if one.label == label)


def captions(test) -> str:
    return "\n".join(one.value for one in test.caption).replace("\\", "")


def pictures(test, html) -> list[str]:
    return html(test).split('src="')[1:]


def test_faults_are_seen_in_samples_mended_by_a_click_each_and_saved(app, html, sample):
    images, labels = sample.train.images[:60], sample.train.labels[:60]
    wrong = 255 - images.transpose(0, 2, 1)
    test = bring(app("data"), "class 7b.csv", csv_text(wrong, labels + 1).encode())
    assert "10: 6" in captions(test)
    assert "These look inverted" in captions(test)
    before, places = pictures(test, html), len(list(nodes(test._tree)))
    assert len(before) == 10
    test = toggle(test, "Invert").set_value(True).run()
    assert len(list(nodes(test._tree))) == places
    assert "These look inverted" not in captions(test)
    test = toggle(test, "Transpose").set_value(True).run()
    test = button(test, "Labels − 1").click().run()
    after = pictures(test, html)
    assert len({*before, *after}) == 20
    assert "9: 6" in captions(test)
    assert test.text_input(key="classes_1").placeholder == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9"
    assert list_sets() == []
    test = button(test, "Save as a data set").click().run()
    (saved,) = list_sets()
    assert saved.name == "class 7b"
    data = open_own_set(saved.key)
    stored = np.concatenate([data.train.images, data.test.images])
    numbers = np.concatenate([data.train.labels, data.test.labels])
    expected = sorted((int(n), image.tobytes()) for n, image in zip(labels, images, strict=True))
    assert sorted((int(n), image.tobytes()) for n, image in zip(numbers, stored, strict=True)) == expected
    assert any("class 7b" in one.value for one in test.markdown)
    assert len(pictures(test, html)) == 0


def test_turning_right_four_times_changes_nothing(app, html, images):
    test = bring(app("data"), "a.csv", csv_text(images, np.arange(60) % 2).encode())
    first = pictures(test, html)
    turned = [pictures(test := button(test, "Turn right").click().run(), html) for _ in range(4)]
    assert turned[3] == first
    assert len({tuple(each) for each in turned}) == 4


def test_what_is_wrong_is_one_sentence(app, images):
    test = bring(app("data"), "a.csv", csv_text(images[:3], [0, 1, 2]).encode())
    assert [one.value for one in test.error] == [
        "Too few images of 0, 1, 2: each class needs 3 or more, one each for training, validation and test."
    ]
    assert not any(one.label == "Save as a data set" for one in test.button)
    test = bring(test, "a.csv", b"1,2,3\n")
    assert "2 columns of pixels" in test.error[0].value
    test = bring(app("data", lang="zh"), "a.csv", b"1,2,3\n")
    assert "2 列像素" in test.error[0].value


def test_another_column_can_have_the_labels(app, images):
    rows = csv_text(images, ["a", "b"] * 30).replace("\na,", "\n0,a,").replace("\nb,", "\n0,b,")
    test = bring(app("data"), "a.csv", rows.replace("label,", "label,kind,", 1).encode())
    assert "784" in test.error[0].value


def test_labels_in_the_last_column_are_found_by_choosing_it(app, images):
    rows = [",".join([*map(str, image.ravel()), str(n % 2)]) for n, image in enumerate(images)]
    test = bring(app("data"), "a.csv", "\n".join(rows).encode())
    assert "All images have the label 0" in test.error[0].value
    test = test.selectbox(key="label_column_1").set_value("785").run()
    assert not test.error
    assert "0: 30 · 1: 30" in captions(test)


def test_writers_are_kept_apart_where_folders_name_them(app, images):
    members = {f"{n % 2}/{n % 5}/{n}.png": png(image) for n, image in enumerate(images)}
    test = bring(app("data"), "a.zip", zip_file(members).read())
    test = test.button_group(key="way_1").set_value("writer").run()
    test = button(test, "Save as a data set").click().run()
    (saved,) = list_sets()
    assert saved.by_writer
    assert (saved.train, saved.validation, saved.test) == (36, 12, 12)


def test_names_of_classes_and_of_the_set_can_be_written(app, images):
    test = bring(app("data"), "a.zip", picture_zip(images, np.arange(60) % 2).read())
    test = test.text_input(key="classes_1").set_value("hat, shoe").run()
    assert "hat: 30 · shoe: 30" in captions(test)
    test = test.text_input(key="classes_1").set_value("hat").run()
    assert "classes: 2. Names given: 1." in test.error[0].value
    test = test.text_input(key="classes_1").set_value("hat，shoe").run()
    test = test.text_input(key="name_1").set_value(" ").run()
    test = button(test, "Save as a data set").click().run()
    assert "1 to 60 characters" in test.error[0].value
    test = test.text_input(key="name_1").set_value("Clothes").run()
    button(test, "Save as a data set").click().run()
    assert list_sets()[0].classes == ("hat", "shoe")


def test_a_set_belongs_to_its_visitor_is_shared_by_link_and_deleted(app, images, visitor_from, monkeypatch):
    monkeypatch.setenv("DIGITLAB_PRIVATE", "1")
    visitor_from(ANNA)
    test = bring(app("data"), "Zebra.csv", csv_text(images, np.arange(60) % 2).encode())
    test = button(test, "Save as a data set").click().run()
    (saved,) = list_sets()
    assert any(f"dataset={saved.key}" in one.value for one in test.code)
    visitor_from(BEN)
    assert not any(saved.name in one.value for one in app("data").markdown)
    shared = app("data", dataset=saved.key)
    assert "only its owner can delete it" in captions(shared)
    assert not any(one.label == "Delete" for one in shared.button)
    assert "only its owner can delete it" in captions(app("data"))  # it is in the list from now on
    visitor_from(ANNA)
    test = button(app("data"), "Delete").click().run()
    assert list_sets() == []
    button(test, "Undo").click().run()
    assert [own.key for own in list_sets()] == [saved.key]


def test_leaving_the_page_lets_go_of_what_was_brought(app, images):
    test = bring(app("data"), "a.csv", csv_text(images, np.arange(60) % 2).encode())
    assert "brought_data" in test.session_state
    test = test.switch_page("pages/runs.py").run()
    assert "brought_data" not in test.session_state


@pytest.fixture
def own_set(sample_only, images) -> str:
    """A saved set of two classes, whose names have markup; its key."""
    order = np.random.default_rng(0).permutation(60)
    new = NewSet(images, np.arange(60) % 2, ("*hat*", "[shoe]"), order[:40], order[40:50], order[50:])
    return save_set(new, "My _clothes_").key


@pytest.fixture
def run_on_own_set(own_set) -> str:
    """The id of an untrained run on it."""
    from mnist_core.models.architectures import build_model

    writer = RunStore().create(TrainConfig(widths=(8,)).on_dataset(own_set))
    writer.save(build_model(writer.config), 1)
    results = {"initial_accuracy": 0.5, "test_accuracy": 0.5, "epochs": 1, "train_seconds": 1.0}
    writer.update("finished", parameters=6370, source=own_set, **results)
    writer.close()
    return writer.id


def test_a_saved_set_can_be_chosen_on_explore_and_train(app, own_set, html):
    choice = app(view="statistics").selectbox(key="explored_dataset")
    assert choice.options[-1] == "My ＿clothes＿"
    test = choice.set_value(own_set).run()
    assert test.query_params["dataset"] == own_set
    assert "＊hat＊" in html(app(dataset=own_set, view="grid"))
    test = app("train", dataset=own_set)
    assert not test.error
    assert not test.exception


@pytest.mark.parametrize("page", ["train", "evaluate", "inside", "draw", "compare", "runs"])
def test_pages_show_a_run_on_an_own_set(app, run_on_own_set, page):
    test = app(page, run=run_on_own_set)
    assert not test.exception
    assert [one.value for one in test.error] == []


GONE = "The data set of this link is not on this server: it was deleted, or it never was here."
PAGES_WITH_A_SET = ("explore", "data", "train", "search", "evaluate", "draw", "inside", "compare")


@pytest.mark.parametrize("page", PAGES_WITH_A_SET)
def test_a_link_to_a_set_that_is_gone_and_one_to_none_get_the_same_words(app, own_set, page):
    delete_set(own_set)
    names = (own_set, "own-0000000000000000", "My _clothes_")
    said = {tuple(one.value for one in app(page, dataset=name).warning) for name in names}
    ((sentence,),) = said
    assert sentence.startswith(GONE)
    assert app(page, dataset=own_set, lang="zh").warning[0].value.startswith("此链接的数据集不在")


def test_the_images_that_all_visitors_keep_on_their_pages_have_a_limit_together(app, sample, monkeypatch):
    content = csv_text(sample.train.images[:60], sample.train.labels[:60]).encode()
    first = bring(app("data"), "one.csv", content)
    assert not first.error
    monkeypatch.setattr("ui.data.upload.memory_limit", lambda: 8 * 60 * 784 - 1)
    second = bring(app("data"), "two.csv", content)
    assert "take the memory that this server has for them" in second.error[0].value


def test_a_set_deleted_while_it_is_open_gives_way_to_mnist_until_it_is_restored(app, own_set):
    test = app(dataset=own_set)
    assert not test.warning
    delete_set(own_set)
    test = test.run()
    assert "MNIST is shown instead" in test.warning[0].value
    assert (test.title[0].value, test.selectbox(key="explored_dataset").value) == (
        "Handwritten digits",
        "mnist",
    )
    restore_set(own_set)
    test = test.run()
    assert not test.warning
    assert test.title[0].value == "My ＿clothes＿"


def test_deleting_the_set_of_the_link_is_said_once(app, own_set):
    test = button(app("data", dataset=own_set), "Delete").click().run()
    assert not test.warning
    assert "dataset" not in test.query_params
    assert any(one.label == "Undo" for one in test.button)


def test_a_run_on_a_deleted_set_says_so_and_keeps_its_settings(app, run_on_own_set, own_set):
    delete_set(own_set)
    assert "were deleted; choose another data set" in app("evaluate", run=run_on_own_set).error[0].value
    assert not app("runs", run=run_on_own_set).exception
    for page in ("explore", "train"):
        test = app(page, run=run_on_own_set)
        assert not test.exception
        assert "My ＿clothes＿, which this network learned, were deleted" in test.warning[0].value
    assert not any(one.key == "resume" for one in test.button)
    test = app("draw", run=run_on_own_set, sent="test-3")
    assert "were deleted" in test.warning[0].value


def test_a_network_is_tried_on_own_digits_and_says_when_they_are_gone(app, sample_only, sample):
    digits = sample.train[:60]
    order = np.arange(60)
    parts = (order[:40], order[40:50], order[50:])
    own = save_set(NewSet(digits.images, digits.labels.astype(np.int64), tuple("0123456789"), *parts), "Mine")
    test = app("evaluate", run="pretrained", on=own.key)
    assert test.selectbox(key="on").value == own.key
    assert any("learned MNIST and is tried on Mine" in one.value for one in test.caption)
    delete_set(own.key)
    assert "The images of MNIST are shown instead." in test.run().warning[0].value


def test_a_saved_set_is_exported(app, own_set, monkeypatch):
    monkeypatch.setattr("ui.data.data_export.SECONDS_AT_ONCE", 60)
    test = app("data").button_group(key=f"export_format_{own_set}").set_value("png").run()
    test = test.button(key=f"make_export_{own_set}").click().run()
    assert test.get("download_button")[0].label.startswith("Download 0.0")
    file = test.session_state["exported_data"].job.latest
    file.seek(0)
    again = read(uploaded("a.zip", file.read()))
    assert (again.classes, len(again)) == (("*hat*", "[shoe]"), 60)
    test = test.button_group(key=f"export_format_{own_set}").set_value("csv").run()
    assert not test.get("download_button")
    assert "exported_data" not in test.switch_page("pages/runs.py").run().session_state


def test_an_export_shows_how_far_it_is(app, own_set, monkeypatch):
    go_on = threading.Event()

    def write_slowly(*_args):
        yield 0.254, None
        go_on.wait(60)

    monkeypatch.setattr("ui.data.data_export.write_data", write_slowly)
    test = app("data").button(key=f"make_export_{own_set}").click().run()
    assert [bar.proto.text for bar in test.get("progress")] == ["Writing the images: 25%"]
    go_on.set()


def test_a_published_set_is_exported_or_its_download_to_the_server_is_offered(app, sample_only):
    assert app("data").button(key="make_export_mnist").label == "Make the file"
    test = app("data").selectbox(key="published").set_value("kmnist").run()
    assert any("KMNIST is not on this server" in one.value for one in test.markdown)
    assert test.query_params["published"] == "kmnist"


def test_a_link_carries_what_is_exported(app, sample_only):
    test = app("data").button_group(key="format").set_value("npz").run()
    assert test.query_params["format"] == "npz"
    opened = app("data", published="fashion-mnist", format="npz")
    assert opened.selectbox(key="published").value == "fashion-mnist"
    assert app("data", published="nothing", format="npz").button_group(key="format").value == "npz"


def test_headings_and_words_follow_the_data_set(app, run_on_own_set, own_set):
    assert app(view="statistics").title[0].value == "Handwritten digits"
    test = app(view="statistics").selectbox(key="explored_dataset").set_value(own_set).run()
    assert test.title[0].value == "My ＿clothes＿"
    assert app("draw", run=run_on_own_set).title[0].value == "Draw or show an image"
    test = app("draw", run=run_on_own_set, look="attention", lang="zh")
    assert test.title[0].value == "画或展示一张图像"
    assert "请先画一个或展示一张" in test.info[0].value


def test_the_word_for_what_a_set_shows():
    keys = ("usps", "emnist-letters", "emnist-balanced", "kmnist", "fashion-mnist")
    assert [kind(key) for key in keys] == ["digit", "letter", "character", "character", "garment"]


def test_names_that_somebody_gave_their_classes_are_not_translated(sample_only, images, monkeypatch):
    order = np.arange(60)
    new = NewSet(images, order % 2, ("coat", "shirt"), order[:40], order[40:50], order[50:], source="bag")
    key = save_set(new, "dress").key
    monkeypatch.setattr("ui.i18n.language", lambda: "zh")
    assert class_names("fashion-mnist")[4] == "外套"
    assert class_names(key) == ["coat", "shirt"]
    assert dataset_name(key) == "dress"
    assert str(DATASETS[key].name) == "dress"


def test_both_of_two_classes_have_a_line_over_the_training():
    points = reading_points([0.0, 1.0], np.array([[0.5, 0.5], [0.9, 0.1]]), ["hat", "shoe"])
    assert points["digit"].tolist() == ["hat", "shoe", "hat", "shoe"]
