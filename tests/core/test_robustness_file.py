"""Robustness kept with a run: the same comes back, and nothing that isn't whole or of other strengths."""

import json
from dataclasses import replace

import pytest

from mnist_core.analysis.robustness import TRIALS, Robustness
from mnist_core.analysis.robustness_file import (
    MOST_KEPT,
    ROBUSTNESS_FILE,
    keep_robustness,
    kept_robustness,
)


@pytest.fixture
def result() -> Robustness:
    return Robustness(
        200,
        3,
        0.98,
        {name: tuple(0.9 - n / 100 for n, _ in enumerate(TRIALS[name].strengths)) for name in TRIALS},
    )


def test_what_is_kept_comes_back(tmp_path, result):
    assert kept_robustness(tmp_path, "a") is None
    keep_robustness(tmp_path, "a", result)
    keep_robustness(tmp_path, "b", replace(result, seed=4))
    assert kept_robustness(tmp_path, "a") == result
    assert kept_robustness(tmp_path, "b").seed == 4
    assert kept_robustness(tmp_path, "c") is None


def test_only_so_many_are_kept_the_latest(tmp_path, result):
    for number in range(MOST_KEPT + 1):
        keep_robustness(tmp_path, str(number), result)
    assert kept_robustness(tmp_path, "0") is None
    assert kept_robustness(tmp_path, str(MOST_KEPT)) == result


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"a": 1}', '{"a": {}}', '{"a": {"strengths": []}}'])
def test_a_damaged_file_is_as_none_and_is_replaced(tmp_path, result, text):
    (tmp_path / ROBUSTNESS_FILE).write_text(text)
    assert kept_robustness(tmp_path, "a") is None
    keep_robustness(tmp_path, "a", result)
    assert kept_robustness(tmp_path, "a") == result


def test_other_strengths_than_todays_are_not_the_same_measurement(tmp_path, result):
    keep_robustness(tmp_path, "a", result)
    entries = json.loads((tmp_path / ROBUSTNESS_FILE).read_text())
    entries["a"]["strengths"]["blur"][1] += 1
    (tmp_path / ROBUSTNESS_FILE).write_text(json.dumps(entries))
    assert kept_robustness(tmp_path, "a") is None


def test_one_that_is_not_whole_does_not_come_back(tmp_path, result):
    accuracies = {**result.accuracies, "blur": result.accuracies["blur"][:2]}
    keep_robustness(tmp_path, "a", replace(result, accuracies=accuracies))
    assert kept_robustness(tmp_path, "a") is None


def test_nowhere_to_write_is_told(tmp_path, result):
    with pytest.raises(FileNotFoundError):
        keep_robustness(tmp_path / "gone", "a", result)
