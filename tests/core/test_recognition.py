import numpy as np
import pytest
import torch

from mnist_core.architectures import build_model
from mnist_core.config import TrainConfig
from mnist_core.data import Split
from mnist_core.evaluation import evaluate
from mnist_core.reading.drawing import strokes_to_image
from mnist_core.reading.recognition import predict


@pytest.fixture(scope="module")
def model():
    return build_model(TrainConfig(dropout=0.5, batch_norm=True))


def test_a_blank_is_no_digit(model):
    prediction = predict(model, strokes_to_image([]))
    assert prediction.blank
    assert (prediction.label, prediction.confidence, prediction.image) == (None, 0.0, None)
    assert prediction.probabilities.tolist() == [0] * 10


def test_a_reading_is_the_likeliest_of_ten_probabilities(model, batch):
    for image in batch.images:
        prediction = predict(model, image)
        assert not prediction.blank
        assert prediction.probabilities.shape == (10,)
        assert prediction.probabilities.sum() == pytest.approx(1, abs=1e-5)
        assert prediction.label == prediction.probabilities.argmax()
        assert prediction.confidence == pytest.approx(prediction.probabilities.max())
        assert isinstance(prediction.label, int)
        assert prediction.image is image


def test_reading_one_by_one_is_evaluating_them_all(model, batch):
    together = evaluate(model, batch).probabilities
    alone = [predict(model, image).probabilities for image in batch.images]
    np.testing.assert_allclose(alone, together, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("training", [True, False])
def test_reading_leaves_the_model_as_it_was(model, training, batch):
    model.train(training)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    first, second = (predict(model, batch.images[0]).probabilities.tolist() for _ in range(2))
    assert first == second
    assert model.training == training
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


def test_a_drawing_can_be_read(model):
    image = strokes_to_image([[[100, 20], [100, 200]]])
    prediction = predict(model, image)
    expected = evaluate(model, Split(image[None], np.array([1], np.uint8)))
    assert prediction.label == expected.predictions[0]
