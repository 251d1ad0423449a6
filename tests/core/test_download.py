import gzip
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest

from mnist_core.data import load_dataset, open_mnist
from mnist_core.dataset.download import PROJECT, DownloadError, download_mnist
from mnist_core.dataset.raw_files import FILES

IMAGES = "train-images-idx3-ubyte"


class Mirror:
    """A local web server of .gz files; `fault` may answer in its own way, from a file's second request on.

    torchvision asks for each file twice: first to follow redirects, then to read it.
    """

    def __init__(self, raw: dict[str, bytes]) -> None:
        self.files = {f"{name}.gz": gzip.compress(content, 1) for name, content in raw.items()}
        self.fault: Callable[[BaseHTTPRequestHandler, bytes], None] | None = None
        self.requests: Counter[str] = Counter()
        self.ended = threading.Event()
        mirror = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                mirror.answer(self)

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        name = request.path.rpartition("/")[2]
        self.requests[name] += 1
        content = self.files.get(name)
        if content is None:
            request.send_error(404)
            return
        request.send_response(200)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        try:
            if self.fault and self.requests[name] > 1:
                self.fault(request, content)
            else:
                request.wfile.write(content)
        except ConnectionError:
            pass  # torchvision hangs up once it has seen the headers

    def close(self) -> None:
        self.ended.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def mirror(tiny_files: dict[str, bytes], own_cache: Path) -> Iterator[Mirror]:
    with closing(Mirror(tiny_files)) as mirror:
        yield mirror


@pytest.fixture
def stub_torchvision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put another torchvision, with this `datasets.py`, in the way of the child process."""

    def write(datasets: str) -> None:
        package = tmp_path / "stub" / "torchvision"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "datasets.py").write_text(datasets)
        monkeypatch.setenv("PYTHONPATH", str(package.parent))

    return write


# What torchvision does, without the seconds that importing it takes, for tests of what happens around it.
LIGHT = """
import gzip, pathlib, urllib.request
class MNIST:
    kinds = ("images-idx3", "labels-idx1")
    resources = [(f"{part}-{kind}-ubyte.gz", "") for kind in kinds for part in ("train", "t10k")]
    def __init__(self, root, download):
        raw = pathlib.Path(root, "MNIST", "raw")
        raw.mkdir(parents=True)
        for name, _ in self.resources:
            archive = urllib.request.urlopen(self.mirrors[0] + name).read()
            (raw / name).write_bytes(archive)
            (raw / name[:-3]).write_bytes(gzip.decompress(archive))
"""

HANGS = """
import pathlib, time
class MNIST:
    resources = []
    def __init__(self, root, download):
        raw = pathlib.Path(root, "MNIST", "raw")
        raw.mkdir(parents=True)
        (raw / "train-images-idx3-ubyte.gz").write_bytes(bytes(1_000_000))
        time.sleep(600)
