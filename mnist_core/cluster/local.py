"""The processes of `local:N`: a scheduler with its dashboard, and workers, on this machine."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from subprocess import PIPE, Popen
from typing import IO, Any, cast

from mnist_core.messages import N_, InputError
from mnist_core.runs.store import PROJECT
from mnist_core.runtime.cluster_setting import CLUSTER_VARIABLE

DASHBOARD = "127.0.0.1:0"  # a free port that other machines can't reach, as the dashboard has no password


def start_local(processes: int, threads: int) -> tuple[Popen[str], str]:
    """Start `serve_local` in a process; return it and the address of its scheduler.

    A process of its own, as each worker process first runs the script of the one that starts it: the app.
    Raises InputError if it ends at once.
    """
    code = f"from mnist_core.cluster.local import serve_local; serve_local({processes}, {threads})"
    paths = [str(PROJECT), os.environ.get("PYTHONPATH", "")]
    local = Popen(
        [sys.executable, "-c", code],
        stdin=PIPE,
        stdout=PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
        start_new_session=True,  # Ctrl-C ends the server, and that ends this
    )
    address = cast(IO[str], local.stdout).readline().strip()
    if not address:
        raise InputError(
            N_("The worker processes of {variable} can't be started; the server's log says why."),
            variable=CLUSTER_VARIABLE,
        )
    return local, address


def serve_local(processes: int, threads: int) -> None:
    """Be a scheduler whose worker processes train one run at a time each; print its address.

    It ends when its input is closed, as when the server is killed.
    """
    from distributed import LocalCluster

    start: Callable[..., Any] = LocalCluster
    options = {"n_workers": 0, "threads_per_worker": threads, "dashboard_address": DASHBOARD}
    with start(
        memory_limit=0, silence_logs=logging.ERROR, **options
    ) as local:  # each run's memory is checked
        print(local.scheduler_address, flush=True)
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # nobody reads more
        local.scale(processes)
        sys.stdin.read()
