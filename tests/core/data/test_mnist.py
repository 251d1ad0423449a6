"""Finding and opening MNIST, and holding out images for validation."""

import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from mnist_core.config import TrainConfig
from mnist_core.data import mnist
from mnist_core.data.idx_files import MNIST_FILES, cache_directory
from mnist_core.data.mnist import ImageReference, find_mnist, load_dataset, open_mnist, split_images
from mnist_core.messages import InputError

IMAGES = "train-images-idx3-ubyte"


def copy(source: Path, target: Path) -> Path:
    shutil.copytree(source, target)
    return target


def test_opens_the_bytes_of_the_files(tiny_mnist, tiny_files):
    dataset = open_mnist(tiny_mnist)
    for split, name in ((dataset.train, "train"), (dataset.test, "t10k")):
        assert split.images.dtype == split.labels.dtype == np.uint8
        assert split.images.shape == (len(split), 28, 28)
        assert split.images.tobytes() == tiny_files[f"{name}-images-idx3-ubyte"][16:]
        assert split.labels.tobytes() == tiny_files[f"{name}-labels-idx1-ubyte"][8:]
    assert (dataset.source, dataset.path, dataset.notice) == ("mnist", tiny_mnist, None)


def test_opens_files_that_lie_directly_in_the_directory(tiny_mnist):
    raw = tiny_mnist / "MNIST" / "raw"
    assert find_mnist(raw) == raw
    assert len(open_mnist(raw).train) == 600


@pytest.mark.parametrize("name", MNIST_FILES)
def test_files_cut_short_after_they_were_opened_change_no_image(tiny_mnist, tiny_files, name):
    data = open_mnist(tiny_mnist)
    (tiny_mnist / "MNIST" / "raw" / name).write_bytes(
        b""
    )  # a process that has it mapped ends at its next look
    assert data.train.images.tobytes() == tiny_files[IMAGES][16:]
    assert data.test.labels.tobytes() == tiny_files["t10k-labels-idx1-ubyte"][8:]
    with pytest.raises(InputError, match="is damaged: it has 0 bytes"):
        open_mnist(tiny_mnist)


@pytest.mark.parametrize("change", [Path.unlink, lambda file: file.write_bytes(bytes(100))])
def test_a_file_that_changes_between_its_check_and_its_reading_is_named(tiny_mnist, monkeypatch, change):
    monkeypatch.setattr(
        mnist, "check_file_if_changed", lambda file: change(file) if IMAGES in str(file) else None
    )
    with pytest.raises(InputError, match=f"{IMAGES} changed while it was read; start again."):
        open_mnist(tiny_mnist)


def test_files_that_nobody_writes_are_mapped_and_others_are_read(tiny_mnist, tiny_files, tmp_path):
    cached, kept = copy(tiny_mnist, cache_directory() / "copy"), copy(tiny_mnist, tmp_path / "kept")
    for file in kept.rglob("*-ubyte"):
        file.chmod(0o444)
    for place, mapped in ((tiny_mnist, False), (cached, True), (kept, True)):
        data = open_mnist(place)
        assert isinstance(data.train.images.base, np.memmap) == mapped
        assert data.train.images.tobytes() == tiny_files[IMAGES][16:]


def test_torch_takes_the_memory_without_a_warning(tiny_mnist):
    import torch

    images = open_mnist(tiny_mnist).train.images
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tensor = torch.from_numpy(images)
    assert tensor.data_ptr() == images.ctypes.data


def test_the_real_mnist(mnist_directory):
    dataset = open_mnist(mnist_directory)
    assert dataset.train.images.shape == (60_000, 28, 28)
    assert dataset.test.images.shape == (10_000, 28, 28)
    assert dataset.train.labels[:9].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1]
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(dataset.train.labels).tolist() == counts
    counts = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert np.bincount(dataset.test.labels).tolist() == counts


def test_importing_data_imports_nothing_slow():
    slow = {"torch", "torchvision", "sklearn", "streamlit"}
    code = f"import mnist_core.data.mnist, sys; print({slow} & sys.modules.keys())"
    root = Path(mnist.__file__).parents[2]
    ran = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "set()"


