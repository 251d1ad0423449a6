"""Checking MNIST's files: damaged ones are named, and checks are remembered."""

import errno
import gzip
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
    """A list to which the names of completely read files are added."""
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


def dotted(name: str) -> str:
    return name.replace("-idx", ".idx")


def store_as(folder: Path, contents: dict[str, bytes], rename, compress: bool) -> Path:
    """Put files into `folder` under other names, as they are or compressed."""
    folder.mkdir(parents=True)
    for name, content in contents.items():
        path = folder / (rename(name) + ".gz" * compress)
        path.write_bytes(gzip.compress(content, 1) if compress else content)
    return folder


@pytest.mark.parametrize("below", [".", "raw", "MNIST/raw"])
@pytest.mark.parametrize("rename", [str, dotted])
@pytest.mark.parametrize("compress", [False, True])
def test_files_are_opened_under_all_their_usual_names(
    tmp_path, own_cache, tiny_files, below, rename, compress
):
    store_as(tmp_path / "given" / below, tiny_files, rename, compress)
    for _ in range(2):
        data = load_dataset(tmp_path / "given")
        assert (data.source, data.notice, len(data.train)) == ("mnist", None, 600)
        assert data.train.images.tobytes() == tiny_files[IMAGES][16:]
    assert all(check.checksum_ok for check in check_files(tmp_path / "given"))


def test_archives_that_nothing_can_be_written_beside_are_uncompressed_into_the_cache(
    tmp_path, own_cache, tiny_files, monkeypatch
):
    given = store_as(tmp_path / "given", tiny_files, str, compress=True)
    write, full = idx_files._write_atomically, []

    def read_only(file: Path, content: bytes) -> None:
        if file.parent == given or full:
            raise OSError(errno.EROFS, "Read-only file system")
        write(file, content)

    monkeypatch.setattr(idx_files, "_write_atomically", read_only)
    assert len(load_dataset(given).train) == 600
    assert sorted(path.name for path in given.iterdir()) == sorted(f"{name}.gz" for name in MNIST_FILES)
    assert len(load_dataset(given).train) == 600
    (own_cache / "MNIST" / "raw" / IMAGES).unlink()
    full.append(True)
    with pytest.raises(InputError, match=r"gz can't be uncompressed: neither its folder nor .* make room"):
        load_dataset(given)


@pytest.mark.parametrize("damage", [cut, lambda content: b"no archive", lambda content: gzip.compress(b"x")])
def test_a_damaged_archive_is_named(tmp_path, own_cache, tiny_files, damage):
    given = store_as(tmp_path / "given", tiny_files, str, compress=True)
    archive = given / f"{IMAGES}.gz"
    archive.write_bytes(damage(archive.read_bytes()))
    with pytest.raises(InputError, match=f"{archive} is damaged or not MNIST's"):
        load_dataset(given)
    assert not (given / IMAGES).exists()


def test_an_archive_that_swells_is_not_unpacked_whole(tmp_path, own_cache, tiny_files, monkeypatch):
    given = store_as(tmp_path / "given", tiny_files, str, compress=True)
    (given / f"{IMAGES}.gz").write_bytes(gzip.compress(bytes(20_000_000), 1))
    read = []
    whole = gzip.GzipFile.read
    monkeypatch.setattr(gzip.GzipFile, "read", lambda file, size: read.append(size) or whole(file, size))
    with pytest.raises(InputError, match="is damaged"):
        load_dataset(given)
    assert read == [len(tiny_files[IMAGES]) + 1]


@pytest.mark.parametrize("below", [".", "MNIST/raw"])
def test_a_given_directory_with_a_part_of_mnist_is_told_what_is_missing(
    tmp_path, own_cache, tiny_files, below
):
    folder = store_as(tmp_path / "given" / below, tiny_files, dotted, compress=True)
    (folder / f"{dotted(IMAGES)}.gz").unlink()
    with pytest.raises(InputError) as caught:
        load_dataset(tmp_path / "given")
    assert str(caught.value) == (
        f"{folder} holds only a part of MNIST. Put the rest there too, as it is or as .gz: {IMAGES}. Or name "
        "another folder in DIGITLAB_DATA."
    )


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
