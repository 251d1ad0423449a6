import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from mnist_core import commands
from mnist_core.__main__ import main
from mnist_core.architectures import build_model
from mnist_core.comparison import check_comparable, compare_runs, differing_settings
from mnist_core.comparison_words import chance_words
from mnist_core.config import TrainConfig
from mnist_core.evaluation import Evaluation
from mnist_core.messages import InputError
from mnist_core.phases import Phase
from mnist_core.recipes import RECIPES
from mnist_core.repeats import compare_groups, group_by_seed, seed_summary
from mnist_core.run_labels import Label
from mnist_core.run_store import RunStore
from mnist_core.runs import Run
from mnist_core.significance import holm, mcnemar, mean_interval, welch, wilson_interval

RANDOM = np.random.default_rng(5)
CLOSE = {"rel": 1e-9, "abs": 1e-9}
FAST = ["--set", "widths=8", "--set", "train_size=200", "--epochs", "1", "--threads", "1"]


def words(messages) -> str:
    return " ".join(str(message) for message in messages)


class TestWilson:
    def test_by_hand(self):
        # z = 1.959964; centre (0.8 + z2/20) / (1 + z2/10), half z sqrt(0.016 + z2/400) / (1 + z2/10)
        assert wilson_interval(8, 10) == pytest.approx((0.4901625, 0.9433178), abs=1e-7)

    @pytest.mark.parametrize(
        ("correct", "total"),
        [(0, 1), (1, 1), (0, 10_000), (10_000, 10_000), (9_974, 10_000), (150, 297)]
        + [(int(RANDOM.integers(0, n + 1)), int(n)) for n in RANDOM.integers(1, 20_000, 20)],
    )
    @pytest.mark.parametrize("confidence", [0.5, 0.95, 0.999])
    def test_agrees_with_statsmodels_and_scipy(self, correct, total, confidence):
        ours = wilson_interval(correct, total, confidence)
        theirs = proportion_confint(correct, total, 1 - confidence, "wilson")
        assert ours == pytest.approx(theirs, **CLOSE)
        scipys = stats.binomtest(correct, total).proportion_ci(confidence, "wilson")
        assert ours == pytest.approx(tuple(scipys), **CLOSE)
        assert 0 <= ours[0] <= correct / total <= ours[1] <= 1

    @pytest.mark.parametrize(("correct", "total"), [(0, 0), (2, 1), (-1, 5)])
    def test_no_share_is_refused(self, correct, total):
        with pytest.raises(InputError, match="no share"):
            wilson_interval(correct, total)

    @pytest.mark.parametrize("confidence", [0, 1, 95, float("nan")])
    def test_no_confidence_is_refused(self, confidence):
        with pytest.raises(InputError, match="between 0 and 1"):
            wilson_interval(1, 2, confidence)


class TestMcNemar:
    def test_by_hand(self):
        assert mcnemar(1, 9) == pytest.approx(2 * (1 + 10) / 2**10, **CLOSE)
        assert mcnemar(0, 5) == pytest.approx(2 / 2**5, **CLOSE)
        assert mcnemar(3, 3) == mcnemar(3, 4) == mcnemar(0, 0) == mcnemar(1, 0) == 1

    @pytest.mark.parametrize(
        ("b", "c"), [(0, 0), (0, 1), (7, 7), (0, 900), (65, 40), *RANDOM.integers(0, 300, (20, 2)).tolist()]
    )
    def test_agrees_with_statsmodels(self, b, c):
        theirs = statsmodels_mcnemar([[50, b], [c, 3]], exact=True).pvalue
        assert mcnemar(b, c) == pytest.approx(theirs, **CLOSE)
        assert mcnemar(b, c) == pytest.approx(mcnemar(c, b), **CLOSE)


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.7, 0.6]) == [1, 1]
    assert holm([]) == []


@pytest.mark.parametrize("p_values", [[0.2], [1.0, 1.0, 0.0], [0.01] * 5, *RANDOM.random((9, 28)) ** 3])
def test_holm_agrees_with_statsmodels(p_values):
    assert holm(list(p_values)) == pytest.approx(multipletests(p_values, method="holm")[1], **CLOSE)


