"""The claims of the chapter on overfitting: few images are memorised, and the remedies reduce the gap."""

import pytest

from mnist_core.lessons import generalisation
from mnist_core.lessons.generalisation import CurvePoint, Curves, Remedies, settings, train_curves
from mnist_core.runtime.job import Job, Watcher


def trained(sample, remedies):
    job = Job("lesson", lambda: train_curves(sample, remedies))
    job.start(Watcher())
    job.wait()
    assert job.finished
    return job.latest


@pytest.fixture(scope="module", autouse=True)
def shorter():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generalisation, "STEPS", 300)
        patch.setattr(generalisation, "POINTS", 7)
        yield


@pytest.fixture(scope="module")
def plain(sample, shorter):
    return trained(sample, Remedies(images=100))


def test_few_images_are_learned_by_heart_and_new_ones_are_not_read_as_well(plain):
    last = plain.points[-1]
    assert last.train_accuracy == 1.0
    assert last.validation_accuracy < 0.95
    assert last.train_loss < 0.05 < last.validation_loss
    assert (plain.train_images, plain.validation_images) == (100, 250)


def test_a_curve_goes_from_before_the_first_step_to_the_last(plain):
    steps = [point.step for point in plain.points]
    assert (steps[0], steps[-1], len(steps)) == (0, 300, 7)
    assert plain.points[0].validation_accuracy < 0.35


def test_augmentation_closes_the_gap(plain, sample):
    helped = trained(sample, Remedies(images=100, augmentation="affine")).points[-1]
    before = plain.points[-1]
    assert helped.validation_loss - helped.train_loss < before.validation_loss - before.train_loss
    assert helped.validation_loss < before.validation_loss


@pytest.mark.parametrize("images", generalisation.SIZES)
def test_each_number_of_images_gets_the_same_number_of_steps(images, monkeypatch):
    monkeypatch.setattr(generalisation, "STEPS", 1_000)
    found = settings(Remedies(images=images, dropout=0.5))
    assert found["epochs"] * images == generalisation.STEPS * generalisation.BATCH
    assert found["dropout"] == 0.5


def test_the_best_point_has_the_lowest_validation_loss():
    points = [CurvePoint(step, 0.0, 1.0, loss, 0.9) for step, loss in ((0, 2.0), (5, 0.4), (9, 0.6))]
    assert Curves(points, 0.9, 10, 10).best.step == 5
