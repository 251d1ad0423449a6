"""The directory that holds all runs: make, list, find and remove them."""

from __future__ import annotations

import os
import secrets
import shutil
from datetime import UTC, datetime
from pathlib import Path

from mnist_core.config import TrainConfig
from mnist_core.messages import N_, InputError
from mnist_core.runs import UNFINISHED, Run, RunWriter, json_bytes, read_run

PROJECT = Path(__file__).resolve().parent.parent
SHIPPED = PROJECT / "models" / "shipped"


class RunStore:
    """All runs in a directory: the one given, else DIGITLAB_RUNS, else `runs/` in the project."""

    def __init__(self, directory: Path | str | None = None) -> None:
        self.directory = Path(directory or os.environ.get("DIGITLAB_RUNS") or PROJECT / "runs").expanduser()

    def create(self, config: TrainConfig) -> RunWriter:
        """Begin a run, queued, under a new id that can't be guessed.

        Raises InputError when the directory can't be written.
        """
        run_id = secrets.token_hex(8)
        making = self.directory / f".{run_id}.part"
        state = {
            "status": "queued",
            "created": datetime.now(UTC).isoformat(timespec="microseconds"),
            "results": {},
        }
        try:
            making.mkdir(parents=True)
            (making / "config.json").write_bytes(json_bytes(config.to_json()))
            (making / "run.json").write_bytes(json_bytes(state))
            making.rename(self.directory / run_id)
        except OSError as error:
            raise InputError(
                N_("Runs can't be kept in {directory} ({reason}); name another directory in DIGITLAB_RUNS."),
                directory=self.directory,
                reason=error.strerror,
            ) from error
        return RunWriter(self.directory / run_id, config)

    def list(self) -> list[Run]:
        """All runs that can be read, newest first."""
        folders = self.directory.iterdir() if self.directory.is_dir() else []
        runs = [run for folder in folders if not folder.name.startswith(".") and (run := read_run(folder))]
        return sorted(runs, key=lambda run: run.created, reverse=True)

    def get(self, name: str) -> Run:
        """Find a run by id, by a unique beginning of it, or as "last" or "shipped".

        Raises InputError when there is no such run, or more than one.
        """
        if name == "shipped":
            runs = [run] if (run := read_run(SHIPPED, "shipped")) else []
        elif name == "last":
            runs = self.list()[:1]
        else:
            runs = [run for run in self.list() if name and run.id.startswith(name)]
        if not runs:
            raise InputError(N_("There is no run {name!r}; see the list of runs, or train one."), name=name)
        if len(runs) > 1:
            raise InputError(
                N_("{count} runs begin with {name!r}; give more of the id."), count=len(runs), name=name
            )
        return runs[0]

    def remove(self, run_id: str) -> None:
        """Delete a run; InputError while it is queued or running, or when there is none."""
        run = self.get(run_id)
        if run.status in UNFINISHED:
            raise InputError(N_("Run {run} is still training; stop it first."), run=run.id)
        if run.folder == SHIPPED:
            raise InputError(N_("The shipped model belongs to the project and can't be removed."))
        gone = run.folder.with_name(f".{run.id}.part")
        run.folder.rename(gone)
        shutil.rmtree(gone)
