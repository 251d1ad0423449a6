import gettext
import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar
from statsmodels.stats.proportion import proportion_confint

from mnist_core.evaluation.significance import (
    difference_interval,
    holm,
    mcnemar,
    mean_interval,
    welch,
    wilson_interval,
)
from mnist_core.messages import InputError
from mnist_core.runs.comparison_text import chance_text, p_text, pair_verdict, quoted
from mnist_core.runs.seed_variance import compare_groups, seed_summary

RANDOM = np.random.default_rng(5)
CLOSE = {"rel": 1e-12, "abs": 1e-12}


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
    def test_agrees_with_statsmodels(self, correct, total, confidence):
        ours = wilson_interval(correct, total, confidence)
        theirs = proportion_confint(correct, total, 1 - confidence, "wilson")
        assert ours == pytest.approx(theirs, **CLOSE)
        assert 0 <= ours[0] <= correct / total <= ours[1] <= 1

    def test_ends_are_the_shares_that_lie_z_standard_errors_away(self):
        for end in wilson_interval(150, 297):
            errors = abs(150 / 297 - end) / math.sqrt(end * (1 - end) / 297)
            assert errors == pytest.approx(1.959963984540054, **CLOSE)

    def test_ends_are_exact_where_all_or_none_are_right(self):
        assert wilson_interval(0, 10_000)[0] == 0
        assert wilson_interval(10_000, 10_000)[1] == 1

    @pytest.mark.parametrize(("correct", "total"), [(0, 0), (2, 1), (-1, 5)])
    def test_no_share_is_refused(self, correct, total):
        with pytest.raises(InputError, match="not a valid share"):
            wilson_interval(correct, total)

    @pytest.mark.parametrize("confidence", [0, 1, 95, float("nan")])
    def test_no_confidence_is_refused(self, confidence):
        with pytest.raises(InputError, match="between 0 and 1"):
            wilson_interval(1, 2, confidence)


class TestDifferenceInterval:
    def test_by_hand(self):
        # 8.5 and 1.5 of 22: 7/22, give or take z sqrt(10 - 49/22) / 22
        assert difference_interval(8, 1, 20) == pytest.approx((0.0698044, 0.5665592), abs=1e-6)
        low, high = difference_interval(1, 8, 20)
        assert (-high, -low) == pytest.approx(difference_interval(8, 1, 20), **CLOSE)

    @pytest.mark.parametrize(("b", "c", "n"), [(0, 0, 1), (1, 0, 1), (0, 1, 1), (9, 0, 9), (0, 0, 10_000)])
    def test_the_interval_lies_between_minus_1_and_1(self, b, c, n):
        low, high = difference_interval(b, c, n)
        assert -1 <= low < high <= 1
        assert low <= (b - c) / n <= high or n == 1 or (b, c) == (9, 0)

    @pytest.mark.parametrize("shares", [(0.02, 0.01), (0.005, 0.005), (0.1, 0.02)])
    def test_holds_the_true_difference_19_times_in_20(self, shares):
        draws = np.random.default_rng(1).multinomial(500, [*shares, 1 - sum(shares)], 4000)
        ends = np.array([difference_interval(int(b), int(c), 500) for b, c, _ in draws])
        true = shares[0] - shares[1]
        assert 0.935 < np.mean((ends[:, 0] <= true) & (true <= ends[:, 1])) < 0.985


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
def test_holm_rejects_what_its_procedure_rejects(p_values):
    """Holm's steps: from the smallest p on, compare with level / (how many are not yet rejected)."""
    corrected = holm(list(p_values))
    for level in (0.01, 0.05, 0.2):
        rejected, ordered = 0, sorted(p_values)
        while rejected < len(ordered) and ordered[rejected] <= level / (len(ordered) - rejected):
            rejected += 1
        assert sum(p <= level for p in corrected) == rejected


