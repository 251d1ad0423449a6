import math

import numpy as np
import pytest
import torch

from mnist_core.config import TrainConfig
from mnist_core.data.mnist import Split
from mnist_core.evaluation.metrics import evaluate
from mnist_core.models.architectures import build_model
from mnist_core.recognition.recognizer import Prediction, _seen, predict
from mnist_core.recognition.strokes import strokes_to_image


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


def test_another_view_turns_and_sizes_about_the_middle():
    bar = torch.zeros(1, 28, 28)
    bar[0, 13:15, 8:20] = 255  # flat, 12 wide
    assert torch.allclose(_seen(bar, 0, 1), bar, atol=0.1)
    upright = _seen(bar, 90, 1)
    assert torch.allclose(upright, bar.transpose(1, 2), atol=0.1)
    larger = _seen(bar, 0, 1.5)[0, 13]
    assert int((larger > 127).sum()) == 18
    turned = _seen(bar, 8, 1)[0]
    heights = [turned[:, column] @ torch.arange(28.0) / turned[:, column].sum() for column in (9, 18)]
    assert abs(float(heights[0] - heights[1])) == pytest.approx(9 * math.tan(math.radians(8)), abs=0.3)


@pytest.mark.parametrize(
    ("first", "is_digit", "unsure", "text"),
    [(0.95, True, False, "4"), (0.6, True, True, "4/9"), (0.6, False, False, "?"), (0.95, False, False, "?")],
)
def test_there_are_three_kinds_of_answers(first, is_digit, unsure, text):
    shares = np.full(10, 0.001, np.float32)
    shares[4], shares[9] = first, 0.992 - first
    prediction = Prediction(4, first, shares, np.zeros((28, 28), np.uint8), is_digit)
    assert (prediction.is_unsure, prediction.text) == (unsure, text)
    assert (prediction.second, prediction.second_confidence) == (9, pytest.approx(0.992 - first, abs=1e-6))
