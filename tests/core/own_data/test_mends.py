from dataclasses import replace

import numpy as np
import pytest

from mnist_core.data.mnist import Dataset
from mnist_core.messages import InputError
from mnist_core.own_data.mends import Mends, look_inverted
from mnist_core.own_data.own_images import OwnImages


def own(labels: list[int], classes: str) -> OwnImages:
    images = np.random.default_rng(0).integers(0, 256, (len(labels), 28, 28), np.uint8)
    return OwnImages(images, np.array(labels, np.int64), tuple(classes.split()))


def names(shifted: OwnImages) -> list[str]:
    return [shifted.classes[label] for label in shifted.labels]


def test_each_mend_of_pixels_undoes_the_fault_it_is_for():
    good = own([0, 1, 2], "0 1 2")
    faults = {
        Mends(transpose=True): np.stack([image.T for image in good.images]),
        Mends(invert=True): 255 - good.images,
        Mends(turns=1): np.stack([np.rot90(image) for image in good.images]),  # counter-clockwise
        Mends(turns=3): np.stack([np.rot90(image, 3) for image in good.images]),
        Mends(transpose=True, turns=2, invert=True): 255 - np.stack([np.rot90(i, 2).T for i in good.images]),
    }
    for mends, wrong in faults.items():
        mended = mends.apply(replace(good, images=wrong))
        np.testing.assert_array_equal(mended.images, good.images, str(mends))
        assert mended.images.flags.c_contiguous
        assert mended.labels.tolist() == [0, 1, 2]


def test_labels_from_0_go_round_and_labels_from_1_are_renamed():
    assert names(Mends(shift=-1).apply(own([0, 1, 2], "0 1 2"))) == ["2", "0", "1"]
    assert names(Mends(shift=1).apply(own([0, 1, 2], "0 1 2"))) == ["1", "2", "0"]
    assert names(Mends(shift=1).apply(own([0, 1], "hat shoe"))) == ["shoe", "hat"]
    letters = Mends(shift=-1).apply(own([0, 1, 2], "1 2 3"))
    assert names(letters) == ["0", "1", "2"]
    assert names(Mends(shift=1).apply(letters)) == ["1", "2", "0"]
    with pytest.raises(InputError, match="begin at 1"):
        Mends(shift=-2).apply(own([0, 1], "1 2"))


def test_classes_are_renamed():
    assert names(Mends(classes=("a", " b  c ")).apply(own([0, 1], "1 2"))) == ["a", "b c"]
    wrong = {
        ("a",): "classes: 2. Names given: 1",
        ("a", "a"): "the same",
        ("a", " "): "the same",
        ("a", 41 * "b"): "of 41",
        ("a", "<b"): "character <",
    }
    for given, words in wrong.items():
        with pytest.raises(InputError, match=words):
            Mends(classes=given).apply(own([0, 1], "1 2"))


def test_black_on_white_looks_inverted_and_mnist_does_not(sample: Dataset):
    assert not look_inverted(sample.train.images[:50])
    assert look_inverted(255 - sample.train.images[:50])
