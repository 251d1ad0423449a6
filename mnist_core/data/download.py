"""Downloading data sets with torchvision in a child process.

The child keeps torchvision out of the app's memory, and can be killed at any moment. Files are moved into
place only after their checksums are verified.
"""

import errno
import gzip
import hashlib
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import zlib
from collections import defaultdict
from collections.abc import Callable, Collection, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn

from filelock import FileLock, Timeout

from mnist_core.data.idx_files import MNIST_FILES, check_file
from mnist_core.messages import N_, InputError, Message

PROJECT = Path(__file__).resolve().parent.parent.parent
DOWNLOAD_BYTES = 11_594_722  # of the four .gz files on torchvision's mirrors
POLL_SECONDS = 0.1
SOCKET_SECONDS = 10  # timeout of one connection
STALL_SECONDS = 30.0  # without any data, after which the download fails
ARCHIVES = "--archives"  # tells the child process that a list of files follows
ARCHIVE_SUFFIXES = (".gz", ".zip", ".bz2")  # of what arrives, as opposed to what is unpacked
START_SECONDS = 120.0  # timeout of the child's start: importing torchvision from a slow disk
EXIT_REPORTED = 3  # the child's exit code after it printed the error
DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)

PROBLEMS = {
    "torchvision": N_(
        "{name} can't be downloaded because torchvision can't be imported ({detail}): run "
        "`pip install -r requirements.txt`, which installs torch and torchvision of matching versions."
    ),
    "network": N_(
        "{name} could not be downloaded into {directory} ({detail}): check the internet connection and start "
        "again, or name a folder that holds its files in DIGITLAB_DATA."
    ),
    "stalled": N_(
        "{name} could not be downloaded into {directory} because the server stopped answering: start again "
        "later, or name another mirror in DIGITLAB_MIRROR."
    ),
    "corrupted": N_(
        "The download of {name} was incomplete or corrupted and was deleted ({detail}): start "
        "again, or name another mirror in DIGITLAB_MIRROR."
    ),
    "disk": N_(
        "{name} can't be stored in {directory} ({detail}): make room there, or name another folder in "
        "DIGITLAB_DATA."
    ),
    "ended": N_("The download of {name} into {directory} was interrupted ({detail}): start again."),
}


class DownloadError(InputError):
    """The download of a data set failed; the message says why and what to do."""


def is_offline() -> bool:
    """Whether DIGITLAB_OFFLINE forbids downloads."""
    return bool(os.environ.get("DIGITLAB_OFFLINE"))


class _Failure(Exception):
    """A key of PROBLEMS (`kind`) and the `detail` for its message."""

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(kind, detail)
        self.kind, self.detail = kind, detail


@dataclass(frozen=True)
class Archive:
    """A file as its publisher offers it: its address and the MD5 that torchvision expects."""

    url: str
    md5: str

    @property
    def name(self) -> str:
        """The file's name."""
        return self.url.rpartition("/")[2]


@dataclass(frozen=True)
class _Task:
    """What to download: `files` into `folder` (as torchvision lays them out), `size` bytes in all.

    `arguments` tell the child process; `complete` says whether a folder holds all of it.
    """

    key: str
    name: str
    folder: Path
    files: Collection[str]
    size: int
    arguments: tuple[str, ...]
    complete: Callable[[Path], bool]

    @property
    def temporary(self) -> str:
        """How the names of its temporary folders begin."""
        return f".{self.key}-download-"


def download_mnist(
    directory: Path | str, mirror: str | None = None, stall_seconds: float = STALL_SECONDS
) -> Generator[float]:
    """Download MNIST into `directory`/MNIST/raw; yield the fraction received, 0 to 1.

    The source is `mirror`, else the environment variable DIGITLAB_MIRROR (the base URL of the four .gz
    files), else torchvision's mirrors. Closing the generator stops the download. Raises DownloadError if it
    fails, no data arrives for `stall_seconds` seconds, or DIGITLAB_OFFLINE forbids it.
    """
    mirror = mirror or os.environ.get("DIGITLAB_MIRROR")
    folder, arguments = Path("MNIST", "raw"), (mirror,) if mirror else ()
    task = _Task("mnist", "MNIST", folder, MNIST_FILES, DOWNLOAD_BYTES, arguments, _is_mnist)
    yield from _download(Path(directory).expanduser().resolve(), task, stall_seconds)


def download_archives(
    directory: Path,
    name: str,
    folder: Path,
    archives: Collection[Archive],
    size: int,
    stall_seconds: float = STALL_SECONDS,
) -> Generator[float]:
    """Download the files of a data set, about `size` bytes, into `directory`/`folder`; yield the fraction.

    `folder` is torchvision's, such as KMNIST/raw. DIGITLAB_MIRROR may name another server, which has the
    files in a folder called as `folder` begins (KMNIST). Stops and raises as `download_mnist` does; `name`
    is for its messages.
    """
    mirror = os.environ.get("DIGITLAB_MIRROR")
    top = folder.parts[0]
    base = f"{mirror.rstrip('/')}/{top}/" if mirror else ""
    files = [
        [base + archive.name if base else archive.url, archive.name, archive.md5] for archive in archives
    ]
    arguments = (ARCHIVES, json.dumps(files))

    def complete(place: Path) -> bool:
        return all(has_md5(place / archive.name, archive.md5) for archive in archives)

    names = [archive.name for archive in archives]
    task = _Task(top.lower(), name, folder, names, size, arguments, complete)
    yield from _download(directory.expanduser().resolve(), task, stall_seconds)


