"""MNIST from the internet, by torchvision in a process of its own.

So torchvision's memory never enters the app, and a download can be ended at any moment. What it leaves is
MNIST, checked byte for byte, or nothing.
"""

import errno
import gzip
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Generator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

from filelock import FileLock, Timeout

from mnist_core.data.idx_files import MNIST_FILES, check_file
from mnist_core.messages import N_, InputError

PROJECT = Path(__file__).resolve().parent.parent.parent
DOWNLOAD_BYTES = 11_594_722  # of the four .gz files on torchvision's mirrors
POLL_SECONDS = 0.1
SOCKET_SECONDS = 10  # how long one connection may be silent
PATIENCE_SECONDS = 30.0  # how long the whole download may be
START_SECONDS = 120.0  # how long Python may take to import torchvision from a slow disk
TEMPORARY = ".mnist-download-"
REPORTED = 3  # the child's exit code after it said what went wrong
DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)

PROBLEMS = {
    "torchvision": N_(
        "MNIST can't be downloaded because torchvision can't be imported ({detail}): run "
        "`pip install -r requirements.txt`, which installs torch and torchvision of matching versions."
    ),
    "network": N_(
        "MNIST could not be downloaded into {directory} ({detail}): check the internet connection and start "
        "again, or name a folder that holds its four files in DIGITLAB_DATA."
    ),
    "stalled": N_(
        "MNIST could not be downloaded into {directory} because the server stopped answering: start again "
        "later, or name another mirror in DIGITLAB_MIRROR."
    ),
    "corrupted": N_(
        "MNIST arrived incomplete or corrupted and was thrown away ({detail}): start again, or name another "
        "mirror in DIGITLAB_MIRROR."
    ),
    "disk": N_(
        "MNIST can't be stored in {directory} ({detail}): make room there, or name another folder in "
        "DIGITLAB_DATA."
    ),
    "ended": N_("The download of MNIST into {directory} ended by itself ({detail}): start again."),
}


class DownloadError(InputError):
    """MNIST could not be downloaded; the message says why and what to do."""


class _Failure(Exception):
    """A `kind` of PROBLEMS and the `detail` that came with it."""

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(kind, detail)
        self.kind, self.detail = kind, detail


def download_mnist(
    directory: Path | str, mirror: str | None = None, patience: float = PATIENCE_SECONDS
) -> Generator[float]:
    """Download MNIST into `directory`/MNIST/raw, yielding the fraction that has arrived, 0 to 1.

    From torchvision's own mirrors, or from `mirror` (or the environment's DIGITLAB_MIRROR), a URL under which
    the four .gz files lie. Closing the iterator stops the download. Raises DownloadError when it fails, or
    when nothing arrives for `patience` seconds.
    """
    directory = Path(directory).expanduser().resolve()
    try:
        yield from _download(directory, mirror or os.environ.get("DIGITLAB_MIRROR"), patience)
    except _Failure as failure:
        raise DownloadError(PROBLEMS[failure.kind], directory=directory, detail=failure.detail) from failure
    except OSError as error:
        raise DownloadError(PROBLEMS["disk"], directory=directory, detail=error.strerror or error) from error


def _download(directory: Path, mirror: str | None, patience: float) -> Iterator[float]:
    directory.mkdir(parents=True, exist_ok=True)
    lock = FileLock(directory / f"{TEMPORARY}lock", thread_local=False)  # a generator may be closed anywhere
    yield from _wait_for(lock)
    try:
        target = directory / "MNIST" / "raw"
        if not _is_mnist(target):  # another process may just have put it there
            for leftover in directory.glob(f"{TEMPORARY}*/"):  # of a download that was killed
                shutil.rmtree(leftover, ignore_errors=True)
            with TemporaryDirectory(prefix=TEMPORARY, dir=directory, ignore_cleanup_errors=True) as temporary:
                fetched = Path(temporary) / "MNIST" / "raw"
                yield from _fetch(fetched, mirror, patience)
                target.mkdir(parents=True, exist_ok=True)
                for name in MNIST_FILES:
                    os.replace(fetched / name, target / name)
    finally:
        lock.release()
    yield 1.0