"""


def children() -> list[psutil.Process]:
    module = "mnist_core.dataset.download"
    return [child for child in psutil.Process().children() if module in child.cmdline()]


def left_in(directory: Path) -> list[str]:
    """What a download left, apart from its lock file, which is empty and stays."""
    return sorted(path.name for path in directory.iterdir() if path.name != ".mnist-download-lock")


def failure(download: Iterator[float]) -> str:
    with pytest.raises(DownloadError) as caught:
        list(download)
    return str(caught.value)


# Success


def test_downloads_what_the_mirror_has(mirror, tiny_files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fractions = list(download_mnist("here", mirror.url))
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)
    for name, content in tiny_files.items():
        assert (tmp_path / "here" / "MNIST" / "raw" / name).read_bytes() == content
    assert left_in(tmp_path / "here") == ["MNIST"]
    assert children() == []


def test_downloads_the_real_mnist(mnist_directory, own_cache, tmp_path):
    source = mnist_directory / "MNIST" / "raw"
    with closing(Mirror({name: (source / name).read_bytes() for name in FILES})) as mirror:
        list(download_mnist(tmp_path, mirror.url + "/"))
    for name in FILES:
        assert (tmp_path / "MNIST" / "raw" / name).read_bytes() == (source / name).read_bytes()
    assert len(open_mnist(tmp_path).train) == 60_000


def test_a_damaged_copy_in_the_cache_is_replaced(
    stub_torchvision, mirror, tiny_files, own_cache, monkeypatch
):
    stub_torchvision(LIGHT)
    monkeypatch.setenv("DIGITLAB_MIRROR", mirror.url)
    raw = own_cache / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, content in tiny_files.items():
        (raw / name).write_bytes(content[:-1] if name == IMAGES else content)
    fractions: list[float] = []
    dataset = load_dataset(progress=fractions.append)
    assert (dataset.source, dataset.path, dataset.notice) == ("mnist", own_cache, None)
    assert (raw / IMAGES).read_bytes() == tiny_files[IMAGES]
    assert fractions[-1] == 1.0


def test_what_is_already_there_is_not_downloaded_again(tiny_mnist):
    assert list(download_mnist(tiny_mnist, "http://127.0.0.1:9/")) == [1.0]


# Failure


def flip_a_bit(content: bytes) -> bytes:
    return content[:-1] + bytes([content[-1] ^ 1])


def test_other_bytes_than_mnist_are_thrown_away(stub_torchvision, mirror, tiny_files, tmp_path):
    stub_torchvision(LIGHT)
    mirror.files[f"{IMAGES}.gz"] = gzip.compress(flip_a_bit(tiny_files[IMAGES]))
    sentence = failure(download_mnist(tmp_path / "here", mirror.url))
    assert sentence.startswith("MNIST arrived incomplete or corrupted and was thrown away (wrong checksum)")
    assert left_in(tmp_path / "here") == []


def test_a_damaged_archive_is_thrown_away(stub_torchvision, mirror, tmp_path):
    stub_torchvision(LIGHT)
    archive = mirror.files[f"{IMAGES}.gz"]
    mirror.files[f"{IMAGES}.gz"] = archive[:1000] + bytes([archive[1000] ^ 255]) + archive[1001:]
    assert "arrived incomplete or corrupted" in failure(download_mnist(tmp_path / "here", mirror.url))
    assert left_in(tmp_path / "here") == []


def test_a_connection_that_breaks_off_is_noticed(mirror, tmp_path):
    mirror.fault = lambda request, content: request.wfile.write(content[: len(content) // 2])
    assert "arrived incomplete or corrupted" in failure(download_mnist(tmp_path, mirror.url))
    assert left_in(tmp_path) == []


def test_a_server_that_dies_midway_is_noticed(mirror, tmp_path):
    def last_answer(request: BaseHTTPRequestHandler, content: bytes) -> None:
        request.wfile.write(content)
        mirror.close()

    mirror.fault = last_answer
    assert failure(download_mnist(tmp_path, mirror.url)).startswith("MNIST could not be downloaded into")
    assert left_in(tmp_path) == []


def hang_midway(mirror: Mirror) -> None:
    def half(request: BaseHTTPRequestHandler, content: bytes) -> None:
        request.wfile.write(content[: len(content) // 2])
        request.wfile.flush()
        mirror.ended.wait(60)

    mirror.fault = half


def test_a_server_that_stops_answering_is_given_up(mirror, tmp_path):
    hang_midway(mirror)
    sentence = failure(download_mnist(tmp_path, mirror.url, patience=1))
    assert "because the server stopped answering" in sentence
    assert left_in(tmp_path) == []
    assert children() == []


def test_a_mirror_without_the_files_is_explained(stub_torchvision, mirror, tmp_path):
    stub_torchvision(LIGHT)
    mirror.files.clear()
    assert "HTTP Error 404" in failure(download_mnist(tmp_path / "here", mirror.url))


def test_archives_of_torchvisions_own_mirrors_keep_their_checksums(mirror, tmp_path, monkeypatch):
    """Reached through a proxy, here; compressed by us, they aren't byte for byte the originals."""
    for variable in ("no_proxy", "NO_PROXY", "DIGITLAB_MIRROR"):
        monkeypatch.delenv(variable, raising=False)
    for variable in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(variable, mirror.url)
    assert "File not found or corrupted" in failure(download_mnist(tmp_path))
    assert mirror.requests[f"{IMAGES}.gz"] > 0


