"""The Inside page: the sections, and the slider of checkpoints."""

import base64
import json
import re
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mnist_core.config import TrainConfig
from mnist_core.data.mnist import load_sample
from mnist_core.evaluation.metrics import evaluate
from mnist_core.models.architectures import build_model
from mnist_core.monitoring.probes import PROBES_FILE
from mnist_core.recognition.images import pixels_to_image
from mnist_core.recognition.strokes import strokes_to_image
from mnist_core.runs.run import load_snapshot, snapshots_of
from mnist_core.runs.run_trainer import train_run
from mnist_core.runs.store import RunStore
from tests.app.drawings import button, drawn, path
from ui.answers import answer_in_sentence, answer_of
from ui.canvas import strokes_of
from ui.html.digits import full_colour, in_rows, png_url, signed_url
from ui.inside.gradient_charts import gradient_words, ratio_words, spread
from ui.inside.predictions import matrix_html

CONFIG = TrainConfig(widths=(8,), epochs=3, batch_size=50, train_size=500, monitor="test")
SECTIONS = ["layers", "answers", "map", "learning"]


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Two trained runs, of an MLP and a small CNN, in a store: their folders' parent and ids."""
    store = RunStore(tmp_path_factory.mktemp("kept"))
    ids = []
    for config in (CONFIG, replace(CONFIG, architecture="cnn", channels=(2, 3), epochs=1)):
        writer = store.create(config)
        list(train_run(writer, load_sample(), torch.device("cpu")))
        ids.append(writer.id)
    return store.directory, ids


@pytest.fixture
def trained(sample_only, kept, monkeypatch):
    """The ids of an MLP's and a CNN's run in the app's store."""
    monkeypatch.setenv("DIGITLAB_RUNS", str(kept[0]))
    return kept[1]


def text_of(test):
    elements = [*test.markdown, *test.caption, *test.info, *test.warning, *test.error]
    return "\n".join(element.value for element in elements)


def counts(page):
    """The numbers in the confusion matrix."""
    cells = re.findall(r'<td class="\w+"[^>]*>(\d*)</td>', page)
    return np.array([int(cell or 0) for cell in cells]).reshape(10, 10)


def press(test, label):
    return next(button for button in test.button if button.label == label).click().run()


@pytest.mark.parametrize("part", [*SECTIONS, "nonsense"])
def test_every_section_opens_by_link_for_an_mlp_and_a_cnn(app, trained, part):
    for run, lang in zip(trained, ("en", "zh"), strict=True):
        test = app("inside", run=run, part=part, lang=lang)
        assert not test.exception
        assert test.pills(key="part").value == (part if part in SECTIONS else "layers")


@pytest.mark.parametrize("part", SECTIONS)
def test_the_pretrained_model_opens_and_a_missing_checkpoint_is_replaced(app, sample_only, part):
    test = app("inside", run="pretrained", part=part, moment="77")
    assert not test.exception
    assert test.select_slider[0].value == "19"


def test_the_slider_has_every_checkpoint_and_begins_with_the_last(app, trained):
    test = app("inside", run=trained[0])
    assert test.select_slider[0].options[0] == "before training"
    assert test.select_slider[0].options[-3:] == ["after epoch 1", "after epoch 2", "after epoch 3"]
    assert test.select_slider[0].value == "3"


def test_the_slider_moves_the_matrix(app, trained, html):
    run = RunStore().get(trained[0])
    test = app("inside", run=run.id, part="answers")
    for place in (-1, 0):
        moment = snapshots_of(run)[place]
        test.select_slider[0].set_value(f"{moment.epoch:g}").run()
        expected = evaluate(load_snapshot(run, moment), load_sample().test)
        assert counts(html(test)).tolist() == expected.confusion_matrix.tolist()
        assert f"**{expected.accuracy:.2%}**" in text_of(test)
    assert test.query_params["moment"] in ("0", ["0"])


def test_the_prediction_is_that_of_the_chosen_checkpoint(app, trained, html):
    run = RunStore().get(trained[0])
    image = torch.from_numpy(load_sample().test.images[7:8])
    for moment in (snapshots_of(run)[0], snapshots_of(run)[-1]):
        shares = load_snapshot(run, moment)(image).softmax(1)[0].detach()
        test = app("inside", run=run.id, part="answers", index="7", moment=f"{moment.epoch:g}")
        assert f"{answer_in_sentence(answer_of(shares.tolist()), 0)}; " in text_of(test)
        assert f"no. 7: {load_sample().test.labels[7]}" in html(test)


def test_the_next_misread_image_is_opened(app, trained):
    run = RunStore().get(trained[0])
    errors = np.sort(evaluate(run.load_model(), load_sample().test).errors)
    test = app("inside", run=run.id, part="answers")
    for error in errors[errors > 0][:2]:
        press(test, "Next misclassified")
        assert test.number_input[0].value == error
    press(app("inside", run=run.id, part="answers", index="296"), "Next misclassified")
    assert not test.exception


