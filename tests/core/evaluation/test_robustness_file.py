"""Robustness stored with a run: it is read back unchanged, without incomplete results and other strengths."""

import csv
import io
import json
from dataclasses import replace

import pytest

from mnist_core.evaluation.robustness import (
    DISTURBANCES,
    MOST_KEPT,
    ROBUSTNESS_FILE,
    MeasurementKey,
    Robustness,
    load_robustness,
    save_robustness,
    strengths_csv,
)

ONE = MeasurementKey("epoch-0002.000", "mnist", "test", 200, 3)
OTHER = ONE._replace(split="validation", seed=4)


@pytest.fixture
def result() -> Robustness:
    return Robustness(
        200,
        3,
        0.98,
        {
            name: tuple(0.9 - n / 100 for n, _ in enumerate(DISTURBANCES[name].strengths))
            for name in DISTURBANCES
        },
    )


def test_saved_results_are_loaded(tmp_path, result):
    assert load_robustness(tmp_path) == {}
    save_robustness(tmp_path, ONE, result)
    save_robustness(tmp_path, OTHER, replace(result, seed=4))
    assert load_robustness(tmp_path) == {ONE: result, OTHER: replace(result, seed=4)}


def test_keys_in_the_file_are_those_of_earlier_versions(tmp_path, result):
    save_robustness(tmp_path, ONE, result)
    assert [*json.loads((tmp_path / ROBUSTNESS_FILE).read_text())] == ["epoch-0002.000 mnist test 200 3"]


def test_only_so_many_are_kept_the_latest(tmp_path, result):
    for seed in range(MOST_KEPT + 1):
        save_robustness(tmp_path, ONE._replace(seed=seed), result)
    assert [measured.seed for measured in load_robustness(tmp_path)] == [*range(1, MOST_KEPT + 1)]


def test_a_new_measurement_replaces_the_old_one(tmp_path, result):
    for clean in (0.5, 0.6):
        save_robustness(tmp_path, ONE, replace(result, clean=clean))
    assert [kept.clean for kept in load_robustness(tmp_path).values()] == [0.6]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"a": 1}',
        '{"a b c 1 2": 1}',
        '{"a b c 1 2": {}}',
        '{"a b c 1 2": null}',
        '{"a b c 1 2": {"strengths": []}}',
        '{"a b c 1 2": {"accuracies": []}}',
    ],
)
def test_a_damaged_file_is_as_none_and_is_replaced(tmp_path, result, text):
    (tmp_path / ROBUSTNESS_FILE).write_text(text)
    assert load_robustness(tmp_path) == {}
    save_robustness(tmp_path, ONE, result)
    assert load_robustness(tmp_path) == {ONE: result}


def test_other_strengths_than_todays_are_not_the_same_measurement(tmp_path, result):
    save_robustness(tmp_path, ONE, result)
    entries = json.loads((tmp_path / ROBUSTNESS_FILE).read_text())
    entries["epoch-0002.000 mnist test 200 3"]["strengths"]["blur"][1] += 1
    (tmp_path / ROBUSTNESS_FILE).write_text(json.dumps(entries))
    assert load_robustness(tmp_path) == {}


def test_an_incomplete_result_is_ignored(tmp_path, result):
    accuracies = {**result.accuracies, "blur": result.accuracies["blur"][:2]}
    save_robustness(tmp_path, ONE, replace(result, accuracies=accuracies))
    assert load_robustness(tmp_path) == {}


def test_a_missing_folder_is_an_error(tmp_path, result):
    with pytest.raises(FileNotFoundError):
        save_robustness(tmp_path / "gone", ONE, result)


def test_the_csv_has_every_strength_that_is_measured(result):
    half = replace(result, accuracies={"rotation": (0.9, 0.8), "blur": (0.9,)})
    rows = list(csv.DictReader(io.StringIO(strengths_csv({ONE: half}))))
    assert [(row["trial"], row["strength"], row["accuracy"]) for row in rows] == [
        ("rotation", "0", "0.9"),
        ("rotation", "10", "0.8"),
        ("blur", "0", "0.9"),
    ]
    assert {(row["images"], row["seed"]) for row in rows} == {("200", "3")}


def test_the_csv_tells_measurements_apart(result):
    rows = list(csv.DictReader(io.StringIO(strengths_csv({ONE: result, OTHER: result}))))
    assert [*dict.fromkeys((row["weights"], row["data"], row["split"]) for row in rows)] == [
        ("epoch-0002.000", "mnist", "test"),
        ("epoch-0002.000", "mnist", "validation"),
    ]
    assert len(rows) == 2 * sum(len(trial.strengths) for trial in DISTURBANCES.values())