def test_places_are_searched_in_order(tiny_mnist, own_cache, tmp_path, monkeypatch):
    assert find_mnist() is None
    copy(tiny_mnist, own_cache)
    assert find_mnist() == own_cache
    copy(tiny_mnist, mnist.PROJECT_DATA)
    assert find_mnist() == mnist.PROJECT_DATA
    monkeypatch.setenv("DIGITLAB_DATA", str(copy(tiny_mnist, tmp_path / "environment")))
    assert find_mnist() == tmp_path / "environment"
    assert find_mnist(tiny_mnist) == tiny_mnist
    assert load_dataset(str(tiny_mnist)).path == tiny_mnist


def test_an_incomplete_copy_is_not_found(tiny_mnist):
    (tiny_mnist / "MNIST" / "raw" / IMAGES).unlink()
    assert find_mnist(tiny_mnist) is None


def test_a_given_directory_without_mnist_is_mentioned(tiny_mnist, own_cache, tmp_path):
    copy(tiny_mnist, own_cache)
    dataset = load_dataset(tmp_path / "nothing")
    assert dataset.path == own_cache
    assert str(dataset.notice).startswith(f"{tmp_path / 'nothing'} does not hold the four files")


def test_a_damaged_copy_in_the_project_is_mentioned_and_the_next_used(tiny_mnist, own_cache, tiny_files):
    copy(tiny_mnist, own_cache)
    copy(tiny_mnist, mnist.PROJECT_DATA)
    (mnist.PROJECT_DATA / "MNIST" / "raw" / IMAGES).write_bytes(tiny_files[IMAGES][:-1])
    dataset = load_dataset()
    assert dataset.path == own_cache
    assert str(dataset.notice).startswith(str(mnist.PROJECT_DATA))


def test_the_last_images_are_held_out_and_the_first_of_the_others_learned_from_without_copying(tiny_mnist):
    dataset = open_mnist(tiny_mnist)
    splits = split_images(TrainConfig(validation_size=250, train_size=200), dataset)
    for part, places in ((splits.train, slice(0, 200)), (splits.validation, slice(350, 600))):
        np.testing.assert_array_equal(part.images, dataset.train.images[places])
        np.testing.assert_array_equal(part.labels, dataset.train.labels[places])
        assert (part.file, part.first) == ("train", places.start)
        assert np.shares_memory(part.images, dataset.train.images)
        assert np.shares_memory(part.labels, dataset.train.labels)


def test_the_monitored_images_are_the_validation_or_the_test_images(tiny_mnist):
    dataset = open_mnist(tiny_mnist)
    for monitor in ("validation", "test"):
        splits = split_images(TrainConfig(validation_size=250, monitor=monitor), dataset)
        assert splits.monitored is getattr(splits, monitor)
        assert splits.test is dataset.test


@pytest.mark.parametrize(
    ("part", "first", "count"),
    [(slice(100, 200), 100, 100), (slice(-5, None), 595, 5), (slice(10_000), 0, 600)],
)
def test_a_part_of_a_split_knows_where_it_begins_in_its_file(tiny_mnist, part, first, count):
    train = open_mnist(tiny_mnist).train
    piece = train[part]
    assert (piece.first, len(piece), piece.file) == (first, count, "train")
    assert piece[2:4].first == first + 2
    np.testing.assert_array_equal(piece.labels, train.labels[part])


def test_an_image_has_one_name_in_every_split_that_holds_it(tiny_mnist):
    splits = split_images(TrainConfig(validation_size=250, train_size=200), open_mnist(tiny_mnist))
    image = ImageReference("train", 357)
    assert splits.validation.reference(7) == image
    assert splits.validation.place(image) == 7
    assert splits.train.place(image) is None
    assert splits.test.place(ImageReference("train", 5)) is None
    assert splits.validation.place(ImageReference("train", 600)) is None


def test_a_reference_is_read_from_its_text():
    for image in (ImageReference("test", 42), ImageReference("train", 0)):
        assert ImageReference.parse(image.text) == image
    assert ImageReference("test", 42).text == "test-42"


@pytest.mark.parametrize(
    "text", ["", "42", "test", "test-", "validation-3", "test--3", "test-x", "test-1234567890"]
)
def test_text_that_is_no_image_reference_gives_none(text):
    assert ImageReference.parse(text) is None


@pytest.mark.parametrize(("size", "held"), [(0, 0), (1, 1), (599, 599), (600, 100), (10_000, 100)])
def test_something_is_always_left_to_train_on(tiny_mnist, size, held):
    config = TrainConfig(validation_size=size, monitor="test")
    splits = split_images(config, open_mnist(tiny_mnist))
    assert (len(splits.train), len(splits.validation)) == (600 - held, held)
