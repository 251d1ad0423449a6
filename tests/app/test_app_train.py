import threading
import time
from dataclasses import replace

import pytest

from mnist_core.config import TrainConfig
from mnist_core.recipes import RECIPES
from mnist_core.runs.queued_run import Snapshot
from mnist_core.runs.store import RunStore
from mnist_core.runtime.job import Job
from tests.app.train_form import form_settings
from ui.i18n import duration_text, number_text
from ui.runs.progress import progress_text


def control(test, kind, field):
    return getattr(test, kind)(key=f"set_{field}")


def expert(app, **query):
    """Open the Train page with all its controls."""
    test = app("train", **query)
    test.session_state["all_settings"] = True
    return test.run()


def press(test, label):
    return next(button for button in test.button if button.label == label).click().run()


def text(test):
    return " ".join([*(e.value for e in test.markdown), *(e.label for e in test.expander)])


def controls(test):
    kinds = ("selectbox", "slider", "select_slider", "toggle")
    form = [control for kind in kinds for control in getattr(test.main, kind)]
    return [test.pills(key="set_recipe"), *form]


def trained(test, seconds=60):
    """Run the page until its training has ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        test.run()
        assert not test.exception
        if any("finished" in element.value for element in test.subheader):
            return test
        time.sleep(0.2)
    raise AssertionError("the training did not end")


def test_parameters_of_a_tutorial_and_what_it_watches_are_said(app):
    test = app("train")
    control(test, "pills", "recipe").set_value("tutorial-3").run()
    assert "**203,530** parameters" in text(test)
    assert "297 test images, as in the tutorials" in text(test)


def test_a_beginner_sees_about_six_controls(app):
    assert len(controls(app("train"))) == 7  # the recipe and six settings
    every = {f"set_{field}" for field in TrainConfig.__dataclass_fields__}
    assert every - {c.key for c in controls(expert(app))} == {"set_widths", "set_channels", "set_seed"}


def test_settings_that_are_not_shown_are_kept(app):
    test = expert(app)
    control(test, "select_slider", "weight_decay").set_value(0.01).run()
    test.session_state["all_settings"] = False
    test.run()
    control(test, "select_slider", "epochs").set_value(7).run()
    assert form_settings(test) == replace(RECIPES["quick"].config, weight_decay=0.01, epochs=7)
    test.session_state["all_settings"] = True
    assert control(test.run(), "select_slider", "weight_decay").value == 0.01


def test_a_links_changes_are_named_also_where_their_control_is_hidden(app):
    assert "Changed from the recipe: Dropout" in [c.value for c in app("train", dropout="0.3").caption]


def test_a_change_is_named_kept_over_pages_and_undone(app):
    test = app("train")
    control(test, "select_slider", "epochs").set_value(7).run()
    assert "Changed from the recipe: Epochs" in [c.value for c in test.caption]
    test.switch_page("pages/explore.py").run()
    test.switch_page("pages/train.py").run()
    assert form_settings(test).epochs == 7
    press(test, "Undo")
    assert form_settings(test) == RECIPES["quick"].config


def test_layers_are_edited_one_by_one(app):
    test = app("train")
    control(test, "pills", "recipe").set_value("tutorial-1").run()
    control(test, "slider", "widths_count").set_value(2).run()
    control(test, "number_input", "widths_1").set_value(30).run()
    assert form_settings(test).widths == (64, 30)
    control(test, "slider", "widths_count").set_value(3).run()
    assert form_settings(test).widths == (64, 30, 30)


def test_settings_that_can_not_go_together_are_refused_by_their_controls(app):
    test = expert(app)
    control(test, "select_slider", "label_smoothing").set_value(0.1).run()
    control(test, "selectbox", "loss").select("nll").run()
    assert control(test, "select_slider", "label_smoothing").disabled
    control(test, "select_slider", "batch_size").set_value(1).run()
    assert control(test, "toggle", "batch_norm").disabled
    control(test, "pills", "recipe").set_value("tutorial-3").run()
    control(test, "selectbox", "monitor").select("validation").run()
    assert not test.exception
    assert not test.error
    assert form_settings(test).validation_size > 0


def test_nesterov_is_given_momentum(app):
    test = expert(app)
    control(test, "selectbox", "optimizer").select("momentum").run()
    control(test, "select_slider", "momentum").set_value(0.0).run()
    control(test, "selectbox", "optimizer").select("nesterov").run()
    assert not test.error
    assert form_settings(test).momentum == 0.5
    said = "Adjusted to match the other settings: Momentum."
    assert said in [c.value for c in test.caption]
    control(test, "select_slider", "epochs").set_value(7).run()
    assert said not in [c.value for c in test.caption]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"epochs": "x"}, "The link's value of `epochs` is invalid; the recipe's own value is used instead."),
        (
            {"epochs": "x", "recipe": "none"},
            "The link's values of `recipe`, `epochs` are invalid; the recipe's own values are used instead.",
        ),
    ],
)
def test_what_a_link_says_wrongly_is_named_in_the_singular_or_the_plural(app, query, said):
    assert said in [warning.value for warning in app("train", **query).warning]


def test_a_link_that_can_not_go_together_says_what_was_changed(app):
    test = app("train", optimizer="nesterov", momentum="0")
    assert "Adjusted to match the other settings: Momentum." in [c.value for c in test.caption]


def test_every_architecture_can_be_chosen_from_any_layers(app):
    test = app("train")
    control(test, "pills", "recipe").set_value("tutorial-4b").run()
    for name in ("vgg", "softmax", "resnet", "mlp", "cnn", "lenet5", "fast_cnn"):
        if any(slider.key == "set_channels_count" for slider in test.slider):
            least = control(test, "slider", "channels_count").min
            control(test, "slider", "channels_count").set_value(least).run()
        control(test, "selectbox", "architecture").select(name).run()
        assert not test.exception, name
        assert not test.error, name
        assert "parameters" in text(test), name


def test_an_architecture_brings_its_own_layers_and_the_recipes_own_come_back(app):
    test = app("train")
    control(test, "selectbox", "architecture").select("mlp").run()
    form = form_settings(test)
    assert (form.widths, form.batch_norm) == ((128, 64), False)
    captions = [c.value for c in test.caption]
    assert "Changed from the recipe: Network, Hidden layers, Batch norm" in captions
    assert "Before your changes: A small CNN that reaches 99% in seconds." in captions
    control(test, "selectbox", "architecture").select("fast_cnn").run()
    assert form_settings(test) == RECIPES["quick"].config
    assert "A small CNN that reaches 99% in seconds." in [c.value for c in test.caption]


def rate_warning(test):
    return [c.value for c in test.caption if "Unusual learning rate" in c.value]


def test_an_untouched_learning_rate_follows_the_optimizer_and_a_touched_one_is_warned_of(app):
    test = expert(app, recipe="tutorial-3")
    for optimizer, rate in (("adam", 0.001), ("adadelta", 1.0), ("sgd", 0.5)):
        control(test, "selectbox", "optimizer").select(optimizer).run()
        assert form_settings(test).learning_rate == rate
        assert not rate_warning(test)
    control(test, "select_slider", "learning_rate").set_value(0.2).run()
    assert not rate_warning(test)
    control(test, "selectbox", "optimizer").select("adam").run()
    assert form_settings(test).learning_rate == 0.2
    (warning,) = rate_warning(test)
    assert "Adam usually takes about 0.001" in warning


def test_train_watch_and_read_the_result(app):
    test = app("train", train_size="300")
    control(test, "select_slider", "epochs").set_value(1).run()
    press(test, "Start training")
    run_id = test.query_params["run"]
    trained(test)
    run = RunStore().get(run_id)
    assert run.config == replace(RECIPES["quick"].config, epochs=1, train_size=300)
    assert test.metric[0].value == f"{run.results['test_accuracy']:.2%}"
    assert test.metric[1].label == "Before training (validation set)"
    assert app("train", run=run_id).metric[0].value == test.metric[0].value
    assert app("evaluate", run=run_id).metric[0].value == test.metric[0].value


def test_a_failed_run_says_why(app, sample_only):
    writer = RunStore().create(TrainConfig())
    from mnist_core.messages import Message

    writer.update("failed", Message("Training diverged at step {step}.", {"step": 3}))
    writer.close()
    test = app("train", run=writer.id)
    assert test.error[0].value == "Training diverged at step 3."


def test_a_run_that_is_gone_is_said(app):
    test = app("train", run="0123456789abcdef")
    assert "not on this server" in test.warning[0].value
    assert not test.exception


@pytest.mark.parametrize("name", ["last", "0", ""])
def test_a_link_opens_a_run_by_its_whole_id_only(app, sample_only, name):
    writer = RunStore().create(TrainConfig())
    writer.close()
    test = app("train", run=name or writer.id[:5])
    assert not test.subheader


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.04, "0.04 s"),
        (0.4, "0.4 s"),
        (2.04, "2 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (61, "1 min 1 s"),
        (7260, "2 h 1 min"),
    ],
)
def test_durations_in_words(seconds, said):
    assert duration_text(seconds) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.001, "0.001"), (1e-05, "0.00001"), (0.5, "0.5"), (10.0, "10"), (60_000, "60,000"), (0.0, "0")],
)
def test_numbers_as_people_write_them(value, said):
    assert number_text(value) == said


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"ahead": 2, "wait_seconds": 40.0}, "Queued behind 2 runs, about 40 s"),
        ({"ahead": 0}, "First in the queue: begins as soon as a worker is there"),
        ({"ahead": 0, "step": 25, "steps": 100}, "25% done, goes on as soon as a worker is there"),
        (
            {"ahead": 1, "wait_seconds": 30.0, "step": 25, "steps": 100, "time_share": 0.5},
            "25% done, goes on after 1 run, about 30 s. "
            "Visitors take turns of 30 s: 50% of the time is yours.",
        ),
        (
            {"status": "running", "step": 25, "steps": 100, "train_seconds": 10.0, "time_share": 0.25},
            "Epoch 2 of 5, 2 min 0 s left, 0 images per second. "
            "Visitors take turns of 30 s: 25% of the time is yours.",
        ),
    ],
)
def test_a_runs_place_and_share_are_said(state, said):
    assert progress_text(Snapshot("id", TrainConfig(epochs=5), 0.1, **state)) == said


def test_a_new_server_shows_the_form_before_it_waits_for_pytorch(app, monkeypatch):
    shown = []
    go_on = threading.Event()

    def load_slowly():
        yield 0.0, None
        go_on.wait(60)

    def progress(_place, fraction, text):
        shown.append(text)
        go_on.set()
        assert 0 < fraction <= 1

    job = Job("torch", load_slowly)
    monkeypatch.setattr("ui.resources.torch_job", lambda: job)
    monkeypatch.setattr("ui.train_form.controls.show_form", lambda _form: shown.append("form"))
    monkeypatch.setattr("streamlit.delta_generator.DeltaGenerator.progress", progress)
    test = app("train")
    assert not test.exception
    assert shown[0] == "form"
    assert shown[1].startswith("Loading PyTorch: ")
    assert any(button.label == "Start training" for button in test.button)


WAITING = {
    "inside": {"run": "pretrained"},
    "evaluate": {"run": "pretrained", "view": "robust"},
    "learn": {"chapter": "autograd"},
}


@pytest.mark.parametrize("page", WAITING)
def test_other_pages_that_need_pytorch_show_how_far_it_is(app, page, monkeypatch):
    waited = []
    monkeypatch.setattr("ui.resources.wait_for_torch", lambda: waited.append(page))
    assert not app(page, **WAITING[page]).exception
    assert waited
