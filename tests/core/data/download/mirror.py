"""A web server to download from, substitutes for torchvision, and the files that a download leaves."""

import gzip
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest

from mnist_core.data.download import DownloadError, download_mnist

IMAGES = "train-images-idx3-ubyte"
download_patiently = partial(download_mnist, stall_seconds=600)  # a busy machine is no stalled server

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
            urllib.request.urlopen(self.mirrors[0] + name).close()
            with urllib.request.urlopen(self.mirrors[0] + name) as answer, (raw / name).open("wb") as file:
                while part := answer.read(32768):  # in parts, of which a broken connection has fewer
                    file.write(part)
            (raw / name[:-3]).write_bytes(gzip.decompress((raw / name).read_bytes()))
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


def children() -> list[psutil.Process]:
    module = "mnist_core.data.download"
    return [child for child in psutil.Process().children() if module in child.cmdline()]


def left_in(directory: Path) -> list[str]:
    """What a download left, apart from its lock file, which is empty and stays."""
    return sorted(path.name for path in directory.iterdir() if path.name != ".mnist-download-lock")


def failure(download: Iterator[float]) -> str:
    with pytest.raises(DownloadError) as caught:
        list(download)
    return str(caught.value)
