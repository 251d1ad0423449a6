"""Failures of a download: each gives one sentence and leaves no files."""

import gzip
from http.server import BaseHTTPRequestHandler

import pytest

from mnist_core.data.download import download_mnist
from mnist_core.data.mnist import load_dataset
from tests.core.data.download.mirror import (
    IMAGES,
    LIGHT,
    Mirror,
    children,
    download_patiently,
    failure,
    left_in,
)


def flip_a_bit(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])


def test_other_bytes_than_mnist_are_thrown_away(stub_torchvision, mirror, tiny_files, tmp_path):
    stub_torchvision(LIGHT)
    mirror.files[f"{IMAGES}.gz"] = gzip.compress(flip_a_bit(tiny_files[IMAGES]))
    sentence = failure(download_patiently(tmp_path / "here", mirror.url))
    assert sentence.startswith(
        "The download of MNIST was incomplete or corrupted and was deleted (wrong checksum)"
    )
    assert left_in(tmp_path / "here") == []


def test_a_damaged_archive_is_thrown_away(stub_torchvision, mirror, tmp_path):
    stub_torchvision(LIGHT)
    archive = mirror.files[f"{IMAGES}.gz"]
    mirror.files[f"{IMAGES}.gz"] = archive[:1000] + bytes([archive[1000] ^ 255]) + archive[1001:]
    assert "was incomplete or corrupted" in failure(download_patiently(tmp_path / "here", mirror.url))
    assert left_in(tmp_path / "here") == []


def test_a_connection_that_breaks_off_is_noticed(stub_torchvision, mirror, tmp_path):
    stub_torchvision(LIGHT)
    mirror.fault = lambda request, content: request.wfile.write(content[: len(content) // 2])
    assert "was incomplete or corrupted" in failure(download_patiently(tmp_path / "here", mirror.url))
    assert left_in(tmp_path / "here") == []


def test_a_server_that_dies_midway_is_noticed(stub_torchvision, mirror, tmp_path):
    stub_torchvision(LIGHT)

    def last_answer(request: BaseHTTPRequestHandler, content: bytes) -> None:
        request.wfile.write(content)
        mirror.close()

    mirror.fault = last_answer
    sentence = failure(download_patiently(tmp_path / "here", mirror.url))
    assert sentence.startswith("MNIST could not be downloaded into")
    assert left_in(tmp_path / "here") == []


def hang_midway(mirror: Mirror) -> None:
    def half(request: BaseHTTPRequestHandler, content: bytes) -> None:
        request.wfile.write(content[: len(content) // 2])
        request.wfile.flush()
        mirror.ended.wait(60)

    mirror.fault = half


def test_a_server_that_stops_answering_is_given_up(stub_torchvision, mirror, tmp_path):
    stub_torchvision(LIGHT)
    hang_midway(mirror)
    sentence = failure(download_mnist(tmp_path / "here", mirror.url, stall_seconds=1))
    assert "because the server stopped answering" in sentence
    assert left_in(tmp_path / "here") == []
    assert children() == []


def test_a_mirror_without_the_files_is_explained(stub_torchvision, mirror, tmp_path):
    stub_torchvision(LIGHT)
    mirror.files.clear()
    assert "HTTP Error 404" in failure(download_patiently(tmp_path / "here", mirror.url))


def test_archives_of_torchvisions_own_mirrors_keep_their_checksums(
    own_sets_of_torchvision, mirror, tmp_path, monkeypatch
):
    """Reached through a proxy, here; compressed by us, they aren't byte for byte the originals."""
    for variable in ("no_proxy", "NO_PROXY", "DIGITLAB_MIRROR"):
        monkeypatch.delenv(variable, raising=False)
    for variable in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(variable, mirror.url)
    assert "File not found or corrupted" in failure(download_patiently(tmp_path))
    assert mirror.requests[f"{IMAGES}.gz"] > 0


def test_no_network_gives_the_sample_and_a_notice_that_says_why(
    stub_torchvision, own_cache, tiny_files, tmp_path
):
    stub_torchvision(LIGHT)
    dataset = load_dataset(tmp_path / "wanted")
    assert (dataset.source, len(dataset.train)) == ("sample", 1500)
    notice = str(dataset.notice)
    assert notice.startswith("The offline sample of 1,797 small digits is in use, not MNIST.")
    assert f"could not be downloaded into {tmp_path / 'wanted'}" in notice
    assert "refused" in notice
    assert "DIGITLAB_DATA" in notice


def test_nothing_is_downloaded_where_that_is_forbidden(
    stub_torchvision, own_cache, mirror, tmp_path, monkeypatch
):
    stub_torchvision(LIGHT)
    monkeypatch.setenv("DIGITLAB_MIRROR", mirror.url)
    monkeypatch.setenv("DIGITLAB_OFFLINE", "1")
    dataset = load_dataset(tmp_path)
    assert dataset.source == "sample"
    folder = tmp_path / "MNIST" / "raw"
    assert f"downloads nothing: put its files into {folder}: {IMAGES}, " in str(dataset.notice)
    assert not mirror.requests
    assert not folder.exists()


@pytest.mark.parametrize(
    "error", ['RuntimeError("operator torchvision::nms does not exist")', 'ImportError("no torchvision")']
)
def test_a_torchvision_that_cannot_be_imported_is_explained(stub_torchvision, own_cache, tmp_path, error):
    stub_torchvision(f"raise {error}")
    sentence = failure(download_patiently(tmp_path))
    assert error.split('"')[1] in sentence
    assert "`pip install -r requirements.txt`" in sentence


def test_a_full_disk_is_named(stub_torchvision, own_cache, tmp_path):
    stub_torchvision(
        "import errno\nclass MNIST:\n    resources = []\n"
        "    def __init__(self, root, download): raise OSError(errno.ENOSPC, 'No space left on device')"
    )
    sentence = failure(download_patiently(tmp_path))
    assert sentence.startswith(f"MNIST can't be stored in {tmp_path} ([Errno 28] No space left on device)")


def test_a_child_that_crashes_is_reported(stub_torchvision, own_cache, tmp_path):
    stub_torchvision("import os\nos._exit(7)")
    assert "was interrupted (exit code 7)" in failure(download_patiently(tmp_path))


def test_a_directory_that_cannot_be_made_is_named(own_cache, tmp_path):
    (tmp_path / "file").touch()
    sentence = failure(download_patiently(tmp_path / "file" / "below"))
    assert sentence.startswith(f"MNIST can't be stored in {tmp_path / 'file' / 'below'}")
