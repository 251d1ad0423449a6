"""Splits evaluated in parts: equal to the whole, cached, and ended by another click."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from mnist_core.config import TrainConfig
from mnist_core.data.mnist import load_sample
from mnist_core.evaluation.metrics import evaluate
from mnist_core.models.architectures import build_model
from ui import evaluations


@pytest.fixture(autouse=True)
def in_small_parts(sample_only, monkeypatch):
    monkeypatch.setattr(evaluations, "IMAGES_PER_PART", 100)
    monkeypatch.setattr(evaluations, "SECONDS_UNSEEN", -1)


@pytest.fixture
def model():
    return build_model(TrainConfig(widths=(8,)))


def test_evaluating_in_parts_gives_the_whole_evaluation(model):
    split, told = load_sample().test, []
    found, whole = evaluations.read_split(("a",), lambda: model, split, told.append), evaluate(model, split)
    for name in ("labels", "probabilities", "losses"):
        assert np.allclose(getattr(found, name), getattr(whole, name), rtol=0, atol=1e-6)
    assert told == [100 / 297, 200 / 297, 1.0]


def test_what_was_used_last_is_kept_and_the_pretrained_model_s_always(model, monkeypatch):
    monkeypatch.setattr(evaluations, "IMAGES_KEPT", 30)
    split, shipped = load_sample().test[:10], f"{evaluations.PRETRAINED}/checkpoints/epoch-0019"

    def read(key, load=lambda: model):
        return evaluations.read_split((key,), load, split)

    pretrained, first, _second = read(shipped), read("a"), read("b")
    assert read("a", pytest.fail) is first
    read("c")  # "b" goes, "a" was used since
    assert read("a", pytest.fail) is first
    for key in "def":
        read(key)
    assert read(shipped, pytest.fail) is pretrained
    assert read("a") is not first


def test_the_pretrained_model_s_evaluation_comes_with_its_weights(model, monkeypatch):
    split, asked, weights = load_sample().test[:10], [], f"{evaluations.PRETRAINED}/checkpoints/epoch-0019"
    known = evaluate(model, split)

    def shipped(*of):
        asked.append(of)
        return known

    monkeypatch.setattr(evaluations, "kept_evaluation", shipped)
    assert [evaluations.read_split((weights,), pytest.fail, split) for _visitor in range(2)] == [known, known]
    assert asked == [(Path(weights), split)]
    assert evaluations.read_split(("another",), lambda: model, split) is not known


def test_visitors_who_wait_for_the_same_share_the_work(model, monkeypatch):
    split, read, together = load_sample().test, [], threading.Barrier(3, timeout=60)

    def counted(model, part):
        read.append(len(part))
        return evaluate(model, part)

    def visit(_visitor):
        together.wait()
        return evaluations.read_split(("a",), lambda: model, split)

    monkeypatch.setattr("mnist_core.evaluation.metrics.evaluate", counted)
    with ThreadPoolExecutor(3) as visitors:
        first, *others = visitors.map(visit, range(3))
    assert all(other is first for other in others)
    assert read == [100, 100, 97]


def test_a_click_meanwhile_ends_it_and_who_comes_next_goes_on(model, monkeypatch):
    split, read = load_sample().test, []

    class Clicked(Exception):
        """What Streamlit's elements raise then."""

    def click(fraction):
        raise Clicked

    def counted(model, part):
        read.append(len(part))
        return evaluate(model, part)

    monkeypatch.setattr("mnist_core.evaluation.metrics.evaluate", counted)
    with pytest.raises(Clicked):
        evaluations.read_split(("a",), lambda: model, split, click)
    assert read == [100]
    assert len(evaluations.read_split(("a",), lambda: model, split).labels) == 297
    assert read == [100, 100, 97]


def test_progress_comes_with_a_stop_that_is_remembered():
    def page():
        import streamlit as st

        from ui.evaluations import evaluation_progress, hold_if_stopped

        hold_if_stopped("all of it")
        show = evaluation_progress("all of it")
        show(0.2, "a fifth")
        show(0.5, "half")
        st.write("read")

    test = AppTest.from_function(page, default_timeout=60).run()
    assert [button.label for button in test.button] == ["Stop"]
    assert [bar.proto.text for bar in test.get("progress")] == ["half"]
    test.button[0].click().run()
    assert "Stopped" in test.info[0].value
    assert not test.markdown
    test.button[0].click().run()
    assert test.markdown[0].value == "read"
