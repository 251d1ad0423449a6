"""Shared by the browser benchmarks: the app's server, opened in a real Chromium."""

import argparse
import ctypes
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
from playwright.sync_api import Page

from benchmarks.measurement import locate_mnist
from mnist_core.messages import InputError
from tests.browser.server import ROOT, chromium, settle

SECONDS_TO_START = 60
DROP_FROM_BOUNDING_SET, MAY_RAISE_PRIORITIES = 24, 23  # of Linux's prctl, and its capability sys_nice
ENDLESS = {"DIGITLAB_EPOCHS_LIMIT": "none", "DIGITLAB_MINUTES_LIMIT": "none"}  # trainings end by Stop


def run_benchmark(
    name: str, about: str | None, measure: Callable[[Path], str], arguments: list[str] | None
) -> int:
    """Run the command `python -m benchmarks.NAME`: print the result of `measure(folder of MNIST)`.

    Return 0, or 2 after an error message on stderr.
    """
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=about)
    parser.add_argument("--data", metavar="DIR", help="folder of MNIST (else DIGITLAB_DATA)")
    options = parser.parse_args(arguments)
    try:
        data = locate_mnist(options.data)
        if chromium() is None:
            raise InputError("There is no Chromium on the PATH to open the app with; install chromium.")
    except InputError as error:
        print(f"benchmarks.{name}: {error}", file=sys.stderr)
        return 2
    print(measure(data))
    return 0


@contextmanager
def serve(
    data: Path,
    runs: Path,
    settings: Mapping[str, str] = ENDLESS,
    before: Callable[[], None] | None = None,
) -> Iterator[tuple[str, psutil.Process]]:
    """Start the app with its runs in `runs`; yield its address and process.

    `settings` are environment variables, by default those that let trainings last. `before` is called in the
    new process before it becomes the server.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py"]
    command += ["--server.headless", "true", "--server.address", "127.0.0.1", "--server.port", str(port)]
    environment = {**os.environ, "DIGITLAB_DATA": str(data), "DIGITLAB_RUNS": str(runs), **settings}
    options = {"cwd": ROOT, "env": environment, "stdout": subprocess.DEVNULL, "preexec_fn": before}
    with psutil.Popen(command, **options) as server:
        try:
            wait_until_healthy(f"http://127.0.0.1:{port}/_stcore/health")
            yield f"http://127.0.0.1:{port}", server
        finally:
            server.terminate()


def wait_until_healthy(url: str) -> None:
    """Wait until the server responds; raise OSError after SECONDS_TO_START."""
    deadline = time.monotonic() + SECONDS_TO_START
    while True:
        try:
            return urllib.request.urlopen(url, timeout=2).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def lower_priority(niceness: int) -> None:
    """Lower the priority of this process, and of the browsers that it starts from now on.

    As root, Chromium would set the niceness of its threads to 0 and -8, before the server's, so it loses the
    right to.
    """
    os.nice(niceness)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(DROP_FROM_BOUNDING_SET, MAY_RAISE_PRIORITIES)


def lower_browsers(niceness: int) -> None:
    """Lower the priority of the browsers that this process has started, and of their session.

    Linux divides processor time among sessions first (sched(7), "autogroup"): Chromium, which Playwright
    starts in a session of its own, would get as much as the server, whatever the niceness of its threads.
    """
    for process in psutil.Process().children(recursive=True):
        if "chrom" not in process.name():
            continue
        with suppress(OSError):  # a system without autogroups
            Path(f"/proc/{process.pid}/autogroup").write_text(str(niceness))
        for thread in process.threads():  # each has a niceness of its own on Linux
            with suppress(OSError):  # it has ended
                os.setpriority(os.PRIO_PROCESS, thread.id, niceness)


def visit(page: Page, path: str) -> None:
    """Open a page of the app and wait until it is complete."""
    page.goto(path)
    settle(page)
