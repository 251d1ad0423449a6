import re

import numpy as np
import pytest

from mnist_core.config import TrainConfig
from mnist_core.data import load_sample
from mnist_core.evaluation import Evaluation
from mnist_core.runs.store import RunStore
from ui.charts import confusion_figure


@pytest.fixture
def run(sample_only):
    from mnist_core.architectures import build_model

    writer = RunStore().create(TrainConfig(widths=(8,), monitor="test"))
    writer.save(build_model(writer.config), 1)
    writer.update("finished", parameters=6370)
    writer.close()
    return writer.id


@pytest.fixture
def answers(monkeypatch):
    """Answers that are right but for five nines read as fours."""
    labels = load_sample().test.labels.astype(np.int64)
    probabilities = np.eye(10, dtype=np.float32)[labels]
    nines = np.flatnonzero(labels == 9)[:5]
    probabilities[nines] = np.eye(10, dtype=np.float32)[4]
    losses = np.where(np.isin(np.arange(len(labels)), nines), 9.0, 0.0).astype(np.float32)
    result = Evaluation(labels, probabilities, losses)
    monkeypatch.setattr("ui.resources.evaluation", lambda run: result)
    return result


def test_without_a_network_it_says_what_to_do(app, monkeypatch):
    monkeypatch.setattr("ui.resources.find_run", lambda run_id: None)
    test = app("evaluate")
    assert "Train one first" in test.info[0].value
    assert not test.exception


def test_shows_accuracy_confusions_table_and_errors(app, html, run, answers):
    test = app("evaluate", run=run)
    assert not test.exception
    assert test.metric[0].value == f"{292 / 297:.2%}"
    assert test.metric[2].value == "5"
    text = " ".join(element.value for element in test.markdown)
    assert "**292** of **297**" in text
    assert "**9** read as **4**: 5 times" in text
    assert test.dataframe[0].value.shape == (10, 5)
    assert test.dataframe[0].value["recall"][9] < 100
    assert len(re.findall(r'alt="Test image \d+: a 9 read as 4, &gt; 99% sure"', html(test))) == 5
    assert "judge it a little too kindly" in test.caption[0].value


def test_a_perfect_network_has_no_errors_to_show(app, run, answers, monkeypatch):
    perfect = Evaluation(answers.labels, np.eye(10, dtype=np.float32)[answers.labels], answers.losses * 0)
    monkeypatch.setattr("ui.resources.evaluation", lambda run: perfect)
    test = app("evaluate", run=run)
    assert not test.exception
    assert sum("no error" in element.value for element in test.markdown) == 2


def test_more_errors_on_demand(app, html, run):
    test = app("evaluate", run=run)
    before = html(test).count("<figure")
    next(button for button in test.button if button.label == "Show more").click().run()
    assert html(test).count("<figure") == before + 12


def test_an_unknown_run_in_the_link_is_said(app, run):
    test = app("evaluate", run="0123456789abcdef")
    assert not test.exception
    assert "no saved weights here" in test.warning[0].value


def test_a_damaged_checkpoint_gets_a_sentence(app, run):
    RunStore().get(run).checkpoints[-1].write_bytes(b"broken")
    test = app("evaluate", run=run)
    assert not test.exception
    assert "damaged" in test.error[0].value


def test_the_heatmap_shows_counts_and_leaves_zeros_empty():
    matrix = np.diag(np.full(10, 100))
    matrix[4, 9] = 1
    (heatmap,) = confusion_figure(matrix, "true", "read", "%{y} as %{x}").data
    assert heatmap.text[4][9] == "1"
    assert heatmap.text[0][1] == ""
    assert heatmap.z[4][9] > 0.1 * heatmap.z[0][0]
