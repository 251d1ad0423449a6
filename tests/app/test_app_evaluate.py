import re

import numpy as np
import pytest

from mnist_core.config import TrainConfig
from mnist_core.data.mnist import load_sample, split_images
from mnist_core.evaluation.metrics import Evaluation
from mnist_core.runs.store import RunStore
from tests.app.evaluated import press, words


def make_run(**settings):
    from mnist_core.models.architectures import build_model

    writer = RunStore().create(TrainConfig(widths=(8,), **settings))
    writer.save(build_model(writer.config), 1)
    writer.update("finished", parameters=6370, test_accuracy=0.0875, source="sample")
    writer.close()
    return writer.id


@pytest.fixture
def run(sample_only):
    """A run that watched the test images, as the tutorials do."""
    return make_run(monitor="test")


@pytest.fixture
def fair_run(sample_only):
    """A run with validation images; it has learned nothing."""
    return make_run()


@pytest.fixture
def answers(monkeypatch):
    """Answers that are right but for five nines read as fours."""
    labels = load_sample().test.labels.astype(np.int64)
    probabilities = np.eye(10, dtype=np.float32)[labels]
    nines = np.flatnonzero(labels == 9)[:5]
    probabilities[nines] = np.eye(10, dtype=np.float32)[4]
    losses = np.where(np.isin(np.arange(len(labels)), nines), 9.0, 0.0).astype(np.float32)
    result = Evaluation(labels, probabilities, losses)
    monkeypatch.setattr("mnist_core.evaluation.metrics.evaluate", lambda model, split: result)
    return result


def picked(test):
    """The images to choose from, as their labels."""
    return test.button_group(key="pick_image").options


def test_without_a_network_it_says_what_to_do(app, monkeypatch):
    monkeypatch.setattr("ui.resources.find_run", lambda run_id: None)
    test = app("evaluate")
    assert "Train one first" in test.info[0].value
    assert not test.exception


def test_shows_accuracy_and_the_most_frequent_error_with_its_images(app, run, answers):
    test = app("evaluate", run=run)
    assert not test.exception
    assert test.metric[0].value == f"{292 / 297:.2%}"
    assert test.metric[2].value == "5"
    assert "**292** of **297** test images" in words(test)
    assert "its accuracy is slightly too good" in words(test)
    assert "**9** classified as **4**: 5 times" in [button.label for button in test.button]
    assert (test.selectbox(key="true").value, test.selectbox(key="read").value) == ("9", "4")
    assert len(picked(test)) == 5
    assert all("9 classified as 4" in label and "\\> 99%" in label for label in picked(test))


def test_a_perfect_network_has_no_errors_to_show(app, run, answers, monkeypatch):
    perfect = Evaluation(answers.labels, np.eye(10, dtype=np.float32)[answers.labels], answers.losses * 0)
    monkeypatch.setattr("mnist_core.evaluation.metrics.evaluate", lambda model, split: perfect)
    test = app("evaluate", run=run)
    assert not test.exception
    assert "There are no errors" in words(test)
    assert "images of **0**, classified correctly" in words(test)


def test_a_cell_is_chosen_by_its_two_digits_and_kept_in_the_url(app, run, answers):
    test = app("evaluate", run=run)
    test.selectbox(key="true").set_value("3").run()
    test.selectbox(key="read").set_value("3").run()
    assert not test.exception
    count = int(answers.confusion_matrix[3, 3])
    assert f"**{count}** images of **3**, classified correctly" in words(test)
    assert len(picked(test)) == 12
    assert f"1 to 12 of {count}" in words(test)
    assert test.query_params["true"] == test.query_params["read"] == "3"
    press(test, "Next page")
    assert f"13 to 24 of {count}" in words(test)
    test.selectbox(key="read").set_value("5").run()
    assert "No 3 was classified as 5" in test.info[0].value


def test_validation_images_come_first_where_there_are_some_and_test_images_on_asking(app, fair_run):
    test = app("evaluate", run=fair_run)
    validation = split_images(TrainConfig(validation_size=5000), load_sample()).validation
    assert not test.exception
    assert test.metric[0].value == "8.75%"  # the test accuracy that was measured once
    assert f"of **{len(validation)}** validation images" in words(test)
    assert "Keep the test set for the end" in words(test)
    test.button_group(key="split").set_value("test").run()
    assert "of **297** test images" in words(test)
    assert "use the validation set to choose" in words(test)
    test.button_group(key="split").set_value("train").run()
    assert "of **1,250** training images" in words(test)


def test_an_image_opens_to_all_about_it_and_closes(app, html, fair_run):
    test = app("evaluate", run=fair_run, view="hardest")
    assert len(picked(test)) == 24
    number = int(re.search(r"Image (\d+): ", picked(test)[0])[1])
    test.button_group(key="pick_image").set_value(number - 1250).run()
    assert not test.exception
    assert test.query_params["image"] == f"train-{number}"
    assert re.search(r"(Prediction|Not sure:) \*\*", words(test))
    assert html(test).count(": saliency for") == 2
    test.button_group(key="why").set_value("layers").run()
    assert "Fully connected, 8 units" in words(test)
    test.button_group(key="why").set_value("similar").run()
    assert html(test).count("&nbsp;distance ") == 8
    press(test, "Next")
    assert not test.exception
    press(test, "All images")
    assert len(picked(test)) == 24