def _wait_for(lock: FileLock) -> Iterator[float]:
    """Acquire it; yield 0.0 from time to time as long as another process is downloading."""
    while True:
        try:
            lock.acquire(blocking=False)
            return
        except Timeout:
            yield 0.0
            time.sleep(POLL_SECONDS)


def _is_mnist(folder: Path) -> bool:
    try:
        for name in MNIST_FILES:
            check_file(folder / name)
    except InputError:
        return False
    return True


def _fetch(fetched: Path, mirror: str | None, patience: float) -> Iterator[float]:
    """Have a child process download into the raw folder `fetched`; what is there then is MNIST."""
    root = fetched.parent.parent
    command = [sys.executable, "-m", "mnist_core.data.download", str(root), *([mirror] if mirror else [])]
    pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
    with subprocess.Popen(
        command, cwd=PROJECT, stdin=pipe, stdout=pipe, stderr=nowhere, encoding="utf-8"
    ) as child:
        try:
            yield from _watch(child, fetched, patience)
        finally:
            child.kill()
        said, _ = child.communicate()
    if child.returncode == REPORTED:
        raise _Failure(*json.loads(said.splitlines()[-1]))
    if child.returncode:
        raise _Failure("ended", f"exit code {child.returncode}")
    if not _is_mnist(fetched):
        raise _Failure("corrupted", "wrong checksum")


def _watch(child: subprocess.Popen[str], fetched: Path, patience: float) -> Iterator[float]:
    """Yield the fraction that lies on the disk, until the child ends or nothing more arrives."""
    fraction, size, last_arrival = 0.0, 0, time.monotonic()
    while child.poll() is None:
        archives, before = sum(file.stat().st_size for file in fetched.glob("*.gz")), size
        size = sum(file.stat().st_size for file in fetched.glob("*"))  # grows while unpacking too
        if size != before:
            last_arrival = time.monotonic()
        elif time.monotonic() - last_arrival > (patience if fetched.is_dir() else START_SECONDS):
            raise _Failure("stalled")
        fraction = max(fraction, min(archives / DOWNLOAD_BYTES, 0.99))  # a second mirror starts a file anew
        yield fraction
        time.sleep(POLL_SECONDS)


def _child(root: str, mirror: str | None = None) -> None:
    """What the child process does; on failure it prints kind and detail and exits with REPORTED."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    socket.setdefaulttimeout(SOCKET_SECONDS)
    try:
        from torchvision.datasets import MNIST
    except Exception as error:  # a torchvision that doesn't match torch raises a RuntimeError, or others
        _report("torchvision", error)
    if mirror:
        MNIST.mirrors = [mirror.rstrip("/") + "/"]
        # A mirror may have compressed the files itself; the parent compares what they unpack to with MNIST.
        MNIST.resources = [(name, None) for name, _ in MNIST.resources]
    try:
        MNIST(root, download=True)
    except Exception as error:
        _report(_kind(error), error)


def _end_with_parent() -> None:
    os.read(0, 1)  # returns when the parent is gone, however it ended
    os._exit(1)


def _report(kind: str, error: Exception) -> NoReturn:
    lines = str(error).split("\n")
    detail = next((line for line in reversed(lines) if line.strip()), type(error).__name__)
    print(json.dumps([kind, detail.removeprefix("<urlopen error ").removesuffix(">")]))
    sys.exit(REPORTED)


def _kind(error: Exception) -> str:
    if isinstance(error, (EOFError, zlib.error, gzip.BadGzipFile)) or "corrupted" in str(error):
        return "corrupted"
    return "disk" if isinstance(error, OSError) and error.errno in DISK_ERRORS else "network"


if __name__ == "__main__":
    _child(*sys.argv[1:])