class TestSeeds:
    def test_mean_interval_by_hand(self):
        # Student's t for two degrees of freedom is 4.302653
        half = 4.302653 * 0.01 / 3**0.5
        assert mean_interval([0.97, 0.98, 0.99]) == pytest.approx((0.98 - half, 0.98 + half), abs=1e-8)
        assert mean_interval([0.97]) is None
        assert mean_interval([0.97, 0.97]) == (0.97, 0.97)

    @pytest.mark.parametrize("count", [2, 3, 5, 30])
    def test_mean_interval_agrees_with_statsmodels(self, count):
        values = RANDOM.normal(0.98, 0.001, count)
        theirs = DescrStatsW(values).tconfint_mean()
        assert mean_interval(values.tolist()) == pytest.approx(theirs, **CLOSE)

    @pytest.mark.parametrize("counts", [(2, 2), (5, 5), (3, 9)])
    @pytest.mark.parametrize("apart", [0, 0.01])
    def test_welch_agrees_with_scipy_and_statsmodels(self, counts, apart):
        first, second = RANDOM.normal(0.97, 0.003, counts[0]), RANDOM.normal(0.97 + apart, 0.001, counts[1])
        ours = welch(first.tolist(), second.tolist())
        assert ours.p == pytest.approx(stats.ttest_ind(first, second, equal_var=False).pvalue, **CLOSE)
        means = CompareMeans(DescrStatsW(first), DescrStatsW(second))
        assert ours.interval == pytest.approx(means.tconfint_diff(usevar="unequal"), **CLOSE)
        assert ours.difference == pytest.approx(first.mean() - second.mean(), **CLOSE)

    @pytest.mark.filterwarnings("ignore:Precision loss")
    def test_one_group_without_spread_can_be_tested(self):
        first, second = [0.5, 0.5, 0.5], [0.25, 0.5, 0.75]
        expected = stats.ttest_ind(first, second, equal_var=False).pvalue
        assert welch(first, second).p == pytest.approx(expected, **CLOSE)

    def test_without_any_spread_there_is_no_p(self):
        test = compare_groups([0.5, 0.5], [0.25, 0.25], ("a", "b"))
        assert (test.test.difference, test.test.interval, test.test.p) == (0.25, None, None)
        assert words(test.statements) == (
            "The mean of a less that of b is +25.00 points. The seeds of neither differ, so there is no "
            "spread to test that against."
        )

    def test_a_group_of_one_is_refused(self):
        with pytest.raises(InputError, match="needs two runs of each"):
            welch([0.5], [0.5, 0.6])

    def test_summary(self):
        summary = seed_summary([0.97, 0.98, 0.99])
        assert (summary.count, summary.lowest, summary.highest) == (3, 0.97, 0.99)
        assert (summary.mean, summary.deviation) == pytest.approx((0.98, 0.01), **CLOSE)
        assert str(summary.statement) == (
            "3 seeds: mean 98.00%, standard deviation 1.00%, from 97.00% to 99.00%; 95% interval of the mean "
            "of all seeds, on these images, 95.52% to 100.48%."
        )
        one = seed_summary([0.97])
        assert (one.deviation, one.interval) == (None, None)
        assert str(one.statement) == "One seed, 97.00%: one can't tell how seeds spread."

    def test_groups_in_words(self):
        clear = compare_groups([0.97, 0.971, 0.969], [0.981, 0.98, 0.979], ("a", "b"))
        assert clear.first.mean == pytest.approx(0.97)
        assert "-1.00 points (95% interval -1.23 to -0.77)" in words(clear.statements)
        assert "evidence that b does better than a on these images" in words(clear.statements)
        assert "luck of the seeds about 3 times in 10,000 (Welch" in words(clear.statements)
        unclear = compare_groups([0.97, 0.98], [0.975, 0.979], ("a", "b"))
        assert "nor that they are equally good" in words(unclear.statements)
        assert "evidence" not in words(unclear.statements)


@pytest.mark.parametrize(
    ("p", "said"),
    [
        (1, "nearly every time"),
        (0.951, "nearly every time"),
        (0.949, "about 9 times in 10"),
        (0.3, "about 3 times in 10"),
        (0.096, "about once in 10 times"),
        (0.0945, "about 9 times in 100"),
        (0.05, "about 5 times in 100"),
        (0.0004, "about 4 times in 10,000"),
        (0.0001, "about once in 10,000 times"),
        (0.00009, "less than once in 10,000 times"),
        (0, "less than once in 10,000 times"),
    ],
)
def test_chance_in_words(p, said):
    assert str(chance_words(p)) == said