def inside(test, html):
    """The Inside page that a visitor of the Draw page turns to."""
    test.query_params["of"] = "drawing"
    test.query_params["part"] = "answers"
    test.switch_page("pages/inside.py").run()
    assert not test.exception
    return html(test)


def test_without_a_drawing_it_says_what_to_do(app, trained):
    assert "There is no drawing yet" in text_of(app("inside", run=trained[0], part="answers", of="drawing"))


def test_inside_shows_the_image_that_draw_read_with_any_pen_width(app, trained, html):
    """A thick pen's small ring is one dot to Draw, which its strokes alone don't tell."""
    ring = [(100, 100), (110, 100), (110, 110), (100, 110), (100, 100)]
    test = app("explore", run=trained[0])
    test.session_state["pen_width"] = 40
    test.session_state["drawing"] = {
        "objects": [path(("M", *ring[0]), *(("L", *point) for point in ring[1:]))]
    }
    test.switch_page("pages/draw.py").run()
    dot, thin = (png_url(strokes_to_image([ring], pen)) for pen in (40, 0))
    assert dot in html(test)
    page = inside(test, html)
    assert 'alt="Your drawing"' in page
    assert dot in page
    assert thin not in page


def test_it_shows_the_digit_of_a_row_that_was_looked_at(app, trained, html):
    sevens = [path(("M", 20, 60), ("L", 60, 60), ("L", 30, 230)), path(("M", 180, 60), ("L", 185, 230))]
    test = drawn(app, trained[0], *sevens, look="steps")
    images = [png_url(strokes_to_image(strokes_of({"objects": [one]}), 18)) for one in sevens]
    assert all(image in html(test) for image in images)
    test.button_group(key="which_digit").set_value(1).run()
    page = inside(test, html)
    assert images[1] in page
    assert images[0] not in page


def test_it_shows_what_was_inked_by_keys_until_the_grid_is_cleared(app, trained, html):
    ink = np.zeros((28, 28), int)
    ink[5:23, 13:15] = 1
    test = app("explore", run=trained[0], **{"from": "keys"})
    test.session_state["grid"] = "".join(map(str, ink.ravel()))
    test.switch_page("pages/draw.py").run()
    image = png_url(pixels_to_image(np.kron(ink.astype(np.uint8) * 255, np.ones((10, 10), np.uint8))))
    assert image in inside(test, html)
    test.switch_page("pages/draw.py").run()
    button(test, "Clear").click().run()
    inside(test, html)
    assert "There is no drawing yet" in text_of(test)


def test_it_shows_an_image_of_the_data_that_draw_read_as_it_is(app, trained, html):
    test = app("draw", run=trained[0], sent="test-42")
    assert png_url(load_sample().test.images[42]) in inside(test, html)


def test_layers_are_shown_with_their_weights_and_activations(app, trained, html):
    mlp, cnn = (app("inside", run=run, part="layers") for run in trained)
    assert "The weights of 8 units of the first layer, 28 x 28 each" in html(mlp)
    assert "The weights of 2 units of the first layer, 3 x 3 each" in html(cnn)
    assert "Fully connected, 8 units** · 8" in text_of(mlp)
    assert "3 channels** · 3 x 7 x 7" in text_of(cnn)
    bars = re.findall(r'class="value">(?:&gt; )?([\d.]+)%', html(mlp))
    assert sum(map(float, bars)) == pytest.approx(100, abs=0.6)


def test_what_is_inside_a_residual_block_is_shown_on_request(app, sample_only):
    config = TrainConfig(architecture="resnet", channels=(2, 3))
    model = build_model(config)
    run = RunStore().add(config, model, 1.0, "blocks", "")
    test = app("inside", run=run.id, part="layers")
    assert [each.label for each in test.expander] == ["Inside this block"] * 2
    assert "First convolution of the block" not in text_of(test)
    key = "inside_block_3"  # after the image, the first convolution and the first block
    test.session_state[key] = True
    test.run()
    assert "**First convolution of the block** · 3 x 14 x 14" in text_of(test)
    assert "**Second convolution, before the skip is added** · 3 x 14 x 14" in text_of(test)


def test_the_map_moves_and_shows_what_is_misread(app, trained):
    test = app("inside", run=trained[0], part="map", moment="0", colour="errors")
    wrong = len(
        evaluate(
            load_snapshot(RunStore().get(trained[0]), snapshots_of(RunStore().get(trained[0]))[0]),
            load_sample().test,
        ).errors
    )
    assert f"{wrong} of them are misclassified" in text_of(test)
    assert len(test.get("vega_lite_chart")) == 1