class TestSeeds:
    def test_mean_interval_by_hand(self):
        # Student's t for two degrees of freedom is 4.302653
        half = 4.302653 * 0.01 / 3**0.5
        assert mean_interval([0.97, 0.98, 0.99]) == pytest.approx((0.98 - half, 0.98 + half), abs=1e-8)
        assert mean_interval([0.97]) is None
        assert mean_interval([0.97, 0.97]) == (0.97, 0.97)
        with pytest.raises(InputError, match="Confidence must be between 0 and 1"):
            mean_interval([0.97, 0.98], confidence=1.0)

    @pytest.mark.parametrize("count", [2, 3, 5, 30])
    @pytest.mark.parametrize("confidence", [0.5, 0.95])
    def test_mean_interval_agrees_with_scipy(self, count, confidence):
        values = RANDOM.normal(0.98, 0.001, count)
        theirs = stats.t.interval(confidence, count - 1, values.mean(), stats.sem(values))
        assert mean_interval(values.tolist(), confidence) == pytest.approx(theirs, **CLOSE)

    @pytest.mark.parametrize("counts", [(2, 2), (5, 5), (3, 9)])
    @pytest.mark.parametrize("apart", [0, 0.01])
    def test_welch_agrees_with_scipy(self, counts, apart):
        first, second = RANDOM.normal(0.97, 0.003, counts[0]), RANDOM.normal(0.97 + apart, 0.001, counts[1])
        ours = welch(first.tolist(), second.tolist())
        theirs = stats.ttest_ind(first, second, equal_var=False)
        assert ours.p == pytest.approx(theirs.pvalue, **CLOSE)
        assert ours.interval == pytest.approx(tuple(theirs.confidence_interval()), **CLOSE)
        assert ours.difference == pytest.approx(first.mean() - second.mean(), **CLOSE)

    @pytest.mark.filterwarnings("ignore:Precision loss")
    def test_one_group_without_spread_can_be_tested(self):
        first, second = [0.5, 0.5, 0.5], [0.25, 0.5, 0.75]
        expected = stats.ttest_ind(first, second, equal_var=False).pvalue
        assert welch(first, second).p == pytest.approx(expected, **CLOSE)

    def test_without_any_spread_there_is_no_p(self):
        test = compare_groups([[0.5, 0.5], [0.25, 0.25]], ("a", "b"))[0, 1]
        assert (test.test.difference, test.test.interval, test.test.p, test.p_holm) == (
            0.25,
            None,
            None,
            None,
        )
        assert words(test.statements) == (
            "The mean of a minus that of b is +25.00 percentage points. The seeds of neither group differ, "
            "so there is no variance to test against."
        )

    def test_a_group_of_one_is_refused(self):
        with pytest.raises(InputError, match="needs two runs of each"):
            welch([0.5], [0.5, 0.6])

    def test_summary(self):
        summary = seed_summary([0.97, 0.98, 0.99])
        assert (summary.count, summary.lowest, summary.highest) == (3, 0.97, 0.99)
        assert (summary.mean, summary.deviation) == pytest.approx((0.98, 0.01), **CLOSE)
        assert str(summary.statement) == (
            "3 seeds: mean 98.00%, standard deviation 1.00%, from 97.00% to 99.00%; 95% confidence "
            "interval (Student's t) of the mean over all seeds, on the same images, 95.52% to 100.48%."
        )
        one = seed_summary([0.97])
        assert (one.deviation, one.interval) == (None, None)
        assert str(one.statement) == "One seed, 97.00%: one seed does not show the variance."

    def test_groups_in_words(self):
        clear = compare_groups([[0.97, 0.971, 0.969], [0.981, 0.98, 0.979]], ("a", "b"))[0, 1]
        assert clear.first.mean == pytest.approx(0.97)
        assert "-1.00 percentage points (95% confidence interval -1.23 to -0.77)" in words(clear.statements)
        assert "evidence that b is more accurate than a on these images" in words(clear.statements)
        assert "randomness of the seeds about 3 times in 10,000 (Welch" in words(clear.statements)
        assert "Corrected" not in words(clear.statements)
        unclear = compare_groups([[0.97, 0.98], [0.975, 0.979]], ("a", "b"))[0, 1]
        assert "nor that they are equally good" in words(unclear.statements)
        assert "evidence" not in words(unclear.statements)

    def test_several_groups_are_corrected_and_judged_by_that(self):
        groups = [[0.970, 0.971, 0.972], [0.9724, 0.9733, 0.9745], [0.970, 0.980, 0.990]]
        tests = compare_groups(groups, "abc")
        p_values = [welch(groups[a], groups[b]).p for a, b in tests]
        assert list(tests) == [(0, 1), (0, 2), (1, 2)]
        assert [test.p_holm for test in tests.values()] == holm(p_values)
        assert p_values[0] < 0.05 < tests[0, 1].p_holm
        assert "Corrected for the 3 pairs compared here (Holm)" in words(tests[0, 1].statements)
        assert "not below the usual 5%" in words(tests[0, 1].statements)

    def test_a_pair_without_spread_is_no_pair_to_correct_for(self):
        tests = compare_groups([[0.5, 0.5], [0.25, 0.25], [0.3, 0.4]], "abc")
        assert tests[0, 1].p_holm is None
        assert "Corrected for the 2 pairs" in words(tests[0, 2].statements)

    def test_no_pair_of_groups_no_test(self):
        assert compare_groups([[0.5, 0.6]], ["a"]) == {}


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
    assert str(chance_text(p)) == said


@pytest.mark.parametrize(
    ("p", "written"),
    [(0.0394, "p = 0.039"), (1, "p = 1"), (0.00021, "p = 0.00021"), (8e-9, "p < 0.0001"), (0, "p < 0.0001")],
)
def test_no_p_is_written_as_nothing(p, written):
    assert p_text(p) == written.replace(" ", "\N{NO-BREAK SPACE}")  # a phone's line would break there


def test_a_name_is_quoted_once_where_it_would_run_into_its_sentence():
    """The Chinese sentences had quotation marks of their own: two pairs around a name with commas."""
    assert [quoted(name) for name in ("Quick", "Quick, lr 5", "快速")] == ["Quick", "“Quick, lr 5”", "“快速”"]
    chinese = gettext.translation("digitlab", "locales", ["zh"]).gettext
    said = pair_verdict("快速、学习率 5", "Quick", 0.001)
    text = chinese(said.template).format(**said.values)
    assert "“快速、学习率 5”" in text
    assert "““" not in text