# runs


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
    found = compare_runs(runs, answers([1] * 9 + [0] * 11, [0] * 8 + [1] * 2 + [0] * 10), ["A", "B"])
    first, second = found.scores
    assert (first.correct, first.accuracy, second.accuracy, found.images) == (9, 0.45, 0.1, 20)
    assert first.interval == wilson_interval(9, 20)
    assert (first.parameters, first.train_seconds, first.images_per_second, first.size) == (9, 2.0, 150, 50)
    assert (second.parameters, second.images_per_second) == (None, None)
    assert first.right_alone.tolist() == list(range(8))
    (pair,) = found.pairs
    assert (pair.only_first.tolist(), pair.only_second.tolist()) == (list(range(8)), [9])
    assert pair.p == pair.p_holm == mcnemar(8, 1)
    assert words(pair.statements) == (
        "Of 20 test images, A alone gets 8 right, and B alone 1. If both were equally accurate on digits "
        "like these, a difference at least this large, either way, would come up by chance about 4 times in "
        "100 (McNemar's exact test, p = 0.039). That is below the usual 5%: evidence that A, as it was "
        "trained, reads digits like these better than B."
    )
    assert words(found.notes).startswith("The intervals and tests take these networks as they are")
    row = first.row()
    keys = ("run", "accuracy", "accuracy_low", "bytes")
    assert [row[key] for key in keys] == ["first", 0.45, first.interval[0], 50]


