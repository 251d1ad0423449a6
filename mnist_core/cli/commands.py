"""The commands `data`, `recipes`, `runs`, `export`, `import` and `status`, and what other commands share."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import platform
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from mnist_core import __version__
from mnist_core.cli.terminal import plain, print_notice, progress_bar
from mnist_core.data.datasets import fetch_dataset
from mnist_core.data.mnist import Dataset, find_mnist, load_dataset
from mnist_core.dataset_choices import DATASETS, MNIST
from mnist_core.export.formats import export, file_name
from mnist_core.export.import_weights import import_weights
from mnist_core.messages import InputError
from mnist_core.recipes import RECIPES
from mnist_core.runs.names import run_names
from mnist_core.runs.retention import limit_in_bytes, size_in_bytes
from mnist_core.runs.run import UNFINISHED, Run
from mnist_core.runs.server_status import running_servers
from mnist_core.runs.store import RunStore

ALL = "all"
JsonObject = dict[str, Any]


def show_data(options: argparse.Namespace) -> None:
    """Print the data's source, path, image counts and file checks."""
    from mnist_core.data.idx_files import check_files

    dataset = load_data(options.data, options.dataset)
    checks = check_files(dataset.path) if dataset.path and dataset.key == MNIST else []
    answer: JsonObject = {
        "source": dataset.source,
        "path": str(dataset.path) if dataset.path else None,
        "train_images": len(dataset.train),
        "test_images": len(dataset.test),
        "files": [asdict(check) for check in checks],
    }
    if dataset.further:
        answer["further_test_images"] = len(dataset.further)
    if options.json:
        return print_json(answer)
    print(
        f"{answer['source']}: {answer['train_images']:,} training and {answer['test_images']:,} test images"
    )
    if dataset.further:
        print(f"{answer['further_test_images']:,} further test images")
    if dataset.path:
        print(plain(f"in {dataset.path}"))
    for file in answer["files"]:
        print(f"  {file['name']}: {file['size']:,} bytes, {'intact' if file['checksum_ok'] else 'DAMAGED'}")


def show_recipes(options: argparse.Namespace) -> None:
    """Print each recipe's name, number of parameters and description."""
    from mnist_core.models.architectures import build_model
    from mnist_core.models.summary import count_parameters

    rows = [
        {
            "name": name,
            "parameters": count_parameters(build_model(recipe.config)),
            "description": recipe.description,
            "config": recipe.config.to_json(),
        }
        for name, recipe in RECIPES.items()
    ]
    if options.json:
        return print_json({"recipes": rows})
    for row in rows:
        print(f"{row['name']:12} {row['parameters']:>8,}  {row['description']}")


def run_json(run: Run) -> JsonObject:
    """Return a run's JSON object: recipe, status, name and results."""
    keys = [
        "parameters",
        "epochs",
        "train_seconds",
        "initial_accuracy",
        "test_accuracy",
        "test_loss",
        "device",
        "threads",
        "trained_on",
    ]
    facts = {key: run.results.get(key) for key in keys}
    label = {"name": run.metadata.name, "pinned": run.metadata.pinned}
    about = {"run": run.id, "recipe": run.config.recipe, "status": run.status, "created": run.created}
    return {**about, **label, **facts}


def print_run(run: Run, as_json: bool) -> None:
    """Print a run's results, as text or JSON."""
    if as_json:
        return print_json(run_json(run))
    results = run.results
    print(f"run {run.id} {run.status}: {results['epochs']:g} epochs in {results['train_seconds']:.1f} s")
    if "test_accuracy" in results:
        print(f"test accuracy {results['test_accuracy']:.2%}, loss {results['test_loss']:.4f}")


def show_runs(options: argparse.Namespace) -> None:
    """Apply the options that change runs, then list all runs, newest first."""
    store = RunStore(options.runs)
    for name in options.restore:
        store.restore(name)
    for name, given in options.rename:
        store.rename(name, given)
    for name in options.pin:
        store.pin(name)
    for name in options.unpin:
        store.pin(name, False)
    for name in options.remove:
        store.remove(name)
    for name in options.cancel:
        _cancel(store, name)
    runs = store.list()
    if options.json:
        return print_json({"runs": [run_json(run) | _use(run) for run in runs]})
    names = run_names(runs)
    for run in runs:
        accuracy = run.results.get("test_accuracy")
        score = "" if accuracy is None else f"{accuracy:.2%}"
        pinned = "pinned" if run.metadata.pinned else ""
        use = "{visitor:8}  {megabytes:7.1f} MB  ".format(**_use(run)) if options.use else ""
        facts = f"{use}{run.config.recipe:12} {run.status:12} {score:8} {pinned:6} {names[run.id]}"
        print(f"{run.id}  {run.created[:19]}  {facts}".rstrip())
    if not runs:
        print("no runs yet; `python -m mnist_core train --recipe quick` makes one")


