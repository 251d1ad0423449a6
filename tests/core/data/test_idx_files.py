"""Checking MNIST's files: what is damaged is named, and what was checked is remembered."""

import os
from pathlib import Path

import pytest

from mnist_core.data import idx_files
from mnist_core.data.idx_files import MNIST_FILES, check_files
from mnist_core.data.mnist import load_dataset, open_mnist
from mnist_core.messages import InputError

IMAGES = "train-images-idx3-ubyte"


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are read whole, as they are."""
    names: list[str] = []
    sha256 = idx_files._sha256

    def recording(file: Path) -> str:
        names.append(file.name)
        return sha256(file)

    monkeypatch.setattr(idx_files, "_sha256", recording)
    return names


def cut(content: bytes) -> bytes:
    return content[:-1]


def flip_a_bit(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])


def wrong_magic(content: bytes) -> bytes:
    return b"\0\0\x0d" + content[3:]


def wrong_count(content: bytes) -> bytes:
    return content[:4] + b"\0\0\1\0" + content[8:]


@pytest.mark.parametrize("name", MNIST_FILES)
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
    assert [*found] == [*MNIST_FILES]


def test_the_second_opening_reads_no_file_whole(tiny_mnist, hashed):
    open_mnist(tiny_mnist)
    assert sorted(hashed) == sorted(MNIST_FILES)
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
    assert sorted(hashed) == sorted(MNIST_FILES)


def test_a_cache_that_cannot_be_written_costs_only_the_record(tiny_mnist, own_cache, hashed):
    own_cache.parent.mkdir(parents=True)
    own_cache.write_text("a file where the directory should be")
    open_mnist(tiny_mnist)
    open_mnist(tiny_mnist)
    assert sorted(hashed) == sorted([*MNIST_FILES, *MNIST_FILES])
