"""Downloads of MNIST killed at random moments: `python -m tests.kill_downloads --times 100`.

A local web server sends made-up files slowly. SIGKILL ends the process that downloads them, or the child
process that fetches them. In every other case a damaged copy was there, which the download replaces. No kill
leaves a new file that isn't whole, and the next start ends with all files, verified, and nothing else. For
systems with fork.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from itertools import count
from pathlib import Path
from unittest.mock import patch

import psutil

from mnist_core.data.download import DownloadError, download_mnist
from mnist_core.data.idx_files import MNIST_FILES, IdxFile
from tests.core.data.download.mirror import LIGHT, Mirror, left_in

PIECES, SECONDS_BETWEEN_PIECES = 8, 0.02
SECONDS_TO_FETCH = 0.5  # about what the four files take
TOO_LATE = "too late: it had ended"
DAMAGED = b"damaged"


@contextmanager
def slow_mirror(folder: Path, chance: random.Random) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Serve made-up files, which are taken for MNIST's, to a torchvision that imports nothing.

    Yields the address, and the files' contents by name.
    """
    contents, files = {}, {}
    for name in MNIST_FILES:
        shape = (200, 28, 28) if "images" in name else (200,)
        header = IdxFile(shape, "").header
        contents[name] = header + chance.randbytes(IdxFile(shape, "").size - len(header))
        files[name] = IdxFile(shape, hashlib.sha256(contents[name]).hexdigest())
    package = folder / "stub" / "torchvision"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "datasets.py").write_text(LIGHT)
    environment = patch.dict(os.environ, PYTHONPATH=str(package.parent))
    with environment, patch.dict(MNIST_FILES, files), closing(Mirror(contents)) as mirror:
        mirror.fault = send_slowly
        yield mirror.url, contents


def send_slowly(request: BaseHTTPRequestHandler, content: bytes) -> None:
    """Answer a request in pieces, so that a kill can fall between them."""
    size = -(-len(content) // PIECES)
    for start in range(0, len(content), size):
        request.wfile.write(content[start : start + size])
        time.sleep(SECONDS_BETWEEN_PIECES)


def download_apart(folder: Path, url: str, kill: Callable[[int], None] | None = None) -> bool:
    """Download in a process of its own; return whether it came to its end. `kill` is given its number."""
    process = os.fork()
    if process == 0:
        status = 1
        try:
            with suppress(DownloadError):  # its child was killed
                list(download_mnist(folder, url))
                status = 0
        finally:
            os._exit(status)
    if kill:
        kill(process)
    return os.waitpid(process, 0)[1] == 0


def kill_after(seconds: float, arrived: Path | None, the_child: bool) -> Callable[[int], None]:
    """Return a function that kills a download after `seconds`, or that long after a file is in `arrived`.

    It kills the process, or the child process that fetches for it.
    """

    def kill(process: int) -> None:
        while arrived and not any(arrived.rglob("*.gz")):
            time.sleep(0.01)
        time.sleep(seconds)
        with suppress(psutil.NoSuchProcess):
            parent = psutil.Process(process)
            for one in parent.children() if the_child else [parent]:
                one.send_signal(signal.SIGKILL)

    return kill


def dies_at_file(number: int) -> Callable[[str, str], None]:
    """Return an os.replace that kills its own process before it moves file `number`, counted from 0."""
    replace, moved = os.replace, count()

    def replace_or_die(source: str, target: str) -> None:
        if next(moved) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        replace(source, target)

    return replace_or_die


def what_is_left(folder: Path, contents: dict[str, bytes]) -> str:
    """Return how far a killed download had come; AssertionError if a file in its place isn't whole."""
    raw = folder / "MNIST" / "raw"
    there = {file.name: file.read_bytes() for file in raw.iterdir()} if raw.exists() else {}
    new = {name for name, content in there.items() if content != DAMAGED}
    for name in new:
        assert there[name] == contents[name], name
    if len(new) == len(contents):
        return "after all files were in place"
    if new:
        return "between two files"
    return "while files arrived" if any(folder.rglob("*.gz")) else "and left nothing"


def kill_and_start_again(
    folder: Path, mirror: tuple[str, dict[str, bytes]], number: int, chance: random.Random
) -> str:
    """Kill a download at one moment, start it again; return where it was."""
    url, contents = mirror
    raw = folder / "MNIST" / "raw"
    if number % 2:
        raw.mkdir(parents=True)
        for name in contents:
            (raw / name).write_bytes(DAMAGED)
    if number % 10 == 9:
        with patch("os.replace", dies_at_file(chance.randrange(len(contents)))):
            whole = download_apart(folder, url)
    else:
        arrived = folder if chance.random() < 0.8 else None
        kill = kill_after(chance.uniform(0, SECONDS_TO_FETCH), arrived, the_child=number % 4 > 1)
        whole = download_apart(folder, url, kill)
    where = TOO_LATE if whole else what_is_left(folder, contents)
    assert download_apart(folder, url), "the next start failed"
    assert {file.name: file.read_bytes() for file in raw.iterdir()} == contents
    assert left_in(folder) == ["MNIST"], left_in(folder)
    return where


def kill_many(times: int, seed: int) -> Counter[str]:
    """Kill `times` downloads; return how many were killed in which phase.

    Raises AssertionError where a file wasn't whole, or the next start didn't end with all of them.
    """
    chance, found = random.Random(seed), Counter[str]()
    with (
        tempfile.TemporaryDirectory(prefix="digitlab-kill-") as name,
        slow_mirror(Path(name), chance) as mirror,
    ):
        while found.total() - found[TOO_LATE] < times:
            with tempfile.TemporaryDirectory(prefix="one-", dir=name) as folder:
                found[kill_and_start_again(Path(folder), mirror, found.total(), chance)] += 1
    return found


def main() -> int:
    """Kill many, and print how they ended."""
    parser = argparse.ArgumentParser(prog="python -m tests.kill_downloads", description=__doc__)
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    begun = time.monotonic()
    try:
        found = kill_many(options.times, options.seed)
    except AssertionError as error:
        print(f"tests.kill_downloads, seed {options.seed}: {error}", file=sys.stderr)
        return 1
    for where, times in sorted(found.items()):
        print(f"{times:4} killed {where}")
    print(f"all ended with whole files at the next start, in {time.monotonic() - begun:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
