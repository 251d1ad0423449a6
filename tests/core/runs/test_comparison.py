from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import accuracy_score
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from mnist_core.config import TrainConfig
from mnist_core.evaluation.metrics import Evaluation
from mnist_core.evaluation.significance import holm, mcnemar, wilson_interval
from mnist_core.messages import InputError
from mnist_core.recipes import RECIPES
from mnist_core.runs.comparison import check_comparable, compare_runs, differing_settings
from mnist_core.runs.comparison_text import p_text
from mnist_core.runs.metadata import RunMetadata
from mnist_core.runs.run import Run
from mnist_core.runs.seed_variance import group_by_seed, next_seeds, seeds_of, unfinished_seeds
from mnist_core.training.schedules import add_change, initial_changes


def words(messages) -> str:
    return " ".join(str(message) for message in messages)


@pytest.fixture
def make_run(tmp_path):
    """Make runs, each with its settings, id and results."""

    def make(run_id: str = "first", config: TrainConfig | None = None, **results: object) -> Run:
        folder = tmp_path / run_id
        (folder / "checkpoints").mkdir(parents=True)
        (folder / "checkpoints" / "1.safetensors").write_bytes(b"x" * 50)
        return Run(
            run_id, folder, config or TrainConfig(), "finished", "2026", {"source": "mnist", **results}
        )

    return make


def answers(*predictions: list[int]) -> list[Evaluation]:
    """Evaluations of images that all show a 1."""
    labels = np.ones(len(predictions[0]), int)
    return [
        Evaluation(labels, np.eye(10, dtype=np.float32)[list(row)], np.zeros(len(row), np.float32))
        for row in predictions
    ]


def test_two_runs(make_run):
    runs = [
        make_run("first", parameters=9, train_seconds=2.0, epochs=3, train_images=100),
        make_run("second"),
    ]
    (runs[0].folder / "checkpoints" / "2.safetensors").write_bytes(b"x" * 70)
    found = compare_runs(runs, answers([1] * 9 + [0] * 11, [0] * 8 + [1] * 2 + [0] * 10), ["A", "B"])
    first, second = found.scores
    assert (first.correct, first.accuracy, second.accuracy, found.images) == (9, 0.45, 0.1, 20)
    assert first.interval == wilson_interval(9, 20)
    assert (first.parameters, first.train_seconds, first.images_per_second, first.size) == (9, 2.0, 150, 70)
    assert (second.parameters, second.images_per_second) == (None, None)
    assert first.right_alone.tolist() == list(range(8))
    (pair,) = found.pairs
    assert (pair.only_first.tolist(), pair.only_second.tolist()) == (list(range(8)), [9])
    assert pair.p == pair.p_holm == mcnemar(8, 1)
    assert words(pair.statements) == (
        "Of 20 test images, only A classifies 8 correctly, and only B 1. The accuracy of A minus that of B "
        "is +35.00 percentage points (95% confidence interval +6.98 to +56.66). If both were equally "
        "accurate on images like these, a difference at least this large, either way, would come up by "
        f"chance about 4 times in 100 (McNemar's exact test, {p_text(pair.p)}). That is below the usual 5%: "
        "evidence that A, as trained, is more accurate on images like these than B."
    )
    assert words(found.notes).startswith("The intervals and tests are about these trained networks")
    row = first.row()
    keys = ("run", "accuracy", "accuracy_low", "bytes")
    assert [row[key] for key in keys] == ["first", 0.45, first.interval[0], 70]


def test_the_better_one_is_named_whichever_comes_first(make_run):
    found = compare_runs([make_run("a"), make_run("b")], answers([0] * 9, [1] * 9), ["A", "B"])
    assert "evidence that B, as trained, is more accurate on images like these than A." in words(
        found.pairs[0].statements
    )


def test_a_difference_by_chance_is_no_proof_of_anything(make_run):
    found = compare_runs([make_run("a"), make_run("b")], answers([1, 1, 0, 1], [1, 1, 1, 0]))
    assert "nearly every time" in words(found.pairs[0].statements)
    assert "nor that they are equally good" in words(found.pairs[0].statements)


@pytest.mark.parametrize("predictions", [[1, 2, 1], [1], [0], [0, 0]])
def test_equal_runs(make_run, predictions):
    found = compare_runs([make_run("a"), make_run("b")], answers(predictions, predictions))
    (pair,) = found.pairs
    assert (pair.p, pair.p_holm, len(pair.only_first), len(pair.only_second)) == (1, 1, 0, 0)
    assert words(pair.statements) == "MLP and MLP (2) classify the same test images correctly."


