"""Downloading MNIST with torchvision in a child process.

The child keeps torchvision out of the app's memory, and can be killed at any moment. Files are moved into
place only after their checksums are verified.
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
SOCKET_SECONDS = 10  # timeout of one connection
STALL_SECONDS = 30.0  # without any data, after which the download fails
START_SECONDS = 120.0  # timeout of the child's start: importing torchvision from a slow disk
TEMPORARY = ".mnist-download-"
EXIT_REPORTED = 3  # the child's exit code after it printed the error
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
        "The download of MNIST was incomplete or corrupted and was deleted ({detail}): start "
        "again, or name another mirror in DIGITLAB_MIRROR."
    ),
    "disk": N_(
        "MNIST can't be stored in {directory} ({detail}): make room there, or name another folder in "
        "DIGITLAB_DATA."
    ),
    "ended": N_("The download of MNIST into {directory} was interrupted ({detail}): start again."),
}


class DownloadError(InputError):
    """The download of MNIST failed; the message says why and what to do."""


class _Failure(Exception):
    """A key of PROBLEMS (`kind`) and the `detail` for its message."""

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(kind, detail)
        self.kind, self.detail = kind, detail


def download_mnist(
    directory: Path | str, mirror: str | None = None, stall_seconds: float = STALL_SECONDS
) -> Generator[float]:
    """Download MNIST into `directory`/MNIST/raw; yield the fraction received, 0 to 1.

    The source is `mirror`, else the environment variable DIGITLAB_MIRROR (the base URL of the four .gz
    files), else torchvision's mirrors. Closing the generator stops the download. Raises DownloadError if it
    fails or no data arrives for `stall_seconds` seconds.
    """
    directory = Path(directory).expanduser().resolve()
    try:
        yield from _download(directory, mirror or os.environ.get("DIGITLAB_MIRROR"), stall_seconds)
    except _Failure as failure:
        raise DownloadError(PROBLEMS[failure.kind], directory=directory, detail=failure.detail) from failure
    except OSError as error:
        raise DownloadError(PROBLEMS["disk"], directory=directory, detail=error.strerror or error) from error


def _download(directory: Path, mirror: str | None, stall_seconds: float) -> Iterator[float]:
    directory.mkdir(parents=True, exist_ok=True)
    # thread_local=False: the generator may be closed by another thread
    lock = FileLock(directory / f"{TEMPORARY}lock", thread_local=False)
    yield from _wait_for(lock)
    try:
        target = directory / "MNIST" / "raw"
        if not _is_mnist(target):  # another process may have downloaded it meanwhile
            for leftover in directory.glob(f"{TEMPORARY}*/"):  # of killed downloads
                shutil.rmtree(leftover, ignore_errors=True)
            with TemporaryDirectory(prefix=TEMPORARY, dir=directory, ignore_cleanup_errors=True) as temporary:
                fetched = Path(temporary) / "MNIST" / "raw"
                yield from _fetch(fetched, mirror, stall_seconds)
                _move(fetched, target)
    finally:
        lock.release()
    yield 1.0


def _move(fetched: Path, target: Path) -> None:
    """Move the four files into the folder `target`: a kill leaves none of them there, or all."""
    for file in fetched.iterdir():
        if file.name not in MNIST_FILES:
            file.unlink()  # the archives
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        fetched.rename(target)
        return
    for name in MNIST_FILES:
        os.replace(fetched / name, target / name)


def _wait_for(lock: FileLock) -> Iterator[float]:
    """Acquire `lock`; yield 0.0 every POLL_SECONDS while another process downloads."""
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


def _fetch(fetched: Path, mirror: str | None, stall_seconds: float) -> Iterator[float]:
    """Download in a child process into the raw folder `fetched`, and verify the files.

    Raises _Failure if the child fails, stalls or leaves files that aren't MNIST's.
    """
    root = fetched.parent.parent
    command = [sys.executable, "-m", "mnist_core.data.download", str(root), *([mirror] if mirror else [])]
    pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
    with subprocess.Popen(
        command, cwd=PROJECT, stdin=pipe, stdout=pipe, stderr=nowhere, encoding="utf-8"
    ) as child:
        try:
            yield from _watch(child, fetched, stall_seconds)
        finally:
            child.kill()
        output, _ = child.communicate()
    if child.returncode == EXIT_REPORTED:
        raise _Failure(*json.loads(output.splitlines()[-1]))
    if child.returncode:
        raise _Failure("ended", f"exit code {child.returncode}")
    if not _is_mnist(fetched):
        raise _Failure("corrupted", "wrong checksum")


def _watch(child: subprocess.Popen[str], fetched: Path, stall_seconds: float) -> Iterator[float]:
    """Yield the fraction on disk until the child ends; raise _Failure if no data arrives for too long."""
    fraction, size, last_arrival = 0.0, 0, time.monotonic()
    while child.poll() is None:
        archives, before = sum(file.stat().st_size for file in fetched.glob("*.gz")), size
        size = sum(file.stat().st_size for file in fetched.glob("*"))  # grows while unpacking too
        if size != before:
            last_arrival = time.monotonic()
        elif time.monotonic() - last_arrival > (stall_seconds if fetched.is_dir() else START_SECONDS):
            raise _Failure("stalled")
        fraction = max(fraction, min(archives / DOWNLOAD_BYTES, 0.99))  # a second mirror restarts a file
        yield fraction
        time.sleep(POLL_SECONDS)


def _child(root: str, mirror: str | None = None) -> None:
    """Run in the child process: download; on failure print kind and detail, exit with EXIT_REPORTED."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    socket.setdefaulttimeout(SOCKET_SECONDS)
    try:
        from torchvision.datasets import MNIST
    except Exception as error:  # torchvision that doesn't match torch raises RuntimeError and others
        _report("torchvision", error)
    if mirror:
        MNIST.mirrors = [mirror.rstrip("/") + "/"]
        # No .gz checksums: a mirror may compress the files differently. The parent checks the content.
        MNIST.resources = [(name, None) for name, _ in MNIST.resources]
    try:
        MNIST(root, download=True)
    except Exception as error:
        _report(_kind(error), error)


def _end_with_parent() -> None:
    os.read(0, 1)  # stdin is a pipe from the parent; the read returns when the parent ends
    os._exit(1)


def _report(kind: str, error: Exception) -> NoReturn:
    lines = str(error).split("\n")
    detail = next((line for line in reversed(lines) if line.strip()), type(error).__name__)
    print(json.dumps([kind, detail.removeprefix("<urlopen error ").removesuffix(">")]))
    sys.exit(EXIT_REPORTED)


def _kind(error: Exception) -> str:
    if isinstance(error, (EOFError, zlib.error, gzip.BadGzipFile)) or "corrupted" in str(error):
        return "corrupted"
    return "disk" if isinstance(error, OSError) and error.errno in DISK_ERRORS else "network"


if __name__ == "__main__":
    _child(*sys.argv[1:])
