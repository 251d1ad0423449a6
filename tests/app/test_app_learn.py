"""Learn: chapters by link, the guess, the explanation, the progress, and the link to Train."""

import pytest

from tests.app.train_form import url_of
from ui.learn.chapters import CHAPTERS
from ui.train_form.state import settings_from_query


def words(test):
    return "\n".join(element.value for element in [*test.markdown, *test.caption, *test.subheader])


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_each_chapter_opens_by_link_and_explains_once_it_was_read(app, chapter):
    for lang in ("en", "zh"):  # what a chapter computes is there for the second visitor
        test = app("learn", chapter=chapter, lang=lang)
        assert not test.exception
        assert "Your guess" not in words(test)
        test.button(key="lab_without_guessing").click().run()
        assert not test.exception
        assert url_of(test)["read"] == chapter
        assert url_of(test)["chapter"] == chapter


def test_a_guess_opens_the_explanation_and_stands_beside_what_was_shown(app):
    test = app("learn", chapter="image")
    assert "Your guess" not in words(test)
    test.pills(key="predict_image").set_value("one").run()
    assert "Your guess" in words(test)
    assert "**1 place**" in words(test)
    assert "**28 places, in every row**" in words(test)


def test_a_guess_pressed_again_stays_the_guess(app):
    test = app("learn", chapter="image")
    test.pills(key="predict_image").set_value("one").run()
    test.pills(key="predict_image").set_value(None).run()
    assert "**1 place**" in words(test)


def test_a_chapters_link_has_its_controls_but_nothing_of_the_visitor(app):
    test = app("learn", chapter="image", digit="7", lang="zh", read="neuron", run="secret", epochs="3")
    (address,) = (code.value.partition("?")[2] for code in test.code)
    assert sorted(address.split("&")) == ["chapter=image", "digit=7", "lang=zh"]


def test_nonsense_in_the_url_opens_the_first_chapter_that_was_not_read(app):
    test = app("learn", chapter="nonsense", read="image-nonsense", digit="x", example="-1", scaling="?")
    assert not test.exception
    unread = [key for key in CHAPTERS if key != "image"]
    assert url_of(test)["chapter"] == (unread or [*CHAPTERS])[0]
    assert url_of(test)["read"] == "image"


def test_the_progress_goes_with_the_visitor_to_another_page_and_back(app):
    test = app("learn", chapter="image")
    test.button(key="lab_without_guessing").click().run()
    test.switch_page("pages/runs.py").run()
    test.query_params.clear()
    test.switch_page("pages/learn.py").run()
    assert url_of(test)["read"] == "image"
    label = f"All chapters: 1 of {len(CHAPTERS)} read"
    assert [box.label for box in test.expander if box.label.startswith("All chapters")] == [label]


def test_try_it_yourself_opens_train_with_the_chosen_scaling(app):
    test = app("learn", chapter="image", read="image", scaling="symmetric")
    link = next(found.proto for found in test.get("page_link") if "Try it yourself" in found.proto.label)
    query = dict(pair.split("=") for pair in link.query_string.split("&"))
    settings, unusable = settings_from_query(query, "quick")
    assert unusable == []
    chosen = [settings[field] for field in ("recipe", "input_scaling", "epochs")]
    assert chosen == ["tutorial-5", "symmetric", 1]


def test_the_next_image_of_a_digit_is_another_one_of_it(app):
    test = app("learn", chapter="image", digit="7")
    test.button(key="lab_next_example").click().run()
    assert url_of(test)["example"] == "1"


def test_the_help_of_a_setting_links_to_its_chapter(app):
    test = app("train")
    test.session_state["all_settings"] = True
    test.run()
    (scaling,) = [each for each in test.selectbox if each.label == "Input scaling"]
    assert scaling.help.endswith("[What is this?](learn?chapter=image)")
