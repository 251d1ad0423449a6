import numpy as np
import pytest
import torch

from mnist_core.data.mnist import load_sample
from mnist_core.lessons.linear_neurons import LinearNeurons
from mnist_core.lessons.softmax_loss import answers, logits_of, softmax_loss

TEMPERATURES = (0.25, 1.0, 8.0)
LOGITS = np.random.default_rng(0).normal(0, 5, 10)


@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_probabilities_are_the_exponentials_by_their_sum_and_sum_to_one(temperature):
    found = softmax_loss(LOGITS, 3, temperature)
    np.testing.assert_allclose(found.probabilities, found.exponentials / found.exponentials.sum())
    np.testing.assert_allclose(found.exponentials, np.exp((LOGITS - LOGITS.max()) / temperature))
    assert found.probabilities.sum() == pytest.approx(1)


@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_the_gradient_is_probability_minus_one_hot(temperature):
    found = softmax_loss(LOGITS, 3, temperature)
    assert found.one_hot.tolist() == [float(digit == 3) for digit in range(10)]
    np.testing.assert_allclose(
        found.gradient, (found.probabilities - found.one_hot) / temperature, atol=1e-12
    )


def test_cross_entropy_and_log_softmax_with_nll_are_the_same_number():
    found = softmax_loss(LOGITS, 3)
    assert found.cross_entropy == pytest.approx(-np.log(found.probabilities[3]))
    assert found.negative_log_likelihood == pytest.approx(found.cross_entropy, rel=1e-12)


def test_the_temperature_changes_the_certainty_but_not_the_answer():
    found = answers(LOGITS, TEMPERATURES)
    assert {digit for digit, _share in found.values()} == {int(LOGITS.argmax())}
    shares = [share for _digit, share in found.values()]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > shares[-1] + 0.3


def test_logits_are_those_of_the_layer():
    weights, biases = (
        np.random.default_rng(1).normal(size=(10, 784)).astype(np.float32),
        np.ones(10, np.float32),
    )
    image = load_sample().train.images[0]
    layer = torch.nn.Linear(784, 10)
    layer.load_state_dict({"weight": torch.from_numpy(weights), "bias": torch.from_numpy(biases)})
    wanted = layer(torch.from_numpy(image).reshape(-1) / 255).detach().numpy()
    found = logits_of(LinearNeurons(weights, biases, biases, biases, 0.0), image)
    np.testing.assert_allclose(found, wanted, atol=1e-4)