def has_md5(file: Path, md5: str) -> bool:
    """Whether a file is there and has this MD5, as hexadecimal digits."""
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, lambda: hashlib.md5(usedforsecurity=False)).hexdigest() == md5
    except OSError:
        return False


def _download(directory: Path, task: _Task, stall_seconds: float) -> Generator[float]:
    if is_offline():
        raise DownloadError(
            N_(
                "{name} is not on this server, which downloads nothing: put its files into {folder}: {files}."
            ),
            name=task.name,
            folder=directory / task.folder,
            files=", ".join(task.files),
        )
    try:
        yield from _download_once(directory, task, stall_seconds)
    except _Failure as failure:
        raise _error(failure.kind, directory, task, failure.detail) from failure
    except OSError as error:
        raise _error("disk", directory, task, error.strerror or error) from error


def _error(kind: str, directory: Path, task: _Task, detail: object) -> DownloadError:
    return DownloadError(PROBLEMS[kind], directory=directory, name=Message(task.name), detail=detail)


def _download_once(directory: Path, task: _Task, stall_seconds: float) -> Iterator[float]:
    directory.mkdir(parents=True, exist_ok=True)
    # thread_local=False: the generator may be closed by another thread
    lock = FileLock(directory / f"{task.temporary}lock", thread_local=False)
    yield from _wait_for(lock)
    try:
        target = directory / task.folder
        _remove_leftovers(directory, task)
        if not task.complete(target):  # another process may have downloaded it meanwhile
            with TemporaryDirectory(
                prefix=task.temporary, dir=directory, ignore_cleanup_errors=True
            ) as temporary:
                fetched = Path(temporary) / task.folder
                yield from _fetch(Path(temporary), task, stall_seconds)
                _move(fetched, target, task.files)
            _remove_leftovers(directory, task)  # a child whose parent was just killed may still have written
    finally:
        lock.release()
    yield 1.0


def _remove_leftovers(directory: Path, task: _Task) -> None:
    """Remove what killed downloads left."""
    for leftover in directory.glob(f"{task.temporary}*/"):
        shutil.rmtree(leftover, ignore_errors=True)


def _move(fetched: Path, target: Path, files: Collection[str]) -> None:
    """Move the files into the folder `target`: a kill leaves none of them there, or all."""
    for file in fetched.iterdir():
        if file.name not in files:
            file.unlink()  # the archives of MNIST
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        fetched.rename(target)
        return
    for name in files:
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


def _fetch(root: Path, task: _Task, stall_seconds: float) -> Iterator[float]:
    """Download in a child process into the task's folder in `root`, and verify the files.

    Raises _Failure if the child fails, stalls or leaves other files.
    """
    fetched = root / task.folder
    command = [sys.executable, "-m", "mnist_core.data.download", str(fetched), *task.arguments]
    pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
    with subprocess.Popen(
        command, cwd=PROJECT, stdin=pipe, stdout=pipe, stderr=nowhere, encoding="utf-8"
    ) as child:
        try:
            yield from _watch(child, fetched, task, stall_seconds)
        finally:
            child.kill()
        output, _ = child.communicate()
    if child.returncode == EXIT_REPORTED:
        raise _Failure(*json.loads(output.splitlines()[-1]))
    if child.returncode:
        raise _Failure("ended", f"exit code {child.returncode}")
    if not task.complete(fetched):
        raise _Failure("corrupted", "wrong checksum")


def _watch(child: subprocess.Popen[str], fetched: Path, task: _Task, stall_seconds: float) -> Iterator[float]:
    """Yield the fraction on disk until the child ends; raise _Failure if no data arrives for too long."""
    fraction, size, last_arrival = 0.0, 0, time.monotonic()
    while child.poll() is None:
        sizes = defaultdict[str, int](int)
        for file in fetched.glob("*"):
            sizes[file.suffix] += file.stat().st_size
        before, size = size, sum(sizes.values())  # grows while unpacking too
        if size != before:
            last_arrival = time.monotonic()
        elif time.monotonic() - last_arrival > (stall_seconds if fetched.is_dir() else START_SECONDS):
            raise _Failure("stalled")
        arrived = sum(sizes.get(suffix, 0) for suffix in ARCHIVE_SUFFIXES)
        fraction = max(fraction, min(arrived / task.size, 0.99))  # a second mirror restarts a file
        yield fraction
        time.sleep(POLL_SECONDS)


def _child(fetched: str, *arguments: str) -> None:
    """Run in the child process: download; on failure print kind and detail, exit with EXIT_REPORTED."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    socket.setdefaulttimeout(SOCKET_SECONDS)
    try:
        from torchvision import datasets
    except Exception as error:  # torchvision that doesn't match torch raises RuntimeError and others
        _report("torchvision", error)
    try:
        if arguments[:1] == (ARCHIVES,):
            for url, name, md5 in json.loads(arguments[1]):
                datasets.utils.download_url(url, fetched, name, md5)
        else:
            _fetch_mnist(datasets.MNIST, Path(fetched).parent.parent, *arguments)
    except Exception as error:
        _report(_kind(error), error)


def _fetch_mnist(mnist: Any, root: Path, mirror: str | None = None) -> None:
    """Have torchvision's class MNIST download its files."""
    if mirror:
        mnist.mirrors = [mirror.rstrip("/") + "/"]
        # No .gz checksums: a mirror may compress the files differently. The parent checks the content.
        mnist.resources = [(name, None) for name, _ in mnist.resources]
    mnist(str(root), download=True)


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
