import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn import metrics

from mnist_core.config import TrainConfig
from mnist_core.data.mnist import Split, split_images
from mnist_core.evaluation.metrics import Evaluation, evaluate
from mnist_core.models.architectures import build_model
from mnist_core.models.inference import predict_logits


def answers(labels: list[int], predictions: list[int]) -> Evaluation:
    """An evaluation of images with these labels that were taken for these digits."""
    random = np.random.default_rng(0)
    probabilities = random.random((len(labels), 10))
    probabilities[np.arange(len(labels)), predictions] = 2
    probabilities /= probabilities.sum(1, keepdims=True)
    losses = -np.log(probabilities[np.arange(len(labels)), labels])
    return Evaluation(np.array(labels), probabilities, losses)


RANDOM = np.random.default_rng(1).integers(0, 10, (2, 500)).tolist()
CASES = {
    "random": RANDOM,
    "all right": (RANDOM[0], RANDOM[0]),
    "all wrong": (RANDOM[0], [(label + 1) % 10 for label in RANDOM[0]]),
    "a digit never predicted": (RANDOM[0], [min(digit, 8) for digit in RANDOM[1]]),
    "a digit that isn't there": ([min(digit, 8) for digit in RANDOM[0]], RANDOM[1]),
    "one image, right": ([7], [7]),
    "one image, wrong": ([0], [9]),
}


@pytest.mark.parametrize(("labels", "predictions"), CASES.values(), ids=CASES)
class TestAgainstScikitLearn:
    def test_predictions_and_accuracy(self, labels, predictions):
        result = answers(labels, predictions)
        assert result.predictions.tolist() == list(predictions)
        assert result.accuracy == metrics.accuracy_score(labels, predictions)

    def test_loss(self, labels, predictions):
        result = answers(labels, predictions)
        probabilities = result.probabilities / result.probabilities.sum(1, keepdims=True, dtype=float)
        expected = metrics.log_loss(labels, probabilities, labels=range(10))
        assert result.loss == pytest.approx(expected, rel=1e-9)

    def test_confusion_matrix_is_true_by_predicted(self, labels, predictions):
        expected = np.zeros((10, 10), int)
        for label, prediction in zip(labels, predictions, strict=True):
            expected[label, prediction] += 1
        assert answers(labels, predictions).confusion_matrix.tolist() == expected.tolist()

    @pytest.mark.filterwarnings("error")
    def test_metrics_per_class(self, labels, predictions):
        rows = answers(labels, predictions).per_class
        assert [row.digit for row in rows] == list(range(10))
        assert [row.images for row in rows] == [list(labels).count(digit) for digit in range(10)]
        settings = {"labels": range(10), "average": None, "zero_division": 0}
        for name in ("precision", "recall", "f1"):
            expected = getattr(metrics, f"{name}_score")(labels, predictions, **settings)
            assert [getattr(row, name) for row in rows] == expected.tolist()

    def test_errors_are_the_wrong_ones_worst_first(self, labels, predictions):
        result = answers(labels, predictions)
        wrong = {n for n, pair in enumerate(zip(labels, predictions, strict=True)) if pair[0] != pair[1]}
        assert set(result.errors.tolist()) == wrong
        losses = result.losses[result.errors].tolist()
        assert losses == sorted(losses, reverse=True)

    def test_every_cell_has_the_images_it_counts_largest_loss_first(self, labels, predictions):
        result = answers(labels, predictions)
        counts = metrics.confusion_matrix(labels, predictions, labels=range(10))
        seen = []
        for true, predicted in np.ndindex(10, 10):
            cell = result.cell(true, predicted)
            assert len(cell) == counts[true, predicted]
            assert {(labels[n], predictions[n]) for n in cell} <= {(true, predicted)}
            assert result.losses[cell].tolist() == sorted(result.losses[cell], reverse=True)
            seen += cell.tolist()
        assert sorted(seen) == list(range(len(labels)))

    def test_the_hardest_are_all_images_largest_loss_first(self, labels, predictions):
        result = answers(labels, predictions)
        assert sorted(result.worst.tolist()) == list(range(len(labels)))
        assert result.losses[result.worst].tolist() == sorted(result.losses, reverse=True)


@pytest.mark.parametrize("settings", [{}, {"loss": "nll"}, {"architecture": "cnn", "batch_norm": True}])
def test_a_model_is_evaluated_by_its_own_logits(settings, sample):
    model = build_model(TrainConfig(**settings))
    result = evaluate(model, sample.test)
    logits = predict_logits(model, torch.from_numpy(sample.test.images))
    labels = torch.from_numpy(sample.test.labels).long()
    assert result.labels.tolist() == sample.test.labels.tolist()
    assert result.predictions.tolist() == logits.argmax(1).tolist()
    assert result.loss == pytest.approx(F.cross_entropy(logits.double(), labels).item(), rel=1e-9)
    np.testing.assert_allclose(result.probabilities, logits.softmax(1).numpy(), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(result.probabilities.sum(1), 1, rtol=1e-5)
    assert (result.probabilities.shape, result.losses.shape) == ((297, 10), (297,))


def test_evaluating_leaves_the_model_as_it_was(sample):
    model = build_model(TrainConfig(dropout=0.5, batch_norm=True))
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    evaluate(model.train(), sample.test)
    assert model.training
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


def test_one_image_can_be_evaluated(sample):
    result = evaluate(build_model(TrainConfig()), sample.test[:1])
    assert result.confusion_matrix.sum() == 1
    assert result.accuracy in (0.0, 1.0)


def test_a_sure_and_wrong_answer_has_a_large_but_finite_loss():
    model = build_model(TrainConfig(architecture="softmax"))
    with torch.no_grad():
        model.network[1].weight.zero_()
        model.network[1].bias.copy_(torch.tensor([200.0] + [0.0] * 9))
    result = evaluate(model, Split(np.zeros((1, 28, 28), np.uint8), np.array([3], np.uint8)))
    assert result.loss == pytest.approx(200)


def test_validation_training_and_test_images_are_evaluated(sample):
    config = TrainConfig(validation_size=100, train_size=300)
    splits = split_images(config, sample).to_evaluate
    assert {name: (len(split), split.file, split.first) for name, split in splits.items()} == {
        "validation": (100, "train", 1400),
        "train": (300, "train", 0),
        "test": (297, "test", 0),
    }
    for split in splits.values():
        source = getattr(sample, split.file)
        assert np.array_equal(split.images, source.images[split.first : split.first + len(split)])


def test_who_held_nothing_out_has_no_validation_images(sample):
    config = TrainConfig(validation_size=0, monitor="test")
    assert set(split_images(config, sample).to_evaluate) == {"train", "test"}