@pytest.mark.parametrize(
    ("split", "image", "of_0_1"), [("validation", "train-1257", "7"), ("test", "test-7", "7")]
)
def test_a_link_of_0_1_opens_the_same_image_as_its_reference(app, html, fair_run, split, image, of_0_1):
    opened = [
        re.search(
            r"image number ([\d,]+)", html(app("evaluate", run=fair_run, view="hardest", split=split, **link))
        )
        for link in ({"image": image}, {"image": of_0_1})
    ]
    number = image.split("-")[1]
    assert [match[1].replace(",", "") for match in opened] == [number, number]


@pytest.mark.parametrize("image", ["test-7", "train-5", "train-1500", "train-", "seven", "-7"])
def test_an_image_that_the_split_does_not_hold_opens_nothing(app, fair_run, image):
    test = app("evaluate", run=fair_run, view="hardest", split="validation", image=image)
    assert not test.exception
    assert len(picked(test)) == 24


@pytest.mark.parametrize(
    ("image", "split"), [("test-7", "test"), ("train-5", "train"), ("train-1499", "validation")]
)
def test_a_link_to_an_image_opens_the_split_that_holds_it(app, fair_run, image, split):
    test = app("evaluate", run=fair_run, view="hardest", image=image)
    assert test.button_group(key="split").value == split
    next(button for button in test.button if button.label == "All images").click().run()
    assert test.button_group(key="split").value == split
    assert len(picked(test)) == 24


def test_a_frequent_error_opens_its_cell_in_the_same_split(app, fair_run):
    test = app("evaluate", run=fair_run, view="mixups", image="test-7")
    frequent = next(button for button in test.button if button.key and button.key.startswith("mix_up_"))
    frequent.click().run()
    assert not test.exception
    assert "image" not in test.query_params
    assert test.button_group(key="split").value == "test"
    true, read = frequent.key.removeprefix("mix_up_")
    assert (test.query_params["true"], test.query_params["read"]) == (true, read)


def test_a_training_image_is_not_its_own_neighbour(app, html, fair_run):
    test = app("evaluate", run=fair_run, view="hardest", split="train", image="train-7", why="similar")
    numbers = re.findall(r'alt="Handwritten \d, image number ([\d,]+)"', html(test))
    assert numbers[0] == "7"  # the image itself, in large
    assert len(numbers) == 9
    assert "7" not in numbers[1:]


def test_reading_can_be_stopped_and_gone_on_with(app, run, answers, monkeypatch):
    asked = []
    monkeypatch.setattr("ui.evaluations.evaluation_progress", lambda what: asked.append(what) or print)
    test = app("evaluate", run=run)
    assert test.metric
    test.session_state["reading_stopped"] = asked[0]
    test.run()
    assert "Stopped" in test.info[0].value
    assert not test.metric
    assert press(test, "Continue").metric


def test_digit_by_digit_has_a_row_for_each(app, run, answers):
    test = app("evaluate", run=run, view="digits")
    assert not test.exception
    table = test.dataframe[0].value
    assert len(table) == 10
    assert table["recall"][9] < 100
    assert table["taken_for"][9] == "4 (5)"
    assert "Lowest recall: **9**" in words(test)
    assert "start at 80%" in words(test) or "start at 90%" in words(test)


def test_calibration_shows_the_error_before_and_after_and_the_gain_by_abstaining(app, run, answers):
    test = app("evaluate", run=run, view="sure")
    assert not test.exception
    labels = [metric.label for metric in test.metric]
    assert {"Calibration error", "After temperature scaling"} <= set(labels)
    assert "**overconfident**" in words(test)
    assert "It answers **100.0%** of the images; **1.68%** of these answers are wrong (5 of 297)." in words(
        test
    )


def test_the_threshold_is_in_the_url(app, run, answers):
    test = app("evaluate", run=run, view="sure", threshold="0.99")
    assert test.select_slider(key="threshold").value == 99
    test.select_slider(key="threshold").set_value(50.0).run()
    assert test.query_params["threshold"] in ("0.5", ["0.5"])
    test.text_input[0].set_value("97.3%").run()
    assert test.query_params["threshold"] in ("0.973", ["0.973"])
    assert app("evaluate", run=run, view="sure", threshold="2").select_slider(key="threshold").value == 90


@pytest.mark.parametrize("view", ["mixups", "digits", "hardest", "sure"])
def test_nonsense_in_the_url_does_no_harm(app, fair_run, view):
    nonsense = {"split": "x", "image": "99999", "true": "11", "read": "-1", "of": "?", "count": "0"}
    test = app("evaluate", run=fair_run, view=view, **nonsense)
    assert not test.exception


def test_an_unknown_run_in_the_link_is_said(app, run):
    test = app("evaluate", run="0123456789abcdef")
    assert not test.exception
    assert "not on this server" in test.warning[0].value


def test_a_damaged_checkpoint_gets_a_sentence(app, run):
    RunStore().get(run).checkpoints[-1].write_bytes(b"broken")
    test = app("evaluate", run=run)
    assert not test.exception
    assert "damaged" in test.error[0].value
