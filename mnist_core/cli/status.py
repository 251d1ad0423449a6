"""The command `status`: data, runs, line and running servers, for who runs one."""

from __future__ import annotations

import argparse
import importlib.metadata
import platform
import time
from typing import Any

from mnist_core import __version__
from mnist_core.cli.commands import JsonObject, print_json
from mnist_core.data.mnist import find_mnist
from mnist_core.runs.retention import limit_in_bytes, size_in_bytes
from mnist_core.runs.server_status import running_servers
from mnist_core.runs.store import RunStore


def show_status(options: argparse.Namespace) -> None:
    """Print the versions, where the data is, the runs by status, and the servers that use this folder."""
    answer = _status(options)
    if options.json:
        return print_json(answer)
    runs, versions = answer["runs"], answer["versions"]
    print(", ".join(f"{name} {version}" for name, version in versions.items()))
    print(f"data: MNIST in {answer['data']}" if answer["data"] else "data: no MNIST here yet")
    by_status = ", ".join(f"{count} {status}" for status, count in runs["by_status"].items()) or "none"
    print(f"runs: {by_status}; {runs['megabytes']:,} of {runs['limit_mb']:,} MB in {runs['directory']}")
    for server in answer["servers"]:
        print(_server_line(server))
    if not answer["servers"]:
        print("server: none has written its status here within the last 45 s")


def _status(options: argparse.Namespace) -> JsonObject:
    store, data = RunStore(options.runs), find_mnist(options.data)
    by_status: dict[str, int] = {}
    for run in store.list():
        by_status[run.status] = by_status.get(run.status, 0) + 1
    runs = {
        "directory": str(store.directory),
        "by_status": by_status,
        "megabytes": size_in_bytes(store.directory) // 1_000_000,
        "limit_mb": limit_in_bytes() // 1_000_000,
    }
    torch = importlib.metadata.version("torch")
    versions = {"Digit Lab": __version__, "Python": platform.python_version(), "torch": torch}
    servers = running_servers(store.directory)
    return {"versions": versions, "data": str(data) if data else None, "runs": runs, "servers": servers}


def _server_line(server: dict[str, Any]) -> str:
    ago, hours = time.time() - server["written"], (time.time() - server["begun"]) / 3600
    memory = f"{server['memory_mb']} MB (most {server['most_memory_mb']}, limit {server['memory_limit_mb']})"
    line = f"runs training {server['training']}, waiting {server['waiting']}, pages open {server['pages']}"
    return (
        f"server {server['process']}: Digit Lab {server['version']}, data {server['source']}, {line}, "
        f"memory {memory}, up {hours:.1f} h, seen {ago:.0f} s ago"
    )
