"""The evaluation that comes with the pretrained weights is used for just these weights and images."""

import numpy as np
import pytest

from mnist_core.data.mnist import Split
from mnist_core.evaluation import kept_evaluation as kept
from mnist_core.evaluation.metrics import Evaluation


@pytest.fixture
def split():
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (20, 28, 28)).astype(np.uint8)
    return Split(images, random.integers(0, 10, 20).astype(np.uint8), "test")


@pytest.fixture
def weights(tmp_path, monkeypatch, split):
    """The weights' file, with an evaluation kept for it."""
    monkeypatch.setattr(kept, "FOLDER", tmp_path)
    file, random = tmp_path / "weights", np.random.default_rng(1)
    file.write_bytes(b"weights")
    probabilities = random.dirichlet(np.ones(10), 20)
    losses = -np.log(probabilities[np.arange(20), split.labels])
    kept.keep_evaluation(file, split, Evaluation(split.labels.astype(np.int64), probabilities, losses))
    return file


def test_it_is_the_one_that_was_kept(weights, split):
    found = kept.kept_evaluation(weights, split)
    assert found.labels.tolist() == split.labels.tolist()
    assert np.allclose(found.losses, -np.log(found.probabilities[np.arange(20), split.labels]), atol=1e-5)
    assert found.accuracy == (found.probabilities.argmax(1) == split.labels).mean()


def test_test_and_validation_images_have_one_each(weights, split):
    validation = Split(split.images, split.labels, "train", 40)
    assert kept.kept_evaluation(weights, validation) is None
    probabilities = np.full((20, 10), 0.1)
    kept.keep_evaluation(
        weights, validation, Evaluation(split.labels.astype(np.int64), probabilities, np.ones(20))
    )
    assert kept.kept_evaluation(weights, validation).losses.tolist() == [1] * 20
    assert kept.kept_evaluation(weights, split).losses.tolist() != [1] * 20


def test_other_weights_images_or_labels_have_none(weights, split):
    brighter, other = split.images.copy(), split.labels.copy()
    brighter[3, 3, 3] ^= 1
    other[7] ^= 1
    assert kept.kept_evaluation(weights, Split(brighter, split.labels, "test")) is None
    assert kept.kept_evaluation(weights, Split(split.images, other, "test")) is None
    assert kept.kept_evaluation(weights, split[:10]) is None
    weights.write_bytes(b"weightt")
    assert kept.kept_evaluation(weights, split) is None


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04", None])
def test_a_file_that_is_broken_or_not_there_is_none(weights, split, content):
    file = kept.FOLDER / "evaluation_test.npz"
    file.write_bytes(content) if content is not None else file.unlink()
    assert kept.kept_evaluation(weights, split) is None


def test_a_deleted_checkpoint_has_none(weights, split):
    weights.unlink()
    assert kept.kept_evaluation(weights, split) is None
