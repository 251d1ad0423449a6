import os
import shutil
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest

from mnist_core import data
from mnist_core.data import find_mnist, hold_out, load_dataset, load_sample, open_mnist
from mnist_core.dataset import raw_files
from mnist_core.dataset.raw_files import FILES, check_files
from mnist_core.messages import InputError

IMAGES = "train-images-idx3-ubyte"


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are read whole, as they are."""
    names: list[str] = []
    sha256 = raw_files._sha256

    def recording(file: Path) -> str:
        names.append(file.name)
        return sha256(file)

    monkeypatch.setattr(raw_files, "_sha256", recording)
    return names


def copy(source: Path, target: Path) -> Path:
    shutil.copytree(source, target)
    return target


# Opening


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


def test_writing_to_the_images_leaves_the_file_alone(tiny_mnist, tiny_files):
    images = open_mnist(tiny_mnist).train.images
    images[:] = 0
    assert (tiny_mnist / "MNIST" / "raw" / IMAGES).read_bytes() == tiny_files[IMAGES]


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


def test_the_real_mnist_opens_in_milliseconds_from_the_second_time_on(mnist_directory, own_cache):
    def seconds() -> float:
        start = time.perf_counter()
        open_mnist(mnist_directory)
        return time.perf_counter() - start

    seconds()
    assert min(seconds() for _ in range(5)) < 0.02


def test_importing_data_imports_nothing_slow():
    slow = {"torch", "torchvision", "sklearn", "streamlit"}
    code = f"import mnist_core.data, sys; print({slow} & sys.modules.keys())"
    root = Path(data.__file__).parents[1]
    ran = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "set()"


# Checking


def cut(content: bytes) -> bytes:
    return content[:-1]


def flip_a_bit(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])


def wrong_magic(content: bytes) -> bytes:
    return b"\0\0\x0d" + content[3:]


def wrong_count(content: bytes) -> bytes:
    return content[:4] + b"\0\0\1\0" + content[8:]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (cut, "is damaged: it has {short} bytes, not {size}"),
        (flip_a_bit, "its checksum is wrong"),
        (wrong_magic, "it starts with the wrong bytes"),
        (wrong_count, "it starts with the wrong bytes"),
        (lambda content: b"", "is damaged: it has 0 bytes, not {size}"),
    ],
)
def test_a_damaged_file_in_the_given_directory_is_named(tiny_mnist, tiny_files, name, damage, sentence):
    file = tiny_mnist / "MNIST" / "raw" / name
    file.write_bytes(damage(tiny_files[name]))
    with pytest.raises(InputError) as caught:
        load_dataset(tiny_mnist)
    size = len(tiny_files[name])
    assert str(caught.value).startswith(f"{file} is damaged")
    assert sentence.format(short=size - 1, size=size) in str(caught.value)
    assert "replace it, or delete it" in str(caught.value)


def test_a_missing_file_is_named(tiny_mnist):
    missing = tiny_mnist / "MNIST" / "raw" / IMAGES
    missing.unlink()
    with pytest.raises(InputError, match=f"{missing} can't be read"):
        open_mnist(tiny_mnist)


def test_check_files_reports_each_file(tiny_mnist, tiny_files):
    raw = tiny_mnist / "MNIST" / "raw"
    assert all(check.checksum_ok and check.size == check.expected_size for check in check_files(tiny_mnist))
    (raw / IMAGES).write_bytes(flip_a_bit(tiny_files[IMAGES]))
    assert [check.name for check in check_files(tiny_mnist) if not check.checksum_ok] == [IMAGES]
    (raw / IMAGES).unlink()
    found = {check.name: check for check in check_files(tiny_mnist)}
    assert (found[IMAGES].size, found[IMAGES].checksum_ok) == (None, False)
    assert [*found] == [*FILES]


def test_the_second_opening_reads_no_file_whole(tiny_mnist, hashed):
    open_mnist(tiny_mnist)
    assert sorted(hashed) == sorted(FILES)
    hashed.clear()
    open_mnist(tiny_mnist)
    assert hashed == []


def test_a_changed_file_is_read_whole_again(tiny_mnist, tiny_files, hashed):
    open_mnist(tiny_mnist)
    hashed.clear()
    file = tiny_mnist / "MNIST" / "raw" / IMAGES
    os.utime(file, ns=(0, file.stat().st_mtime_ns + 1))
    open_mnist(tiny_mnist)
    assert hashed == [IMAGES]
    file.write_bytes(flip_a_bit(tiny_files[IMAGES]))
    for _ in range(2):  # a failed check is not remembered as passed
        with pytest.raises(InputError, match="checksum"):
            open_mnist(tiny_mnist)


@pytest.mark.parametrize("content", ["", "[1]", "{", '{"a": 1}'])
def test_an_illegible_record_of_checks_is_replaced(tiny_mnist, own_cache, hashed, content):
    own_cache.mkdir(parents=True)
    (own_cache / "checked-files.json").write_text(content)
    open_mnist(tiny_mnist)
    open_mnist(tiny_mnist)
    assert sorted(hashed) == sorted(FILES)


def test_a_cache_that_cannot_be_written_costs_only_the_record(tiny_mnist, own_cache, hashed):
    own_cache.parent.mkdir(parents=True)
    own_cache.write_text("a file where the directory should be")
    open_mnist(tiny_mnist)
    open_mnist(tiny_mnist)
    assert sorted(hashed) == sorted([*FILES, *FILES])


# Finding


def test_places_are_searched_in_order(tiny_mnist, own_cache, tmp_path, monkeypatch):
    assert find_mnist() is None
    copy(tiny_mnist, own_cache)
    assert find_mnist() == own_cache
    copy(tiny_mnist, data.PROJECT_DATA)
    assert find_mnist() == data.PROJECT_DATA
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
    assert str(dataset.notice).startswith(f"{tmp_path / 'nothing'} doesn't hold the four files")


def test_a_damaged_copy_in_the_project_is_mentioned_and_the_next_used(tiny_mnist, own_cache, tiny_files):
    copy(tiny_mnist, own_cache)
    copy(tiny_mnist, data.PROJECT_DATA)
    (data.PROJECT_DATA / "MNIST" / "raw" / IMAGES).write_bytes(cut(tiny_files[IMAGES]))
    dataset = load_dataset()
    assert dataset.path == own_cache
    assert str(dataset.notice).startswith(str(data.PROJECT_DATA))


# Holding out


def test_hold_out_takes_the_last_images_without_copying(tiny_mnist):
    everything = open_mnist(tiny_mnist).train
    train, validation = hold_out(everything, 250)
    assert (len(train), len(validation)) == (350, 250)
    np.testing.assert_array_equal(validation.images, everything.images[350:])
    np.testing.assert_array_equal(validation.labels, everything.labels[350:])
    for part in (train, validation):
        assert np.shares_memory(part.images, everything.images)
        assert np.shares_memory(part.labels, everything.labels)


@pytest.mark.parametrize(("size", "held"), [(0, 0), (1, 1), (599, 599), (600, 100), (10_000, 100)])
def test_hold_out_leaves_something_to_train_on(tiny_mnist, size, held):
    train, validation = hold_out(open_mnist(tiny_mnist).train, size)
    assert (len(train), len(validation)) == (600 - held, held)


# The offline sample


@pytest.fixture(scope="module")
def sample():
    return load_sample()


def test_the_sample_has_the_shapes_of_mnist(sample):
    for split, count in ((sample.train, 1500), (sample.test, 297)):
        assert (split.images.shape, split.images.dtype) == ((count, 28, 28), np.uint8)
        assert (split.labels.shape, split.labels.dtype) == ((count,), np.uint8)
    assert (sample.source, sample.path) == ("sample", None)
    assert "1,797 small digits" in str(sample.notice)
    assert "DIGITLAB_DATA" in str(sample.notice)


def test_the_sample_is_the_digits_of_scikit_learn_in_order(sample):
    labels = np.concatenate([sample.train.labels, sample.test.labels])
    assert labels[:12].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]
    assert np.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert np.bincount(sample.test.labels).min() >= 25


def test_the_sample_is_placed_as_mnist_is(sample):
    for image in np.concatenate([sample.train.images, sample.test.images]):
        rows, columns = (np.flatnonzero(image.any(axis=axis)) for axis in (1, 0))
        assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
        assert image.max() == 255
        for axis in (0, 1):
            profile = image.sum(axis=axis, dtype=float)
            assert 13.45 <= profile @ np.arange(28) / profile.sum() <= 14.55


def test_the_sample_is_as_dark_as_mnist(sample, mnist_directory):
    mnist = open_mnist(mnist_directory).test.images.mean()
    assert sample.test.images.mean() == pytest.approx(mnist, rel=0.15)


def test_the_sample_is_always_the_same(sample):
    again = load_sample()
    np.testing.assert_array_equal(again.train.images, sample.train.images)
    np.testing.assert_array_equal(again.test.images, sample.test.images)


def test_hold_out_on_the_sample_takes_a_sixth(sample):
    train, validation = hold_out(sample.train, 10_000)
    assert (len(train), len(validation)) == (1250, 250)
