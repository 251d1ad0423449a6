import numpy as np
import pytest
import torch

from mnist_core.data.mnist import load_sample
from mnist_core.lessons.linear_neurons import LinearNeurons, neuron_on, train_neurons


@pytest.fixture
def few_steps(monkeypatch):
    monkeypatch.setattr("mnist_core.lessons.linear_neurons.STEPS", 30)
    monkeypatch.setattr("mnist_core.lessons.linear_neurons.TRAINING", 300)


@pytest.mark.parametrize("loss", ["sigmoid", "softmax"])
def test_ten_neurons_learn_the_digits_from_few_images(few_steps, result_of, loss):
    neurons = result_of(train_neurons(load_sample().train, loss))
    assert neurons.accuracy > 0.7


def test_each_neuron_is_right_more_often_than_one_that_always_says_no(few_steps, result_of):
    neurons = result_of(train_neurons(load_sample().train, "sigmoid"))
    assert neurons.right.mean() > neurons.others.mean() + 0.02


def test_a_neuron_is_the_layer_and_the_sigmoid_of_torch():
    generator = np.random.default_rng(0)
    weights, biases = generator.normal(size=(10, 784)).astype(np.float32), np.full(10, 0.5, np.float32)
    image = load_sample().train.images[0]
    neuron = neuron_on(LinearNeurons(weights, biases, biases, biases, 0.0), 3, image)
    layer = torch.nn.Linear(784, 10)
    layer.load_state_dict({"weight": torch.from_numpy(weights), "bias": torch.from_numpy(biases)})
    total = layer(torch.from_numpy(image).reshape(1, -1) / 255)[0, 3]
    assert neuron.total == pytest.approx(total.item(), abs=1e-4)
    assert neuron.output == pytest.approx(torch.sigmoid(total).item(), abs=1e-5)