def test_tsne_is_computed_on_demand_for_the_chosen_checkpoint(app, trained, monkeypatch):
    def embed(points):
        yield 1.0, points[:, :2]

    monkeypatch.setattr("mnist_core.data.projection.tsne_of_points", embed)
    test = app("inside", run=trained[0], part="map", method="tsne")
    assert not test.get("vega_lite_chart")
    press(test, "Compute t-SNE")
    from ui.inside import image_map
    from ui.inside.selection import InspectedRun

    run = RunStore().get(trained[0])
    moments = tuple(snapshots_of(run))
    image_map.tsne_at(InspectedRun(run, moments[-1], moments)).wait()
    assert len(test.run().get("vega_lite_chart")) == 1
    test.select_slider[0].set_value("1").run()
    assert not test.get("vega_lite_chart")


def test_how_it_learned_has_gradients_and_update_ratios(app, trained):
    test = app("inside", run=trained[0], part="learning")
    assert len(test.get("vega_lite_chart")) == 2
    assert "At the last measurement the gradient was largest in" in text_of(test)
    assert "At the last measurement the largest update ratio was" in text_of(test)
    assert "No gradients were recorded" in text_of(app("inside", run="pretrained", part="learning"))


def test_one_layer_of_the_charts_is_emphasised(app, trained):
    test = app("inside", run=trained[0], part="learning")
    assert "Blue: “1. Fully connected”" in text_of(test)
    test.selectbox(key="layer").set_value("2").run()
    assert "Blue: “2. Output”" in text_of(test)
    assert test.query_params["layer"] in ("2", ["2"])


def test_labels_at_the_ends_of_lines_keep_apart():
    assert spread(np.array([3.0, 0.0, 0.1]), 1).tolist() == pytest.approx([2.7, -0.3, 0.7], abs=0.4)
    assert np.diff(np.sort(spread(np.zeros(7), 0.5))).tolist() == pytest.approx([0.5] * 6)


def test_a_run_without_update_ratios_says_what_to_do(app, trained):
    file = RunStore().get(trained[1]).folder / PROBES_FILE
    whole = file.read_text()
    looks = [json.loads(line) | {"update_ratios": []} for line in whole.splitlines()]
    file.write_text("\n".join(map(json.dumps, looks)))
    test = app("inside", run=trained[1], part="learning")
    file.write_text(whole)
    assert not test.exception
    assert len(test.get("vega_lite_chart")) == 1
    assert "Update ratios were not recorded" in text_of(test)


@pytest.mark.parametrize(
    ("ratios", "words"),
    [
        ([1e-3, 2e-3], "was 0.002, in “b”, the smallest 0.001, in “a”. That is not far"),
        ([1e-6, 2e-5], "nearly stopped"),
        ([1e-6, 5e-2], "far above"),
        ([float("nan"), 1e-3], "in “a”. "),
        ([1e-3], "the update ratio of “a” was 0.001."),
    ],
)
def test_update_ratios_in_words(ratios, words):
    assert words in ratio_words(np.array(ratios), ["a", "b"][: len(ratios)])


@pytest.mark.parametrize(
    ("gradients", "words"),
    [
        ([2e-4, 1.0], "smallest in “a”, 5,000 times smaller"),
        ([0.0, 30.0], "none arrived in “a”: that layer"),
        ([0.0, 0.0], "no layer had a gradient"),
        ([float("nan"), 1.0], "no longer numbers"),
    ],
)
def test_gradients_in_words(gradients, words):
    assert words in gradient_words(np.array(gradients), ["a", "b"])


def test_a_run_with_one_checkpoint_has_no_slider(app, trained, monkeypatch):
    first = snapshots_of(RunStore().get(trained[0]))[-1:]
    monkeypatch.setattr("ui.inside.selection.snapshots_of", lambda run: list(first))
    for part in SECTIONS:
        test = app("inside", run=trained[0], part=part)
        assert not test.exception
        assert not test.select_slider


def test_a_damaged_checkpoint_is_reported(app, trained):
    run = RunStore().get(trained[1])
    file = Path(run.weight_files[0])
    whole = file.read_bytes()
    file.write_bytes(b"broken")
    test = app("inside", run=run.id, moment=f"{snapshots_of(run)[1].epoch:g}")
    file.write_bytes(whole)
    assert not test.exception
    assert "damaged" in test.error[0].value


def test_tiles():
    assert in_rows(np.arange(5), 3).tolist() == [[0, 1, 2], [3, 4, 0]]
    assert in_rows(np.arange(2), 3).tolist() == [[0, 1]]
    assert signed_url(np.zeros((2, 2)), 0.0).startswith("data:image/png")


def test_weak_values_beside_one_outlier_can_be_seen():
    values = np.array([[50.0, *np.full(198, 1.0), 0.1]])
    image = Image.open(BytesIO(base64.b64decode(signed_url(values, full_colour(values)).split(",")[1])))
    alpha = np.asarray(image)[0, :, 3]
    assert alpha[1] > 250
    assert 0.2 * 255 < alpha[-1] < 0.3 * 255
    assert full_colour(np.zeros((2, 2))) == 1


def test_a_matrix_as_a_table():
    page = matrix_html(np.diag(np.arange(10)), [str(digit) for digit in range(10)])
    assert page.count("<td") == 100
    assert counts(page).tolist() == np.diag(np.arange(10)).tolist()
