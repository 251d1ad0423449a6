import numpy as np
import pytest
import torch

from mnist_core.choices import INPUT_SCALINGS
from mnist_core.config import TrainConfig
from mnist_core.data.mnist import load_sample
from mnist_core.lessons.pixels import brightest_pixel, scaled, vector_index
from mnist_core.models.architectures import build_model


def test_the_index_is_the_place_in_the_flattened_picture():
    picture = np.arange(784).reshape(28, 28)
    assert all(picture.ravel()[vector_index(r, c)] == picture[r, c] for r in range(28) for c in range(28))


@pytest.mark.parametrize("scaling", INPUT_SCALINGS)
def test_a_pixel_is_scaled_as_the_first_layer_of_a_network_does(scaling):
    image = load_sample().train.images[0]
    first = build_model(TrainConfig(widths=(), input_scaling=scaling)).scaling
    wanted = first(torch.from_numpy(image)[None]).reshape(28, 28).numpy()
    np.testing.assert_allclose(scaled(image, scaling), wanted, atol=1e-6)


def test_the_brightest_pixel_has_one_below_it():
    image = np.zeros((28, 28), np.uint8)
    image[27, 3], image[5, 9] = 255, 200
    assert brightest_pixel(image) == (5, 9, 200)