def test_several_pairs_are_corrected(make_run):
    runs = [make_run(name) for name in "abc"]
    found = compare_runs(runs, answers([1] * 9 + [0], [0] * 10, [1] * 8 + [0, 1]))
    assert [(pair.first, pair.second) for pair in found.pairs] == [(0, 1), (0, 2), (1, 2)]
    assert [pair.p_holm for pair in found.pairs] == holm([mcnemar(9, 0), mcnemar(1, 1), mcnemar(0, 9)])
    corrected = f"Corrected for the 3 pairs compared here (Holm): {p_text(found.pairs[0].p_holm)}."
    assert corrected in words(found.pairs[0].statements)
    assert [score.right_alone.tolist() for score in found.scores] == [[8], [], [9]]


def test_what_needs_correction_is_judged_by_it(make_run):
    """Six images that only one gets right: p is 0.03 by itself, and 0.09 as one of three."""
    assert mcnemar(6, 0) < 0.05 < 3 * mcnemar(6, 0)
    runs = [make_run(name) for name in "abc"]
    found = compare_runs(runs, answers([1] * 6 + [0], [0] * 7, [1, 1, 1, 0, 0, 0, 0]))
    assert "not below the usual 5%" in words(found.pairs[0].statements)


def test_runs_that_differ_in_their_seed_only_are_told_so(make_run):
    quick = RECIPES["quick"].config
    told = "Their settings differ in the seed only"
    runs = [
        make_run("a", quick),
        make_run("b", replace(quick, seed=1)),
        make_run("c", replace(quick, seed=2)),
    ]
    found = compare_runs([*runs[:2], replace(runs[2], results={"epochs": 1})], answers([1], [0], [0]))
    assert told in words(found.pairs[0].statements)
    assert told not in words(found.pairs[1].statements)
    again = compare_runs([runs[0], make_run("d", quick)], answers([1], [0]))
    assert told not in words(again.pairs[0].statements)


def test_who_watched_the_test_set_is_named(make_run):
    runs = [
        make_run("a"),
        replace(make_run("b", TrainConfig(monitor="test")), metadata=RunMetadata(name="mine")),
    ]
    found = compare_runs(runs, answers([1], [1]))
    assert str(found.notes[1]).startswith("The test set was monitored during training: mine. ")


def test_names_that_are_given_twice_have_a_number(make_run):
    runs = [replace(make_run(run_id), metadata=RunMetadata(name="same")) for run_id in "ab"]
    assert [score.name for score in compare_runs(runs, answers([1], [1])).scores] == ["same", "same (2)"]


def test_settings_that_differ():
    third, fifth = RECIPES["tutorial-3"].config, RECIPES["tutorial-5"].config
    found = differing_settings([third, fifth, fifth])
    assert found["widths"] == ((256,), (500,), (500,))
    assert found["optimizer"] == ("sgd", "adam", "adam")
    assert "recipe" not in found
    same = {name for name in third.to_json() if getattr(third, name) == getattr(fifth, name)}
    assert not same & set(found)
    assert differing_settings([third, third]) == {}


def test_what_cannot_be_compared_is_refused(make_run):
    run, other = make_run("a"), make_run("b", source="sample")
    with pytest.raises(InputError, match="From 2 to 8 runs can be compared, not 1"):
        check_comparable([run], "mnist")
    check_comparable([replace(run, id=str(n)) for n in range(8)], "mnist")
    with pytest.raises(InputError, match="not 9"):
        check_comparable([replace(run, id=str(n)) for n in range(9)], "mnist")
    with pytest.raises(InputError, match="Run a is named twice"):
        check_comparable([run, other, run], "mnist")
    with pytest.raises(
        InputError, match="Run b was trained on the offline sample and the test images are from MNIST"
    ):
        check_comparable([run, other], "mnist")
    with pytest.raises(InputError, match="Run a was trained on MNIST"):
        check_comparable([run, other], "sample")
    check_comparable([run, replace(other, results={})], "mnist")  # imported weights have no source
    with pytest.raises(InputError, match="different test images"):
        compare_runs([run, other], [*answers([1, 1]), *answers([1])])


RANDOM = np.random.default_rng(11)
CLOSE = {"rel": 1e-9, "abs": 1e-9}


def drawn(images: int, *shares: float) -> tuple[np.ndarray, list[np.ndarray]]:
    """Labels, and the answers of runs that read these shares of them right."""
    labels = RANDOM.integers(0, 10, images)
    return labels, [np.where(RANDOM.random(images) < share, labels, (labels + 1) % 10) for share in shares]


