"""The visitor's own digit on the Train page: it goes to the run that they start; no other visitor sees it."""

import numpy as np
import torch

from mnist_core.data.mnist import load_sample
from mnist_core.runs.run_trainer import train_run
from mnist_core.runs.store import RunStore
from tests.app.drawings import STROKE
from tests.app.test_app_run_panel import SHORT, press, run_until
from ui import resources

NOTE = "Your digit is watched too"


def trained_with_a_digit(owner=""):
    writer = RunStore().create(SHORT, owner=owner, own_digit=load_sample().test.images[0])
    for _event in train_run(writer, load_sample(), torch.device("cpu")):
        pass
    return writer.id


def test_the_digit_drawn_last_is_handed_to_the_run_that_is_started(app, html):
    test = app("train")
    test.session_state["drawing"] = {"version": "7", "objects": [STROKE]}
    test.switch_page("pages/explore.py").run()
    image = test.session_state["read_images"][1][0]
    test.switch_page("pages/train.py").run()
    assert NOTE in html(test)
    press(test, "Start training")
    started = test.query_params["run"]
    assert np.array_equal(RunStore().get(started).own_digit, image)
    resources.training_queue().stop(started)
    run_until(test, lambda: not resources.training_queue().busy)


def test_without_a_drawing_there_is_nothing_to_hand_over(app, html):
    assert NOTE not in html(app("train"))


def test_a_finished_run_says_how_it_read_the_digit_before_and_after(app, html):
    shown = html(app("train", run=trained_with_a_digit()))
    assert "before the training" in shown
    assert "your digit" in shown


def test_who_opens_anothers_run_does_not_see_their_digit(app, html, monkeypatch):
    monkeypatch.setenv("DIGITLAB_PRIVATE", "1")
    shown = html(app("train", run=trained_with_a_digit(owner="somebody else")))
    assert "lab-watched" in shown
    assert "our digit" not in shown
