"""The Train form's settings written to the URL and read back."""

import random
from dataclasses import replace

import pytest
from streamlit.testing.v1.element_tree import ButtonGroup

from mnist_core.choices import CHOICES
from mnist_core.config import FIELD_RANGES, TrainConfig
from mnist_core.messages import InputError
from mnist_core.recipes import RECIPES
from mnist_core.runs.store import RunStore
from tests.app.train_form import form_settings, url_of
from ui import url_state
from ui.i18n import number_text
from ui.train_form.state import adjusted_settings, nearest_recipe, settings_from_query, settings_to_query
from ui.url_state import SETTING_PARAMETERS


def control(test, kind, field):
    return getattr(test, kind)(key=f"set_{field}")


def in_url(test):
    return {name: value for name, value in url_of(test).items() if name in SETTING_PARAMETERS.values()}


def test_a_control_that_a_browser_meets_in_a_later_run_has_its_value_too(app):
    test = app("train", recipe="tutorial-1", lang="en")
    test.session_state["all_settings"] = True
    test.run()
    test.run()  # does not set the values again
    config = RECIPES["tutorial-1"].config
    sliders = {slider.key: slider.proto for slider in test.select_slider}
    assert not sliders["set_batch_size"].set_value
    for field in ("learning_rate", "batch_size", "epochs", "dropout", "train_size"):
        proto = sliders[f"set_{field}"]
        assert proto.options[int(proto.default[0])] == number_text(getattr(config, field))
    assert control(test, "pills", "recipe").proto.default == [list(RECIPES).index("tutorial-1")]
    assert control(test, "toggle", "shuffle").proto.default is config.shuffle
    assert control(test, "number_input", "seed").proto.default == config.seed


def any_config(rng):
    """A config that may be anything the core takes."""

    def value(name, default):
        if name in CHOICES:
            return rng.choice(list(CHOICES[name]))
        if isinstance(default, bool):
            return rng.random() < 0.5
        if name not in FIELD_RANGES:
            return rng.choice(list(RECIPES))
        low, high = FIELD_RANGES[name]
        if isinstance(default, tuple):
            return tuple(rng.randint(low, high) for _ in range(rng.randint(0, 8)))
        return rng.randint(low, high) if isinstance(default, int) else rng.uniform(low, high)

    while True:
        try:
            return TrainConfig(
                **{name: value(name, default) for name, default in vars(TrainConfig()).items()}
            )
        except InputError:
            continue


def test_any_settings_survive_the_url():
    rng = random.Random(0)
    for _ in range(300):
        form = vars(any_config(rng))
        assert settings_from_query(settings_to_query(form), "quick") == (form, [])


def test_every_recipe_fills_the_form_and_survives_the_url(app):
    test = app("train")
    for name in reversed(RECIPES):
        control(test, "pills", "recipe").set_value(name).run()
        assert not test.exception
        assert form_settings(test) == RECIPES[name].config  # which reads the URL
    control(test, "pills", "recipe").set_value("tutorial-4a").run()
    again = app("train", **test.query_params)
    assert form_settings(again) == RECIPES["tutorial-4a"].config
    assert not again.warning


def test_a_link_to_any_settings_fills_the_form(app):
    rng = random.Random(1)
    for _ in range(3):
        config = replace(any_config(rng), architecture="mlp", batch_norm=False)
        config = replace(config, **adjusted_settings(vars(config)))
        test = app("train", **settings_to_query(vars(config)))
        assert not test.exception
        assert not test.error
        assert form_settings(test) == config


def test_an_untouched_form_is_not_in_the_url_and_a_change_puts_all_of_it_there(app):
    test = app("train")
    assert in_url(test) == {}
    control(test, "select_slider", "epochs").set_value(7).run()
    assert in_url(test) == settings_to_query(vars(replace(RECIPES["quick"].config, epochs=7)))
    assert test.query_params["channels"].count("-") == len(form_settings(test).channels) - 1


def test_links_to_other_pages_carry_the_form(app):
    test = app("train")
    control(test, "select_slider", "epochs").set_value(7).run()
    targets = [link.proto.query_string for link in test.get("page_link")]
    assert all("epochs=7" in target for target in targets)


def test_the_form_follows_when_the_url_changes(app, monkeypatch):
    """As Back and Forward do; AppTest has no such event, and a recent URL would count as a late one."""
    monkeypatch.setattr(url_state, "LATE_SECONDS", 0)
    test = app("train")
    control(test, "select_slider", "epochs").set_value(7).run()
    seven = dict(test.query_params)
    control(test, "pills", "recipe").set_value("tutorial-1").run()
    test.query_params = seven
    test.run()
    assert form_settings(test) == replace(RECIPES["quick"].config, epochs=7)
    assert control(test, "select_slider", "epochs").value == 7
    for name in in_url(test):
        del test.query_params[name]
    test.run()
    assert form_settings(test) == RECIPES["quick"].config
    assert control(test, "select_slider", "epochs").value == RECIPES["quick"].config.epochs


def test_a_short_link_takes_the_rest_from_its_recipe(app):
    test = app("train", recipe="tutorial-3", learning_rate="0.1")
    assert form_settings(test) == replace(RECIPES["tutorial-3"].config, learning_rate=0.1)


def test_settings_of_ones_own_are_shown_as_changes_of_the_nearest_recipe():
    config = replace(RECIPES["tutorial-3"].config, epochs=7, recipe="custom")
    assert nearest_recipe(config) == "tutorial-3"
    assert nearest_recipe(RECIPES["best"].config) == "best"


