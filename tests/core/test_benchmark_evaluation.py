"""The benchmark of evaluation: every line with its limit, and whether all are within theirs."""

from dataclasses import replace

import pytest

from benchmarks import evaluation
from benchmarks.comparison import statements
from mnist_core.config import TrainConfig
from mnist_core.models.architectures import build_model
from mnist_core.runs.store import RunStore


@pytest.mark.parametrize(("seconds", "word", "fine"), [(1.5, "within", True), (1.6, "OVER", False)])
def test_each_line_says_whether_it_is_within_its_limit(sample, monkeypatch, seconds, word, fine):
    rows = [("a", 0.1, 0.2, 0.4), ("b", seconds, 1.5, None), ("c", 9.0, None, None)]
    monkeypatch.setattr(evaluation, "timed", lambda split: rows)
    table, within = evaluation.report(sample.test)
    lines = table.splitlines()[2:]
    assert lines[0] == "| a | 0.10 | 0.2 | within | 0.40 | 4.0 |"
    assert word in lines[1]
    assert lines[2].startswith("| c | 9.00 |  |  |")
    assert within is fine


def test_everything_with_a_limit_is_timed(sample, monkeypatch):
    monkeypatch.setattr(evaluation, "LIMITS", {"tutorial-1": 5.0})
    monkeypatch.setattr(evaluation, "IMAGES", 2)
    monkeypatch.setattr(evaluation, "MAPPED", 40)
    monkeypatch.setattr(evaluation, "TIMES", 1)
    cnn = evaluation.RECIPES["tutorial-4b"]
    narrow = replace(cnn.config, channels=(4, 4), widths=(8,))
    monkeypatch.setitem(evaluation.RECIPES, "tutorial-4b", replace(cnn, config=narrow))
    monkeypatch.setattr("mnist_core.runs.run.Run.load_model", lambda run: build_model(narrow))
    timed = list(evaluation.timed(sample.test[:40]))
    names = [what for what, *_ in timed]
    assert [name.split(",")[0] for name in names] == [
        "tutorial-1",
        "tutorial-4b",
        "pretrained model",
        "t-SNE of 40 images",
    ]
    assert all(taken > 0 for _, taken, *_ in timed)
    assert [limit for _, _, limit, _ in timed] == [5.0, 90.0, 90.0, 15.0]


def test_what_is_said_of_runs_names_them_and_their_pairs(sample, tmp_path):
    store, runs = RunStore(tmp_path), []
    for seed in (0, 1, 2):
        writer = store.create(TrainConfig(widths=(8,), seed=seed))
        writer.save(build_model(writer.config), 1)
        writer.update("finished", epochs=1)
        writer.close()
        runs.append(store.get(writer.id))
    said = statements(runs, sample)
    assert said.count("only “custom, seed 2”") == 2
    assert "Corrected for the 3 pairs" in said
    assert "custom, seed 0: " in said
