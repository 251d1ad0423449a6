"""The claims of the chapter on accuracy about intervals, seeds, and train and eval mode."""

import numpy as np
import pytest

from mnist_core.lessons import seed_spread
from mnist_core.lessons.seed_spread import estimate, train_seeds
from mnist_core.runtime.job import Job, Watcher


@pytest.fixture(scope="module")
def trained(sample):
    """The answers of two seeds without dropout and with much of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(seed_spread, "SEEDS", range(2))
        patch.setattr(
            seed_spread,
            "settings",
            lambda dropout: {"widths": (16,), "dropout": dropout, "batch_size": 50, "epochs": 5},
        )
        return {share: _result(train_seeds(sample.train[:1000], sample.test, share)) for share in (0.0, 0.5)}


def _result(steps):
    job = Job("lesson", lambda: steps)
    job.start(Watcher())
    job.wait()
    assert job.finished
    return job.latest


def test_a_hundred_times_the_images_make_the_interval_ten_times_narrower():
    right = np.arange(10_000) % 10 > 0
    few, many = estimate(right, 100), estimate(right, 10_000)
    assert (few.correct, few.images, few.accuracy) == (90, 100, 0.9)
    assert few.half_width / many.half_width == pytest.approx(10, rel=0.05)


def test_no_more_images_are_counted_than_there_are():
    assert estimate(np.ones(7, bool), 100).images == 7


def test_seeds_differ_and_all_begin_by_guessing(trained, sample):
    first, second = trained[0.0]
    assert (first.evaluated != second.evaluated).any()
    for answers in trained[0.0]:
        assert answers.before.mean() < 0.35
        assert answers.evaluated.mean() > 0.6
        assert len(answers.evaluated) == len(sample.test)


def test_train_mode_is_eval_mode_unless_something_is_dropped(trained):
    for answers in trained[0.0]:
        np.testing.assert_array_equal(answers.trained, answers.evaluated)
        assert answers.differing == 0
    for answers in trained[0.5]:
        assert answers.differing > 0
        assert answers.trained.mean() < answers.evaluated.mean()