def test_no_network_gives_the_sample_and_a_notice_that_says_why(own_cache, tiny_files, tmp_path):
    dataset = load_dataset(tmp_path / "wanted")
    assert (dataset.source, len(dataset.train)) == ("sample", 1500)
    notice = str(dataset.notice)
    assert notice.startswith("The offline sample of 1,797 small digits is in use, not MNIST.")
    assert f"could not be downloaded into {tmp_path / 'wanted'}" in notice
    assert "refused" in notice
    assert "DIGITLAB_DATA" in notice


@pytest.mark.parametrize(
    "error", ['RuntimeError("operator torchvision::nms does not exist")', 'ImportError("no torchvision")']
)
def test_a_torchvision_that_cannot_be_imported_is_explained(stub_torchvision, own_cache, tmp_path, error):
    stub_torchvision(f"raise {error}")
    sentence = failure(download_mnist(tmp_path))
    assert error.split('"')[1] in sentence
    assert "`pip install -r requirements.txt`" in sentence


def test_a_full_disk_is_named(stub_torchvision, own_cache, tmp_path):
    stub_torchvision(
        "import errno\nclass MNIST:\n    resources = []\n"
        "    def __init__(self, root, download): raise OSError(errno.ENOSPC, 'No space left on device')"
    )
    sentence = failure(download_mnist(tmp_path))
    assert sentence.startswith(f"MNIST can't be stored in {tmp_path} ([Errno 28] No space left on device)")


def test_a_child_that_crashes_is_reported(stub_torchvision, own_cache, tmp_path):
    stub_torchvision("import os\nos._exit(7)")
    assert "ended by itself (exit code 7)" in failure(download_mnist(tmp_path))


def test_a_directory_that_cannot_be_made_is_named(own_cache, tmp_path):
    (tmp_path / "file").touch()
    sentence = failure(download_mnist(tmp_path / "file" / "below"))
    assert sentence.startswith(f"MNIST can't be stored in {tmp_path / 'file' / 'below'}")


# Stopping


def test_closing_the_iterator_ends_the_download_and_leaves_nothing(stub_torchvision, own_cache, tmp_path):
    stub_torchvision("import os\nos._exit = print" + HANGS)  # one that wouldn't end by itself
    download = download_mnist(tmp_path / "here")
    while next(download) == 0:
        pass
    assert len(children()) == 1
    assert len(left_in(tmp_path / "here")) == 1
    download.close()
    assert children() == []
    assert left_in(tmp_path / "here") == []


def test_a_second_download_waits_for_the_first(stub_torchvision, own_cache, tmp_path):
    stub_torchvision(HANGS)
    first, second = download_mnist(tmp_path), download_mnist(tmp_path)
    while next(first) == 0:
        pass
    assert [next(second), next(second)] == [0.0, 0.0]
    assert len(children()) == 1
    first.close()
    while next(second) == 0:
        pass
    second.close()


def test_after_a_killed_parent_the_child_ends_and_its_leftovers_are_removed(
    stub_torchvision, own_cache, tmp_path
):
    stub_torchvision(HANGS)
    code = (
        "import sys; from mnist_core.dataset.download import download_mnist\n"
        "for fraction in download_mnist(sys.argv[1]): print(fraction, flush=True)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "there")]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as parent:
        while float(parent.stdout.readline()) == 0:
            pass
        (child,) = psutil.Process(parent.pid).children()
        parent.kill()
    _, alive = psutil.wait_procs([child], timeout=10)
    assert alive == []
    (leftover,) = left_in(tmp_path / "there")
    download = download_mnist(tmp_path / "there")
    next(download)
    assert leftover not in left_in(tmp_path / "there")
    download.close()
    assert left_in(tmp_path / "there") == []
