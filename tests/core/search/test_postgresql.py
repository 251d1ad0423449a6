"""Two processes on one search in PostgreSQL, one of them killed: all trials finish, none twice."""

import glob
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mnist_core.runs.store import PROJECT
from mnist_core.search import storage
from mnist_core.search.storage import STUDIES_VARIABLE, database_url
from mnist_core.search.study import Studies

TRIALS = 12
SMALL = ["--recipe", "tutorial-3", "--set", "widths=8", "--set", "train_size=1000", "--epochs", "8"]
SECONDS = 300  # on a busy machine
COMMAND_LINE = """
import sys
from mnist_core.__main__ import main
from mnist_core.cli import commands
from mnist_core.data.mnist import load_sample
from mnist_core.search import storage
storage.HEARTBEAT_SECONDS, storage.GRACE_SECONDS = 2, 10
commands.load_dataset = lambda *_: load_sample()
sys.exit(main(sys.argv[1:]))
"""
pytestmark = pytest.mark.machines  # the server begins, two processes load torch, and one is waited for


def programs() -> Path:
    """The folder of PostgreSQL's programs; on Debian it is not on the PATH."""
    folders = sorted(glob.glob("/usr/lib/postgresql/*/bin"), reverse=True)
    found = shutil.which("initdb") or next((f"{each}/initdb" for each in folders), None)
    if found is None or shutil.which("runuser") is None:
        pytest.skip("needs PostgreSQL (Debian's package postgresql)")
    pytest.importorskip("psycopg")
    return Path(found).resolve().parent


@pytest.fixture
def database() -> Iterator[str]:
    """The address of an empty database on a server of its own, which refuses to run as root."""
    bin_folder = programs()
    with tempfile.TemporaryDirectory() as made:  # pytest's own folders can't be entered by others
        yield from serve(bin_folder, Path(made))


def serve(bin_folder: Path, folder: Path) -> Iterator[str]:
    as_nobody = ["runuser", "-u", "nobody", "--"] if os.geteuid() == 0 else []
    if as_nobody:
        shutil.chown(folder, "nobody")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def run(*command: str) -> None:
        subprocess.run([*as_nobody, *command], check=True, capture_output=True, timeout=SECONDS, cwd=folder)

    run(f"{bin_folder}/initdb", "-D", f"{folder}/data", "-U", "lab", "-A", "trust", "--no-sync")
    options = f"-p {port} -h 127.0.0.1 -k {folder} -F"
    run(f"{bin_folder}/pg_ctl", "-D", f"{folder}/data", "-l", f"{folder}/log", "-o", options, "-w", "start")
    try:
        yield f"postgresql://lab@127.0.0.1:{port}/postgres"
    finally:
        run(f"{bin_folder}/pg_ctl", "-D", f"{folder}/data", "-m", "immediate", "stop")


def begin(store: Path) -> subprocess.Popen[str]:
    """A process that works on the search "ours" with a folder of runs of its own, as on another machine."""
    command = [sys.executable, "-c", COMMAND_LINE, "search", "--name", "ours", *SMALL, "--json"]
    options = ["--trials", str(TRIALS), "--threads", "1", "--runs", str(store)]
    return subprocess.Popen([*command, *options], cwd=PROJECT, stdout=subprocess.PIPE, text=True)


def wait_for(true: Callable[[], object]) -> None:
    """Wait without taking the processes' share of the processor."""
    end = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def test_two_processes_share_a_search_and_one_may_die(database, tmp_path, monkeypatch):
    monkeypatch.setenv(STUDIES_VARIABLE, database)
    stores = [tmp_path / "first", tmp_path / "second"]
    lost, survivor = begin(stores[0]), begin(stores[1])
    studies = Studies(tmp_path)
    wait_for(studies.list)
    search = studies.open("ours")

    def trials_in(store: Path) -> list[str]:
        return [one.state for one in search.trials() if one.run and (store / one.run).is_dir()]

    wait_for(lambda: trials_in(stores[1]) and "running" in trials_in(stores[0]))
    lost.send_signal(signal.SIGKILL)
    lost.communicate()
    output, _ = survivor.communicate(timeout=SECONDS)
    assert survivor.returncode == 0
    assert len(json.loads(output.splitlines()[-1])["trials"]) == TRIALS
    trials = search.trials()
    assert [trial.state for trial in trials] == ["finished"] * TRIALS
    assert len({str(trial.config) for trial in trials}) == len({trial.run for trial in trials}) == TRIALS
    assert len([trial for trial in search.study().trials if trial.state.name == "FAIL"]) >= 1
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda one: one.resume(trials=5), [search, studies.open("ours")]))
    assert search.plan.trials == TRIALS + 2 * 5
    storage._opened.pop(database_url(tmp_path)).engine.dispose()
