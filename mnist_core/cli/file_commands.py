"""What the commands `export` and `import` of `python -m mnist_core` do."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from mnist_core.export.import_file import import_weights
from mnist_core.export.kinds import export, file_name
from mnist_core.messages import InputError
from mnist_core.runs.store import RunStore


def export_run(options: argparse.Namespace) -> None:
    """Write one kind of file of a run; print where."""
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
        print(f"{path}: {len(content):,} bytes")


def import_file(options: argparse.Namespace) -> None:
    """Make a run of a file of weights; print its id."""
    path = Path(options.file)
    if path.suffix == ".json":
        raise InputError("{path} holds settings; train with them by `train --config {path}`.", path=path)
    run = import_weights(RunStore(options.runs), path)
    if options.json:
        print(json.dumps({"run": run.id, "name": run.label.name, "config": run.config.to_json()}))
    else:
        print(f"run {run.id}: {run.label.name}")
