"""The sections below the Draw page's answer: steps, saliency, layers, neighbours, changes, other networks."""

import re

import numpy as np
import pytest

from mnist_core.evaluation.perturbations import PERTURBATIONS
from tests.app.drawings import ANSWER, STROKE, drawn, shifted
from ui import explanations
from ui.draw.contrast import place_text
from ui.draw.model_comparison import agreement
from ui.draw.perturbation_sliders import stability
from ui.html.digits import ABOVE, BELOW, on_ink
from ui.resources import find_run


def test_a_closed_section_is_not_computed(app, run, monkeypatch):
    monkeypatch.setattr(
        "ui.drawing_input.ReadDrawing.steps", lambda self, place: pytest.fail("nobody asked for it")
    )
    assert not drawn(app, run, STROKE).exception


def test_step_by_step_shows_what_is_read_after_each(app, run, html):
    test = drawn(app, run, STROKE, look="steps")
    assert not test.exception
    assert html(test).count('role="listitem"') == 50  # four steps beside the answer
    test = drawn(app, run, shifted(0), shifted(100), look="steps")
    assert not test.exception
    assert html(test).count('role="listitem"') == 40


def test_what_speaks_for_each_digit_is_coloured(app, run, html):
    test = drawn(app, run, STROKE, look="attention")
    assert not test.exception
    read = int(re.match(ANSWER, test.subheader[0].value)[2])
    assert f"Your digit: saliency for {read}" in html(test)
    other = (read + 1) % 10
    test.segmented_control(f"speaks_for_{read}").set_value(other).run()
    assert f"Your digit: saliency for {other}" in html(test)


def test_a_corrected_label_opens_why_it_was_not_read(app, html, monkeypatch):
    monkeypatch.setattr("ui.explanations.COMPARED_WITH", 200)  # not all 1,500, which take seconds
    test = drawn(app, "pretrained", STROKE)
    assert test.subheader[0].value.startswith("Prediction: 7")
    test.button("label_1").click().run()
    assert not test.exception
    assert test.query_params["look"] == "instead"
    assert test.segmented_control("speaks_for_other_7").value == 1
    said = " ".join(element.value for element in test.markdown)
    assert "The network reads **7**" in said
    assert "pixels speak for 7, most of all" in said
    assert re.search("Then it reads 1 \\([0-9.]+%\\)", said)
    assert "by the activations of the last hidden layer" in said
    assert "Your digit with pixels added and removed, read as 1" in html(test)
    assert html(test).count("Handwritten 1, image number") == 4
    monkeypatch.setattr("ui.draw.contrast.found_change", lambda *_: None)  # its search takes seconds
    test.segmented_control("speaks_for_other_7").set_value(9).run()
    assert html(test).count("Handwritten 9, image number") == 4


def test_the_right_label_opens_nothing(app):
    test = drawn(app, "pretrained", STROKE)
    test.button("label_7").click().run()
    assert "look" not in test.query_params


@pytest.mark.parametrize(
    ("row", "column", "words"),
    [(2, 25, "at the top right"), (14, 14, "in the middle"), (27, 0, "at the bottom left")],
)
def test_the_place_of_most_weight_is_said(row, column, words):
    weights = np.zeros((28, 28))
    weights[row, column] = 1
    assert place_text(weights) == words


def test_colours_lie_on_the_faint_ink():
    values, image = np.zeros((28, 28)), np.zeros((28, 28), np.uint8)
    values[0, 0], values[1, 1], image[2, 2] = 2, -1, 200
    colours = on_ink(values, image)
    assert tuple(colours[0, 0]) == ABOVE
    np.testing.assert_allclose(colours[1, 1], np.array(BELOW) / 2, atol=1)
    assert tuple(colours[2, 2]) == (80, 80, 80)


def test_the_layers_show_what_they_make_of_the_drawing(app, run, html):
    test = drawn(app, run, STROKE, look="layers")
    assert not test.exception
    assert html(test).count('class="lab-tiles"') == 1  # the hidden layer


def test_the_nearest_training_images_are_shown(app, run, html):
    test = drawn(app, run, STROKE, look="similar")
    assert not test.exception
    assert html(test).count("&nbsp;distance ") == explanations.NEIGHBOURS
    train = explanations.compared_with(find_run(run))
    indices, distances = explanations.nearest_training(find_run(run), train.images[7])
    assert indices[0] == 7
    assert distances[0] == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("section", ["steps", "attention", "layers", "similar", "changes", "others"])
def test_without_a_drawing_a_section_says_what_to_do(app, run, section):
    test = app("draw", run=run, look=section)
    assert not test.exception
    assert "Draw a digit first" in test.info[0].value


def test_the_reading_changes_with_the_sliders(app, run):
    test = drawn(app, run, STROKE, look="changes")
    assert sum("Unchanged. " in text.value for text in test.markdown) == 4
    test.select_slider("change_turn").set_value(45.0).run()
    assert not test.exception
    assert any(text.value.endswith("Rotation: 45°.") for text in test.markdown)
    typed = next(field for field in test.text_input if field.key.startswith("change_turn_typed"))
    typed.set_value("-33.5°").run()
    assert any(text.value.endswith("Rotation: \N{MINUS SIGN}33.5°.") for text in test.markdown)
    assert sum("The prediction stays" in text.value for text in test.caption) == 4


def test_where_the_reading_stays_the_same():
    turn = PERTURBATIONS["turn"]
    same = np.abs(turn.amounts) <= 30
    said = stability(turn, turn.amounts, same, int(np.abs(turn.amounts).argmin()), 7)
    assert said == "The prediction stays 7 from \N{MINUS SIGN}30° to 30°."
    always = np.ones(len(same), bool)
    assert "over the whole range" in stability(turn, turn.amounts, always, len(same) // 2, 7)
    noise = PERTURBATIONS["noise"]
    assert "from 0 to 40 of 255" in stability(noise, noise.amounts, noise.amounts <= 40, 0, 7)


def test_other_networks_read_the_same_drawing(app, run):
    test = drawn(app, run, STROKE, look="others")
    assert not test.exception
    assert any(re.search("predict \\*\\*|differ", text.value) for text in test.markdown)
    assert any(
        re.match("(Prediction|Not sure:|Not a digit, most likely) \\*\\*", text.value)
        for text in test.markdown
    )
    (chosen,) = test.multiselect
    assert len(chosen.value) == 1  # the pretrained model
    assert len(test.get("html")) >= 3


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["7", "7"], "Both predict **7**."),
        (["7", "7", "7"], "All 3 predict **7**."),
        (["7", "1", "7"], "2 of 3 predict **7**."),
        (["1", "2"], "All 2 predictions differ"),
    ],
)
def test_agreement_in_words(texts, said):
    assert agreement(texts).startswith(said)
