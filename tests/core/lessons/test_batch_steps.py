from itertools import chain, count
from types import SimpleNamespace

import pytest

from mnist_core.data.mnist import load_sample
from mnist_core.lessons import batch_steps
from mnist_core.lessons.batch_steps import EPOCHS, expected_noise, steps_per_epoch

IMAGES, SIZES = 64, (1, 4, 16, 64)  # fewer than the chapter has


@pytest.fixture(scope="module")
def runs():
    train = load_sample().train
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch_steps, "IMAGES", IMAGES)
        patch.setattr(batch_steps, "SIZES", SIZES)
        found = {run.size: run for run in batch_steps.batch_runs(train.images, train.labels, 0.05)}
        assert [run.steps * run.size for run in found.values()] == [IMAGES] * len(SIZES)
    return found


def test_an_epoch_is_steps_times_batch_size():
    assert steps_per_epoch(60_000, 64) == 938
    assert all(
        steps_per_epoch(batch_steps.IMAGES, size) * size == batch_steps.IMAGES for size in batch_steps.SIZES
    )


def test_every_batch_size_sees_all_images_in_each_epoch_from_the_same_start(runs):
    assert tuple(runs) == SIZES
    assert len({run.losses[0] for run in runs.values()}) == 1
    assert all(run.epochs[-1] == EPOCHS for run in runs.values())
    assert runs[IMAGES].epochs == tuple(range(EPOCHS + 1))


@pytest.mark.parametrize("size", SIZES[1:])
def test_the_noise_falls_with_the_root_of_the_batch_size(runs, size):
    expected = expected_noise(runs[1].noise, IMAGES, size)
    assert runs[size].noise == pytest.approx(expected, rel=0.2, abs=1e-5)


def test_at_the_same_rate_more_steps_learn_more(runs):
    losses = [runs[size].loss_after(EPOCHS) for size in SIZES[1:]]
    assert losses == sorted(losses)
    assert losses[0] < losses[-1] / 2


def test_an_epoch_that_other_programs_disturb_does_not_count(monkeypatch):
    begun_and_ended = chain.from_iterable(
        (moment, moment + (5 if moment < 30 else 1)) for moment in count(0, 10)
    )
    clock = SimpleNamespace(
        perf_counter=begun_and_ended.__next__
    )  # the first three steps take 5 s, others 1 s
    monkeypatch.setattr(batch_steps, "time", clock)
    monkeypatch.setattr(batch_steps, "IMAGES", 4)
    monkeypatch.setattr(batch_steps, "SIZES", (1,))
    train = load_sample().train
    (run,) = batch_steps.batch_runs(train.images, train.labels, 0.05)
    assert run.seconds == 4