def test_an_old_link_keeps_its_meaning_when_the_recipe_changes(app, monkeypatch):
    query = settings_to_query(vars(RECIPES["quick"].config))
    changed = replace(RECIPES["quick"], config=replace(RECIPES["quick"].config, epochs=9, batch_size=32))
    monkeypatch.setitem(RECIPES, "quick", changed)
    test = app("train", **query)
    assert form_settings(test).epochs == int(query["epochs"])
    assert form_settings(test).batch_size == int(query["batch_size"])


BROKEN = [
    {"epochs": "nan"},
    {"epochs": "9" * 6000},
    {"epochs": "-3"},
    {"epochs": ""},
    {"learning_rate": "nan"},
    {"learning_rate": "1e999"},
    {"learning_rate": "fast"},
    {"widths": "64-x"},
    {"widths": "-"},
    {"widths": "1-" * 90 + "1"},
    {"channels": "0"},
    {"architecture": "__class__"},
    {"optimizer": "x" * 100_000},
    {"batch_norm": "perhaps"},
    {"recipe": "tutorial-9"},
    {"training_seed": "99999999999"},
    {"loss": "<script>alert(1)</script>"},
]


def test_every_broken_parameter_is_left_out():
    for broken in BROKEN:
        settings, unusable = settings_from_query({"momentum": "0.5", **broken}, "quick")
        assert unusable == [*broken]
        assert TrainConfig(**settings) == replace(RECIPES["quick"].config, momentum=0.5), broken


@pytest.mark.parametrize("broken", BROKEN[::5], ids=lambda broken: str(broken)[:40])
def test_a_broken_parameter_is_named_and_the_rest_works(app, broken):
    rest = {"momentum": "0.5"}
    test = app("train", **rest, **broken)
    assert not test.exception
    assert not test.error
    (name,) = broken
    (said,) = test.warning
    assert f"`{name}`" in said.value
    assert len(said.value) < 200
    assert form_settings(test) == replace(RECIPES["quick"].config, momentum=0.5)
    control(test, "select_slider", "epochs").set_value(7).run()
    assert not test.warning


def test_settings_that_can_not_go_together_get_their_sentence(app):
    test = app("train", batch_norm="true", train_size="1")
    assert not test.exception
    assert "Batch norm needs batches of at least 2 images" in test.error[0].value


def test_a_link_to_a_run_shows_the_settings_it_was_made_with(app, sample_only):
    writer = RunStore().create(replace(RECIPES["tutorial-5"].config, epochs=3))
    writer.close()
    assert form_settings(app("train", run=writer.id)) == writer.config
    assert form_settings(app("train", run=writer.id, recipe="quick")) == RECIPES["quick"].config


def test_no_other_page_uses_a_name_of_the_form():
    assert not {"lang", "run", "split", "digit", "seed", "from"} & set(SETTING_PARAMETERS.values())


def test_a_browser_that_says_the_recipe_in_the_old_language_changes_nothing(app, monkeypatch):
    test = app("train", recipe="tutorial-1", schedule="cosine")
    pills, own = control(test, "pills", "recipe"), ButtonGroup._widget_state.fget
    late = own(pills)
    late.string_array_value.data[:] = ["3 个 ReLU 层，Adam（教程 1）"]
    answer = property(lambda self: late if self.key == "set_recipe" else own(self))
    with monkeypatch.context() as patch:
        patch.setattr(ButtonGroup, "_widget_state", answer)
        test.run()
    control(test, "pills", "recipe").set_value("tutorial-1").run()  # and now in the words of the page
    assert not test.exception
    assert form_settings(test) == replace(RECIPES["tutorial-1"].config, schedule="cosine")


def test_a_late_message_with_the_values_before_a_recipe_changes_nothing(app):
    """As of a fragment that reruns by itself: Streamlit calls the callbacks of all controls in it."""
    test = app("train", recipe="tutorial-1")
    before = {name: control(test, "select_slider", name).value for name in ("batch_size", "epochs")}
    layers = control(test, "slider", "widths_count").value
    control(test, "pills", "recipe").set_value("tutorial-2").run()
    filled = form_settings(test)
    assert before != {name: getattr(filled, name) for name in before}
    for field, value in vars(RECIPES["tutorial-1"].config).items():
        kinds = [kind for kind in ("select_slider", "selectbox") if f"set_{field}" in keys(test, kind)]
        if kinds:
            control(test, kinds[0], field).set_value(value)
    control(test, "slider", "widths_count").set_value(layers)
    test.run()
    assert form_settings(test) == filled


def test_a_late_message_of_a_browser_that_has_a_part_of_the_new_form_changes_nothing(app):
    test = app("train", recipe="tutorial-1", batch_size="5", epochs="1000")
    control(test, "pills", "recipe").set_value("quick").run()
    filled = form_settings(test)
    control(test, "select_slider", "batch_size").set_value(5)
    control(test, "select_slider", "epochs").set_value(1000)  # all others are new
    test.run()
    assert form_settings(test) == filled


def test_a_control_can_be_set_back_after_a_recipe(app):
    test = app("train", recipe="tutorial-1")
    rate = control(test, "select_slider", "learning_rate").value
    control(test, "pills", "recipe").set_value("quick").run()
    control(test, "select_slider", "learning_rate").set_value(rate).run()
    assert form_settings(test) == replace(RECIPES["quick"].config, learning_rate=rate)


def keys(test, kind):
    return [element.key for element in getattr(test, kind)]