def _cancel(store: RunStore, name: str) -> None:
    """Cancel a run, or with ALL every run that trains or waits."""
    if name != ALL:
        return store.cancel(name)
    for run in store.list():
        if run.status in UNFINISHED:
            with suppress(InputError):  # it has ended meanwhile
                store.cancel(run.id)


def _use(run: Run) -> JsonObject:
    """Return the run's owner, as a short code for the visitor, and its size in MB."""
    return {"visitor": run.metadata.owner[:8], "megabytes": round(size_in_bytes(run.folder) / 1e6, 1)}


def check_range(option: str, number: int, lowest: int, highest: int) -> None:
    """Raise InputError unless an option's value is from `lowest` to `highest`."""
    if not lowest <= number <= highest:
        raise InputError(
            "{option} must be from {lowest} to {highest}, not {number}.",
            option=option,
            lowest=lowest,
            highest=highest,
            number=number,
        )


def load_data(directory: str | None, key: str = MNIST) -> Dataset:
    """Load a data set, with a progress bar for a download; print its notice if it is the offline sample."""
    with progress_bar(f"downloading {DATASETS[key].label}") as show:
        dataset = load_dataset(directory, show) if key == MNIST else _fetch(directory, key, show)
    if dataset.notice:
        print_notice(str(dataset.notice))
    return dataset


def _fetch(directory: str | None, key: str, show: Callable[[float], None]) -> Dataset:
    """Do the steps of fetch_dataset; InputError where the set isn't here and can't be downloaded."""
    steps = fetch_dataset(key, directory)
    while True:
        try:
            fraction, _result = next(steps)
        except StopIteration as end:
            return cast(Dataset, end.value)
        show(fraction)


def print_json(answer: JsonObject) -> None:
    """Print a JSON object on one line."""
    print(json.dumps(answer))


def export_run(options: argparse.Namespace) -> None:
    """Write a run in one export format; print the file's path."""
    run = RunStore(options.runs).get(options.run)
    path = Path(options.out or file_name(run, options.kind))
    content = export(run, options.kind)
    try:
        path.write_bytes(content)
    except OSError as error:
        raise InputError(
            "{path} can't be written ({why}); name another file with --out.", path=path, why=error.strerror
        ) from None
    if options.json:
        print(json.dumps({"run": run.id, "as": options.kind, "file": str(path), "bytes": len(content)}))
    else:
        print(plain(f"{path}: {len(content):,} bytes"))


def import_file(options: argparse.Namespace) -> None:
    """Import a weights file as a new run; print its id."""
    path = Path(options.file)
    if path.suffix == ".json":
        raise InputError("{path} has settings, not weights; use `train --config {path}`.", path=path)
    run = import_weights(RunStore(options.runs), path)
    if options.json:
        print(json.dumps({"run": run.id, "name": run.metadata.name, "config": run.config.to_json()}))
    else:
        print(f"run {run.id}: {run.metadata.name}")


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
        f"memory {memory}, up {hours:.1f} h, seen {ago:.0f} s ago{_cluster_line(server)}"
    )


def _cluster_line(server: dict[str, Any]) -> str:
    """Describe a server's cluster, "" without one: each worker and what it trains, and refused workers."""
    if not server.get("cluster"):
        return ""
    state = "" if server["cluster_reachable"] else " (its scheduler can't be reached)"
    workers = server["cluster_workers"]
    working = sum(bool(one["runs"] or one.get("elsewhere")) for one in workers)
    busy = f"{len(workers)} workers, {working} of them busy"
    dashboard = f", dashboard {server['cluster_dashboard']}" if server["cluster_dashboard"] else ""
    return "\n  ".join(
        [
            f"; cluster {server['cluster']}{state}: {busy}{dashboard}",
            *map(_worker_line, workers),
            *server["cluster_refused"],
        ]
    )


def _worker_line(worker: dict[str, Any]) -> str:
    does = "trains for another server" if worker.get("elsewhere") else "free"
    does = f"trains run {' and '.join(worker['runs'])}" if worker["runs"] else does
    return f"worker {worker['host']} ({worker['address']}, {worker['device']}): {does}"