def test_the_better_one_is_named_whichever_comes_first(make_run):
    found = compare_runs([make_run("a"), make_run("b")], answers([0] * 9, [1] * 9), ["A", "B"])
    assert "evidence that B, as it was trained, reads digits like these better than A." in words(
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
    assert words(pair.statements) == "custom a and custom b get the very same test images right."


def test_several_pairs_are_corrected(make_run):
    runs = [make_run(name) for name in "abc"]
    found = compare_runs(runs, answers([1] * 9 + [0], [0] * 10, [1] * 8 + [0, 1]))
    assert [(pair.first, pair.second) for pair in found.pairs] == [(0, 1), (0, 2), (1, 2)]
    assert [pair.p_holm for pair in found.pairs] == holm([mcnemar(9, 0), mcnemar(1, 1), mcnemar(0, 9)])
    assert "Corrected for the 3 pairs that are compared here (Holm), p = 0.012." in words(
        found.pairs[0].statements
    )
    assert [score.right_alone.tolist() for score in found.scores] == [[8], [], [9]]


def test_what_needs_correction_is_judged_by_it(make_run):
    """Six images that only one gets right: p is 0.03 by itself, and 0.09 as one of three."""
    assert mcnemar(6, 0) < 0.05 < 3 * mcnemar(6, 0)
    runs = [make_run(name) for name in "abc"]
    found = compare_runs(runs, answers([1] * 6 + [0], [0] * 7, [1, 1, 1, 0, 0, 0, 0]))
    assert "not below the usual 5%" in words(found.pairs[0].statements)


def test_runs_that_differ_in_their_seed_only_are_told_so(make_run):
    quick = RECIPES["quick"].config
    told = "Their settings are the same but for the seed"
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
    runs = [make_run("a"), replace(make_run("b", TrainConfig(monitor="test")), label=Label(name="mine"))]
    found = compare_runs(runs, answers([1], [1]))
    assert str(found.notes[1]).startswith("The test set was watched while training: mine. ")


def test_names_that_are_given_twice_are_not_used(make_run):
    runs = [replace(make_run(run_id), label=Label(name="same")) for run_id in "ab"]
    assert [score.name for score in compare_runs(runs, answers([1], [1])).scores] == ["custom a", "custom b"]


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
    with pytest.raises(InputError, match="not 9"):
        check_comparable([replace(run, id=str(n)) for n in range(9)], "mnist")
    with pytest.raises(InputError, match="Run a is named twice"):
        check_comparable([run, other, run], "mnist")
    with pytest.raises(InputError, match="Run b belongs to the offline sample and the test images are MNIST"):
        check_comparable([run, other], "mnist")
    with pytest.raises(InputError, match="Run a belongs to MNIST"):
        check_comparable([run, other], "sample")
    check_comparable([run, replace(other, results={})], "mnist")  # of weights from a file nobody knows
    with pytest.raises(InputError, match="different test images"):
        compare_runs([run, other], [*answers([1, 1]), *answers([1])])


def test_groups_have_all_but_the_seed_in_common(make_run):
    config = TrainConfig()
    one, two = make_run("1"), make_run("2", replace(config, seed=2, recipe="quick"))
    again = make_run("3")  # the same seed once more
    wider, stopped = (
        make_run("4", replace(config, widths=(9,))),
        make_run("5", replace(config, seed=5), epochs=1),
    )
    changed = replace(make_run("6", replace(config, seed=6)), phases=(Phase(0, 0.1, 5),))
    groups = group_by_seed([one, wider, two, again, stopped, changed])
    assert [[run.id for run in group] for group in groups] == [["1", "2"], ["4"], ["5"], ["6"]]


# the command line


@pytest.fixture
def store(tmp_path, monkeypatch, sample) -> RunStore:
    monkeypatch.setenv("DIGITLAB_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(commands, "load_dataset", lambda directory, progress: replace(sample, notice=None))
    return RunStore()


def answer(capsys, *arguments: str) -> dict:
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_repeat_trains_the_next_seeds_and_sums_them_up(capsys, store):
    said = answer(capsys, "train", "--recipe", "tutorial-5", *FAST, "--seed", "3", "--repeat", "3")
    runs = [store.get(run["run"]) for run in said["runs"]]
    assert [run.config.seed for run in runs] == [3, 4, 5]
    accuracies = [run.results["test_accuracy"] for run in runs]
    assert len(set(accuracies)) > 1
    assert said["summary"]["mean"] == pytest.approx(np.mean(accuracies))
    assert said["summary"]["deviation"] == pytest.approx(np.std(accuracies, ddof=1))
    assert main(["train", "--recipe", "tutorial-5", *FAST, "--repeat", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["run", "test", "run", "test", "2"]


def test_runs_are_compared(capsys, store, sample):
    first = answer(capsys, "train", "--recipe", "tutorial-5", *FAST, "--repeat", "2")["runs"]
    second = answer(capsys, "train", "--recipe", "tutorial-3", *FAST, "--repeat", "2")["runs"]
    ids = [run["run"] for run in (*first, *second)]
    said = answer(capsys, "compare", *ids)
    assert [run["run"] for run in said["runs"]] == ids
    assert [run["accuracy"] for run in said["runs"]] == [run["test_accuracy"] for run in (*first, *second)]
    assert said["images"] == len(sample.test)
    assert said["settings"]["seed"] == [0, 1, 0, 1]
    assert "widths" not in said["settings"]
    assert len(said["pairs"]) == 6
    assert said["pairs"][0]["p"] == mcnemar(
        *(len(said["pairs"][0][key]) for key in ("only_first", "only_second"))
    )
    assert [group["runs"] for group in said["groups"]] == [ids[:2], ids[2:]]
    (test,) = said["group_tests"]
    accuracies = [run["accuracy"] for run in said["runs"]]
    assert test["p"] == pytest.approx(welch(accuracies[:2], accuracies[2:]).p)
    assert main(["compare", *ids]) == 0
    out = capsys.readouterr().out
    for sentence in (said["pairs"][0]["statements"][0], test["statements"][0], said["notes"][0]):
        assert sentence in out
    assert "\n  optimizer" in out
    alone = said["runs"][2]["right_alone"]
    assert f"only tutorial-3 {ids[2][:6]} gets right: {', '.join(map(str, alone[:10])) or 'nothing'}" in out
    assert all(run_id in out for run_id in ids)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["compare", "nobody", "last"], "There is no run 'nobody'"),
        (["compare", "last"], "From 2 to 8 runs"),
        (["compare", "last", "last"], "is named twice"),
        (["compare", "shipped", "last"], "Run shipped belongs to MNIST and the test images are the offline"),
        (["train", "--repeat", "0"], "--repeat must be 1 or more, not 0."),
        (["train", "--repeat", "2", "--seed", str(2**31 - 1)], "seed must be from 0 to"),
    ],
)
def test_bad_input_gets_one_sentence(arguments, sentence, capsys, store):
    writer = store.create(TrainConfig())
    writer.save(build_model(writer.config), 1)
    writer.close()
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert sentence in err
    assert len(err.splitlines()) == 1


def test_a_run_without_weights_is_named(capsys, store):
    ids = [writer.id for writer in (store.create(TrainConfig()), store.create(TrainConfig()))]
    assert main(["compare", *ids]) == 2
    assert f"Run {ids[0]} has no checkpoint yet" in capsys.readouterr().err
