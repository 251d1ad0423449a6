"""How much of the best is luck: intervals, the expected best of equal trials, other seeds."""

from dataclasses import replace

import numpy as np
import pytest

from mnist_core.config import TrainConfig
from mnist_core.evaluation.significance import wilson_interval
from mnist_core.runs.metadata import RunMetadata
from mnist_core.runs.run import METRICS, Run
from mnist_core.search.evidence import begun_with, evidence, repeat_configs, repeats_of
from mnist_core.search.study import SearchTrial

CONFIG = TrainConfig()
IMAGES = 5000


def trial(number: int, accuracy: float, is_start: bool = False) -> SearchTrial:
    return SearchTrial(number, "finished", {}, CONFIG, "", {1: accuracy}, 10, 1.0, is_start, None)


def trials(*accuracies: float) -> list[SearchTrial]:
    return [trial(number, accuracy, number == 0) for number, accuracy in enumerate(accuracies)]


def test_luck_is_how_much_better_the_best_of_equal_trials_looks():
    truth, count = 0.94, 20
    drawn = np.random.default_rng(0).binomial(IMAGES, truth, (20_000, count)) / IMAGES
    expected = drawn.max(axis=1).mean() - truth
    equal = trials(*[truth] * count)
    assert evidence(equal[0], equal, IMAGES).luck == pytest.approx(expected, rel=0.02)


def test_one_trial_alone_was_not_chosen():
    only = trials(0.9)
    found = evidence(only[0], only, IMAGES)
    assert (found.luck, found.gain, len(found.statements)) == (0, None, 1)
    assert found.interval == wilson_interval(4500, IMAGES)


def test_a_gain_counts_if_it_is_more_than_luck_and_noise():
    for best, is_real in ((0.95, True), (0.915, False)):
        found = trials(0.91, 0.9, best)
        said = evidence(found[2], found, IMAGES)
        assert said.gain == pytest.approx(best - 0.91)
        assert said.is_real is is_real
        assert ("more than chance" in str(said.statements[-1])) is is_real


def test_one_of_a_front_is_the_best_of_those_that_are_no_larger():
    sizes = {0.95: 100, 0.93: 50, 0.9: 60, 0.88: 10}
    start, middle, _, smallest = found = [
        replace(one, parameters=sizes[one.accuracy]) for one in trials(*sizes)
    ]
    said = evidence(middle, found, IMAGES, of_front=True)
    assert said.compared == 2
    assert 0 < said.luck < evidence(middle, found, IMAGES).luck
    assert "most accurate of the 2 trials with at most" in str(said.statements[1])
    assert evidence(start, found, IMAGES, of_front=True).compared == 4
    assert len(evidence(smallest, found, IMAGES, of_front=True).statements) == 2  # chosen from itself alone


@pytest.mark.parametrize(("accuracy", "is_real"), [(0.93, True), (0.949, False)])
def test_a_loss_is_said_as_a_loss(accuracy, is_real):
    start, small = trials(0.95, accuracy)
    said = evidence(small, [start, small], IMAGES, of_front=True)
    words = str(said.statements[-1])
    assert f"{100 * (0.95 - accuracy):.2f} percentage points less accurate than" in words
    assert ("more than chance" in words) is said.is_real is is_real


def test_the_start_as_the_best_has_no_gain():
    found = trials(0.95, 0.9)
    assert evidence(found[0], found, IMAGES).gain is None


def seed_run(tmp_path, seed: int, accuracy: float | None, **settings) -> Run:
    """A run of other seeds: finished with a validation accuracy, else in training."""
    folder = tmp_path / f"{seed}-{len(settings)}"
    folder.mkdir(parents=True)
    row = dict.fromkeys(METRICS, "") | {"epoch": 1, "step": 9, "monitor_accuracy": accuracy or ""}
    (folder / "metrics.csv").write_text(",".join(METRICS) + "\n" + ",".join(map(str, row.values())) + "\n")
    status = "running" if accuracy is None else "finished"
    config = replace(CONFIG, seed=seed, **settings)
    return Run(folder.name, folder, config, status, "", {}, metadata=RunMetadata(group="a"))


def test_other_seeds_of_the_same_settings_tell_what_the_settings_do(tmp_path):
    runs = [seed_run(tmp_path, 0, 0.99), seed_run(tmp_path, 1, 0.94), seed_run(tmp_path, 2, 0.92)]
    runs += [seed_run(tmp_path, 3, None), seed_run(tmp_path, 4, 0.5, dropout=0.5)]
    found = repeats_of(CONFIG, runs)
    assert found.accuracies == (0.94, 0.92)
    assert [run.config.seed for run in found.coming] == [3]
    assert str(found.statement(0.99)) == (
        "With 2 other seeds the same settings reach 93.00% on average (standard deviation 1.41 percentage "
        "points); the chosen trial was +6.00 points from that."
    )
    assert repeats_of(CONFIG, runs[:2]).statement(0.99) is None
    assert [config.seed for config in repeat_configs(CONFIG, runs)] == [4]
    assert [config.seed for config in repeat_configs(CONFIG, [])] == [1, 2, 3, 4]


@pytest.mark.parametrize("status", ["interrupted", "stopped", "failed", "paused"])
def test_a_seed_that_came_to_no_result_is_offered_again_and_counts_once(tmp_path, status):
    broken = replace(seed_run(tmp_path, 2, None), status=status)
    configs = repeat_configs(CONFIG, [broken])
    assert [config.seed for config in configs] == [1, 2, 3, 4]
    goes_on = None if status == "failed" else broken
    assert [begun_with(config, [broken]) for config in configs] == [None, goes_on, None, None]
    again, coming = seed_run(tmp_path / "again", 2, 0.9), seed_run(tmp_path / "coming", 2, None)
    for runs in ([broken, again, coming], [coming, again, broken]):
        assert [config.seed for config in repeat_configs(CONFIG, runs)] == [1, 3, 4]
        assert repeats_of(CONFIG, runs).accuracies == (0.9,)
        assert repeats_of(CONFIG, runs).coming == ()
