"""The smallest change that makes a model read another digit."""

from functools import partial

import numpy as np
import pytest
import torch

from mnist_core.config import TrainConfig
from mnist_core.evaluation.counterfactual import MOST_PIXELS, smallest_change
from mnist_core.messages import InputError
from mnist_core.models.architectures import build_model
from mnist_core.models.inference import predict_logits

SOFTMAX = TrainConfig(architecture="softmax", input_scaling="unit")


def labels(model, images):
    return predict_logits(model, torch.from_numpy(np.array(images))).argmax(1).numpy()


@pytest.fixture
def reader():
    """A softmax regression that reads 1 until ink in row 3, or much in row 20, makes it a 7."""
    model = build_model(SOFTMAX).eval()
    layer = next(module for module in model.modules() if isinstance(module, torch.nn.Linear))
    weights = torch.zeros(10, 28, 28)
    weights[7, 3, 5:9], weights[7, 20, 5:20], weights[1, 10, 10] = 1.0, 0.1, 1.0
    with torch.no_grad():
        layer.weight.copy_(weights.flatten(1))
        layer.bias.zero_()
    return model


def test_ink_is_added_where_it_counts_most_and_no_more_than_needed(reader):
    image = np.zeros((28, 28), np.uint8)
    image[10, 10] = 255
    reads = partial(labels, reader)
    assert reads(image[None])[0] == 1
    seen = []
    change = smallest_change(reader, image, 7, reads, seen.append)
    assert reads(change.image[None])[0] == 7
    changed = change.added | change.removed
    assert changed.sum() <= 2  # one pixel of row 3 ties with the 1's, or the 1's own pixel is removed
    assert not change.added[20].any()
    assert np.array_equal(change.image[~changed], image[~changed])
    assert seen == [n / MOST_PIXELS for n in range(1, len(seen) + 1)]


def test_every_changed_pixel_is_needed(sample):
    model, image = build_model(SOFTMAX).eval(), sample.test.images[0]
    reads = partial(labels, model)
    target = int(predict_logits(model, torch.from_numpy(image[None].copy()))[0].argmin())
    change = smallest_change(model, image, target, reads)
    assert reads(change.image[None])[0] == target
    places = np.argwhere(change.added | change.removed)
    assert 1 < len(places) <= MOST_PIXELS
    for place in map(tuple, places):
        without = change.image.copy()
        without[place] = image[place]
        assert reads(without[None])[0] != target


def test_a_digit_that_no_change_brings_is_none_and_the_answer_itself_needs_no_change(reader):
    image = np.zeros((28, 28), np.uint8)
    image[10, 10] = 255
    reads = partial(labels, reader)
    assert smallest_change(reader, image, 3, lambda images: np.zeros(len(images), int)) is None
    assert not smallest_change(reader, image, 1, reads).added.any()
    with pytest.raises(InputError, match="0 to 9"):
        smallest_change(reader, image, 10, reads)
