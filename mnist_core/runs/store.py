"""The directory of all runs: create, list, find, rename, pin, remove and restore them.

Beside the runs' folders it holds `.ID.part` (being created or deleted), `.trash/ID` (removed; can be restored
for a day) and `.lock`, held by the process that changes the directory.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mnist_core.config import TrainConfig
from mnist_core.messages import N_, InputError
from mnist_core.runs.metadata import LONGEST_NAME, RunMetadata, checked_name, write_metadata
from mnist_core.runs.names import name_of_new
from mnist_core.runs.retention import age_in_seconds, limit_in_bytes, size_in_bytes, too_many
from mnist_core.runs.run import (
    CANCEL_FILE,
    PRETRAINED_ID,
    UNFINISHED,
    Run,
    json_bytes,
    read_run,
    run_as_written,
    stamp,
    with_present_status,
    write_own_digit,
)
from mnist_core.runs.writer import RunWriter
from mnist_core.runtime.files import as_refusal, locked

if TYPE_CHECKING:
    from mnist_core.models.modules import DigitClassifier

PROJECT = Path(__file__).resolve().parent.parent.parent
PRETRAINED = PROJECT / "models" / "pretrained"
PRETRAINED_NAMES = (PRETRAINED_ID, "shipped")  # "shipped" in version 0.1
SECONDS_IN_TRASH = 24 * 3600
SECONDS_HALF_MADE = 3600  # an older .part folder was left by a killed process
LONGEST_ID = 64
LATEST = "9999"  # sorts after all times of creation
UNWRITABLE = N_("Runs can't be kept in {directory} ({reason}); name another directory in DIGITLAB_RUNS.")


class RunStore:
    """All runs in a directory: the one given, else DIGITLAB_RUNS, else `runs/` in the project.

    Raises InputError when DIGITLAB_RUNS_LIMIT can't be understood.
    """

    def __init__(self, directory: Path | str | None = None) -> None:
        self.directory = Path(directory or os.environ.get("DIGITLAB_RUNS") or PROJECT / "runs").expanduser()
        self._trash = self.directory / ".trash"
        self._limit = limit_in_bytes()
        self._known: dict[Path, tuple[object, Run]] = {}

    def create(
        self,
        config: TrainConfig,
        owner: str = "",
        own_digit: NDArray[np.uint8] | None = None,
        group: str = "",
        repeat: bool = False,
    ) -> RunWriter:
        """Create a queued run with a new random id; the oldest runs are deleted if space is short.

        `own_digit`, uint8 [28, 28], was drawn by the owner: the training reads it at each probe. `group` is
        the search that it belongs to, and `repeat` whether it is no trial of it, see RunMetadata.
        Raises InputError when the directory can't be written.
        """
        with self._changing():  # else it would be read as interrupted before its writer has the lock
            metadata = replace(self._metadata_of_new(config, owner), group=group, repeat=repeat)
            making, run_id = self._part_of_new_run(config, metadata)
            try:
                if own_digit is not None:
                    write_own_digit(making, own_digit)
                making.rename(self.directory / run_id)
            except OSError:
                _delete([making])
                raise
            writer = RunWriter(self.directory / run_id, config)
        self.keep_within()
        return writer

    def _metadata_of_new(self, config: TrainConfig, owner: str) -> RunMetadata:
        """Return the metadata of a new run, whose name differs from those of its owner's other runs.

        Runs in the trash count too, as they may be restored.
        """
        metadata = RunMetadata(owner=owner)
        new = Run("", self.directory, config, "queued", LATEST, {}, None, metadata)
        name = name_of_new(new, [*self.list(), *self._deleted()])
        if name.number == 1:
            return metadata
        return replace(metadata, number=name.number, numbered=str(replace(name, number=1)))

    def _part_of_new_run(self, config: TrainConfig, metadata: RunMetadata) -> tuple[Path, str]:
        """Create the folder of a run that no list shows yet; return it and the run's id."""
        run_id = secrets.token_hex(8)
        making = self.directory / f".{run_id}.part"
        state = {
            "status": "queued",
            "created": datetime.now(UTC).isoformat(timespec="microseconds"),
            "results": {},
        }
        try:
            making.mkdir()
            (making / "config.json").write_bytes(json_bytes(config.to_json()))
            (making / "run.json").write_bytes(json_bytes(state))
            write_metadata(making, metadata)
        except OSError:
            _delete([making])
            raise
        return making, run_id

    @contextmanager
    def making(self, config: TrainConfig, name: str, owner: str = "") -> Iterator[RunWriter]:
        """Yield the writer of a run called `name`, which is finished and listed when the block ends.

        Nothing of it is left if the block fails; what a killed process leaves is deleted after an hour.
        Raises InputError when the directory can't be written.
        """
        with self._changing():
            metadata = RunMetadata(checked_name(name[:LONGEST_NAME]), owner=owner)
            part, run_id = self._part_of_new_run(config, metadata)
        writer = RunWriter(part, config, run_id)
        try:
            with as_refusal(self.directory, UNWRITABLE):
                yield writer
            writer.close()
            with self._changing():
                part.rename(self.directory / run_id)
        finally:
            writer.close()
            _delete([part])
        self.keep_within(spare=run_id)

    def add(
        self, config: TrainConfig, model: DigitClassifier, epoch: float, name: str, owner: str, **results: Any
    ) -> Run:
        """Keep a model that was not trained here as a finished run called `name`, with these results.

        Raises InputError when the directory can't be written.
        """
        from mnist_core.models.summary import count_parameters

        with self.making(config, name, owner) as writer:
            writer.save(model, epoch)
            writer.update("finished", parameters=count_parameters(model), epochs=epoch, **results)
        return self.get(writer.id)

    def reopen(self, run_id: str, epochs: int | None = None) -> RunWriter:
        """Queue a run again, to continue up to `epochs` in all if given.

        Raises InputError if it cannot continue, or has done that many epochs.
        """
        with self._changing():
            run = self._own(run_id)
            if run.status in UNFINISHED:
                raise InputError(N_("Run {run} is in training already."), run=run.id)
            if not run.can_continue:
                raise InputError(N_("Run {run} can't be continued; train its settings again."), run=run.id)
            config = replace(run.config, epochs=epochs or run.config.epochs)
            done = run.results.get("epochs", 0)
            if done >= config.epochs and not run.lacks_test:
                raise InputError(
                    N_("Run {run} is at epoch {done:g} already; ask for more than that."),
                    run=run.id,
                    done=done,
                )
            writer = RunWriter(run.folder, config)
            writer.update("queued")
        return writer

    def list(self) -> list[Run]:
        """Return all readable runs, newest first."""
        runs = {folder: run for folder in self._folders() if (run := self._read(folder))}
        self._known = {
            folder: known
            for folder, known in tuple(self._known.items())  # another thread may read a new run meanwhile
            if folder in runs or folder == PRETRAINED
        }
        return sorted(runs.values(), key=lambda run: run.created, reverse=True)

    def get(self, name: str) -> Run:
        """Find a run by id, by a unique beginning of it, or as "last" or "pretrained".

        Raises InputError when there is no such run, or more than one.
        """
        runs: Sequence[Run]
        if name in PRETRAINED_NAMES:
            runs = [run] if (run := self._read(PRETRAINED, PRETRAINED_ID)) else []
        elif name == "last":
            runs = self.list()[:1]
        else:
            runs = self._exactly(name) or [run for run in self.list() if name and run.id.startswith(name)]
        return _the_only(runs, name)

    def rename(self, run_id: str, name: str) -> None:
        """Name a run, or remove its name with an empty one; InputError if it is too long."""
        checked = checked_name(name)
        self._change_metadata(run_id, lambda metadata: replace(metadata, name=checked))

    def pin(self, run_id: str, pinned: bool = True) -> None:
        """Pin a run, so that it is never deleted for space, or unpin it."""
        self._change_metadata(run_id, lambda metadata: replace(metadata, pinned=pinned))

    def add_reader(self, run_id: str, reader: str) -> None:
        """Record that `reader` opened a link to a run."""
        self._change_metadata(run_id, lambda metadata: metadata.with_reader(reader))

    def cancel(self, run_id: str) -> None:
        """Have the process that trains a run stop it at its next event, or take it out of the queue.

        Raises InputError if it neither trains nor waits.
        """
        run = self._own(run_id)
        if run.status not in UNFINISHED:
            raise InputError(
                N_("Run {run} neither trains nor waits: it is {status}."), run=run.id, status=run.status
            )
        (run.folder / CANCEL_FILE).touch()

    def remove(self, run_id: str) -> None:
        """Move a run to the trash; InputError if it is queued or running, or does not exist."""
        with self._changing():
            run = self._own(run_id)
            if run.status in UNFINISHED:
                raise InputError(N_("Run {run} is still training; stop it first."), run=run.id)
            self._trash.mkdir(exist_ok=True)
            os.utime(run.folder)  # the time from which the trash keeps it
            run.folder.rename(self._trash / run.id)
        self._empty_trash()

    def restore(self, run_id: str) -> Run:
        """Restore a run from the trash by its id or the beginning of it; InputError if it is not there."""
        with self._changing():
            found = [run for run in self._deleted() if run_id and run.id.startswith(run_id)]
            if not found:
                raise InputError(N_("Run {run} can't be brought back: it is not in the trash."), run=run_id)
            run = _the_only(found, run_id)
            run.folder.rename(self.directory / run.id)
        return self.get(run.id)

    def _deleted(self) -> Sequence[Run]:
        return [run for folder in _within(self._trash) if (run := read_run(folder))]

    def deleted(self, run_id: str) -> Run | None:
        """Return the run with exactly this id in the trash, or None."""
        if not run_id.isalnum() or len(run_id) > LONGEST_ID:
            return None
        return read_run(self._trash / run_id)

    def keep_within(
        self, most_bytes: int | None = None, spare: str | None = None, protected_percent: int | None = None
    ) -> None:
        """Delete runs until all together are within a size, by default DIGITLAB_RUNS_LIMIT.

        The trash is emptied first, then ended runs that are not pinned, oldest first, never the run `spare`.
        Pinned and paused runs follow if they take more than `protected_percent` of the size.
        A directory that cannot be written is left as it is.
        """
        most = self._limit if most_bytes is None else most_bytes
        with suppress(InputError, OSError):
            self._sweep()
            self._empty_trash()
            if sum(map(size_in_bytes, (*self._folders(), self._trash))) > most:
                self._empty_trash(older_than=0)
                with self._changing():
                    used = sum(map(size_in_bytes, self._folders()))
                    protected = None if protected_percent is None else most * protected_percent // 100
                    extra = too_many(self.list(), most, used, spare, protected)
                    parts = [self._hide(run.folder) for run in extra]
                _delete(parts)

    def _folders(self) -> Sequence[Path]:
        return [folder for folder in _within(self.directory) if not folder.name.startswith(".")]

    def _read(self, folder: Path, name: str | None = None) -> Run | None:
        """Read a run, cached while its files are unchanged: pages ask for runs many times at every click."""
        now = stamp(folder)
        known = self._known.get(folder)
        if known is None or known[0] != now:
            run = run_as_written(folder, name)
            if run is None:
                return None
            known = self._known[folder] = (now, run)
        return with_present_status(known[1])

    def _exactly(self, run_id: str) -> Sequence[Run]:
        if not run_id.isalnum() or len(run_id) > LONGEST_ID:
            return []
        return [run] if (run := self._read(self.directory / run_id)) else []

    def _own(self, run_id: str) -> Run:
        """Find a run that may be changed: any but the pretrained model."""
        run = self.get(run_id)
        if run.folder == PRETRAINED:
            raise InputError(
                N_("The pretrained model belongs to the project and can't be changed or removed.")
            )
        return run

    def _change_metadata(self, run_id: str, change: Callable[[RunMetadata], RunMetadata]) -> None:
        with self._changing():
            run = self._own(run_id)
            write_metadata(run.folder, change(run.metadata))

    def _hide(self, folder: Path) -> Path:
        """Rename a folder so that no list shows it, before it is deleted."""
        return folder.rename(self.directory / f".{folder.name}.part")

    def _sweep(self) -> None:
        """Delete folders that killed processes left partly created or partly deleted."""
        parts = self.directory.glob(".*.part")
        _delete(part for part in parts if age_in_seconds(part) > SECONDS_HALF_MADE)

    def _empty_trash(self, older_than: float = SECONDS_IN_TRASH) -> None:
        if any(age_in_seconds(folder) >= older_than for folder in _within(self._trash)):
            with self._changing():
                old = [folder for folder in _within(self._trash) if age_in_seconds(folder) >= older_than]
                parts = [self._hide(folder) for folder in old]
            _delete(parts)

    def _changing(self) -> AbstractContextManager[Path]:
        """Hold the directory's lock; InputError if the directory cannot be written."""
        return locked(
            self.directory, N_("Another process is changing the runs; try again in a moment."), UNWRITABLE
        )


def _delete(folders: Iterable[Path]) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def _within(directory: Path) -> Sequence[Path]:
    return list(directory.iterdir()) if directory.is_dir() else []


def _the_only(runs: Sequence[Run], name: str) -> Run:
    if not runs:
        raise InputError(N_("There is no run {name!r}; see the list of runs, or train one."), name=name)
    if len(runs) > 1:
        raise InputError(
            N_("{count} runs start with {name!r}; give more characters of the id."),
            count=len(runs),
            name=name,
        )
    return runs[0]