EQUAL = drawn(200, 0.9)
NEVER = drawn(300, 0.9, 0.8)
CASES = {
    "random": drawn(500, 0.9, 0.85, 0.88, 0.5),
    "two equal runs": (EQUAL[0], EQUAL[1] * 2),
    "a class never predicted": (NEVER[0], [NEVER[1][0], np.minimum(NEVER[1][1], 8)]),
    "one image, one right": (np.array([3]), [np.array([3]), np.array([4])]),
    "one image, none right": (np.array([3]), [np.array([4]), np.array([4])]),
    "all right": (EQUAL[0], [EQUAL[0]] * 3),
}


@pytest.mark.parametrize(("labels", "predictions"), CASES.values(), ids=CASES)
def test_a_whole_comparison_agrees_with_scikit_learn_and_statsmodels(make_run, labels, predictions):
    results = [
        Evaluation(labels, np.eye(10, dtype=np.float32)[row], np.zeros(len(row), np.float32))
        for row in predictions
    ]
    found = compare_runs([make_run(str(n)) for n in range(len(results))], results)
    for score, row in zip(found.scores, predictions, strict=True):
        assert score.accuracy == pytest.approx(accuracy_score(labels, row), **CLOSE)
        theirs = proportion_confint(int((labels == row).sum()), len(labels), 0.05, "wilson")
        assert score.interval == pytest.approx(theirs, **CLOSE)
    p_values = []
    for pair in found.pairs:
        right = [predictions[place] == labels for place in (pair.first, pair.second)]
        table = [[(right[0] == a) & (right[1] == b) for b in (True, False)] for a in (True, False)]
        counts = np.array([[cell.sum() for cell in row] for row in table])
        p_values.append(statsmodels_mcnemar(counts, exact=True).pvalue)
    assert [pair.p for pair in found.pairs] == pytest.approx(p_values, **CLOSE)
    corrected = multipletests(p_values, method="holm")[1]
    assert [pair.p_holm for pair in found.pairs] == pytest.approx(corrected, **CLOSE)


def test_groups_have_all_but_the_seed_in_common(make_run):
    config = TrainConfig()
    one, two = make_run("1"), make_run("2", replace(config, seed=2, recipe="quick"))
    again = make_run("3")  # the same seed once more
    wider, stopped = (
        make_run("4", replace(config, widths=(9,))),
        make_run("5", replace(config, seed=5), epochs=1),
    )
    changes = add_change(initial_changes(config), 0, learning_rate=0.1)
    changed = replace(make_run("6", replace(config, seed=6)), changes=changes)
    groups = group_by_seed([one, wider, two, again, stopped, changed])
    assert [[run.id for run in group] for group in groups] == [["1", "2"], ["4"], ["5"], ["6"]]


def test_the_tested_seeds_of_a_run_are_those_with_all_else_in_common(make_run):
    config = TrainConfig()
    run = make_run("5", replace(config, seed=5), test_accuracy=0.9)
    two = make_run("2", replace(config, seed=2), test_accuracy=0.8)
    wider = make_run("w", replace(config, widths=(9,)), test_accuracy=0.7)
    untested, again = make_run("u", replace(config, seed=7)), make_run("b", two.config, test_accuracy=0.1)
    runs = [wider, run, two, untested, again]
    assert [found.id for found in seeds_of(run, runs)] == ["2", "5"]
    assert [found.id for found in seeds_of(two, [run])] == ["2", "5"]
    assert seeds_of(untested, runs) == seeds_of(run, runs)
    assert seeds_of(make_run("n", replace(config, epochs=9)), runs) == []


def test_the_unfinished_seeds_wait_or_train_with_the_same_settings(make_run):
    config = TrainConfig()
    run = make_run("r")
    coming = [
        replace(make_run(name, replace(config, seed=seed, recipe="quick")), status=status)
        for name, seed, status in (("b", 4, "running"), ("a", 3, "queued"), ("c", 5, "stopped"))
    ]
    other = replace(make_run("o", replace(config, epochs=1)), status="queued")
    assert [found.id for found in unfinished_seeds(run, [*coming, other, run])] == ["a", "b"]
    assert [found.id for found in unfinished_seeds(coming[0], coming)] == ["a"]


def test_the_next_seeds_are_new_ones():
    config = TrainConfig(seed=3)
    found = next_seeds(config, {3, 5}, 3)
    assert [settings.seed for settings in found] == [4, 6, 7]
    assert {replace(settings, seed=3) for settings in found} == {config}
    last = 2**31 - 1
    assert [each.seed for each in next_seeds(replace(config, seed=last - 1), {0}, 3)] == [last, 1, 2]
