"""Own data sets on disk: saved, listed, shared, deleted and restored, each with its owner as runs have.

A set's folder holds idx files, `own.json` with its facts, which never change, `access.json` with who may see
it, and `numbers.json` with the place of each of its images in the source. `.KEY.part` is being made.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import time
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mnist_core.data.datasets import FACTS_FILE, no_own_set, write_set
from mnist_core.dataset_choices import (
    OWN_FACTS_FILE,
    PREFIX,
    TRASH,
    own_set_facts,
    own_set_folder,
    own_sets_directory,
)
from mnist_core.messages import N_, InputError
from mnist_core.runtime.files import locked, write_whole
from mnist_core.runtime.limits import ALL_SETS_BYTES, VISITOR_SETS

ACCESS_FILE, NUMBERS_FILE = "access.json", "numbers.json"
LONGEST_NAME = 60  # characters
NOT_IN_NAMES = '<>{}&"`'  # of markup and templates
MOST_READERS = 500
SETS_REMEMBERED = 4096  # 1 KB each
SECONDS_IN_TRASH = 24 * 3600
SECONDS_HALF_MADE = 3600  # a folder that is still .part after this was left by a killed process


@dataclass(frozen=True)
class Access:
    """Who has a set in their list: its `owner`, and the `readers` of a link to it, the latest last."""

    owner: str = ""
    readers: tuple[str, ...] = ()


@dataclass(frozen=True)
class OwnSet:
    """An own data set: its key, name, classes, numbers of images by part, and who has it in their list."""

    key: str
    name: str
    access: Access
    classes: tuple[str, ...]
    train: int
    validation: int
    test: int
    by_writer: bool
    source: str
    created: str


@dataclass(frozen=True, eq=False)
class NewSet:
    """What is saved as a set: images uint8 [N, 28, 28], labels [N] from 0, names of classes, and the parts.

    Parts are numbers of images, int64 [n] each. `source` says in a few words where the images come from.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]
    by_writer: bool = False
    source: str = ""


def save_set(new: NewSet, name: str, owner: str = "", public: bool = False) -> OwnSet:
    """Save a data set under a new key; it is there as a whole or not at all.

    Sets that nobody used for longest are deleted if all together exceed limits.ALL_SETS_BYTES. Raises
    InputError for a name that is empty or too long, for more sets than a visitor of a `public` server may
    keep, and when the directory can't be written.
    """
    name = checked_name(name)
    with _changing() as directory:
        _check_number(owner, public)
        _sweep(directory)
        key = f"{PREFIX}{secrets.token_hex(8)}"
        making = directory / f".{key}.part"
        try:
            _write(making, new, name, owner)
            making.rename(directory / key)
        except OSError:
            shutil.rmtree(making, ignore_errors=True)
            raise
        _keep_within(directory, key)
    return find_set(key)


def _write(folder: Path, new: NewSet, name: str, owner: str) -> None:
    learned, labels = np.concatenate([new.train, new.validation]), new.labels.astype(np.uint8)
    splits = {
        "train": (new.images[learned], labels[learned]),
        "test": (new.images[new.test], labels[new.test]),
    }
    for _file in write_set(folder, splits):
        pass
    facts = {
        "classes": list(new.classes),
        "images": [len(learned), len(new.test)],
        "validation": len(new.validation),
        "by_writer": new.by_writer,
        "source": new.source,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "name": name,
    }
    numbers = {"train": learned.tolist(), "test": new.test.tolist()}
    write_whole(folder / NUMBERS_FILE, json.dumps(numbers).encode())
    write_whole(folder / ACCESS_FILE, json.dumps(asdict(Access(owner))).encode())
    write_whole(folder / OWN_FACTS_FILE, (json.dumps(facts, indent=1, ensure_ascii=False) + "\n").encode())


def checked_name(text: str) -> str:
    """Return a name in one line, without characters of markup; InputError when it is empty or too long."""
    name = " ".join("".join(c if c.isprintable() and c not in NOT_IN_NAMES else " " for c in text).split())
    if not 0 < len(name) <= LONGEST_NAME:
        raise InputError(
            N_("A data set's name has 1 to {most} characters, and this one has {count}; write another."),
            most=LONGEST_NAME,
            count=len(name),
        )
    return name


def list_sets() -> list[OwnSet]:
    """Return all own data sets that were not deleted, the newest first."""
    directory = own_sets_directory()
    names = [folder.name for folder in directory.iterdir()] if directory.is_dir() else []
    found = [own for name in names if name.startswith(PREFIX) and (own := _read(directory / name))]
    return sorted(found, key=lambda own: (own.created, own.key), reverse=True)


def find_set(text: str) -> OwnSet:
    """Find an own data set by its key or by its name; InputError if there is none, or several of the name."""
    sets = list_sets()
    found = [own for own in sets if own.key == text] or [own for own in sets if own.name == text]
    if not found:
        raise no_own_set(text)
    if len(found) > 1:
        raise InputError(
            N_("Several data sets are called {name}: {keys}; name one by its key."),
            name=text,
            keys=", ".join(own.key for own in found),
        )
    return found[0]


def deleted_set(key: str) -> OwnSet | None:
    """Return a data set that was deleted and can be restored, or None."""
    folder = own_set_folder(key)
    in_trash = folder is not None and folder.parent.name == TRASH and (folder / FACTS_FILE).is_file()
    return _read(folder) if folder and in_trash else None


def add_reader(key: str, reader: str) -> None:
    """Record that `reader` opened a link to a data set; the latest 500 are kept."""
    with _changing() as directory:
        own = find_set(key)
        others = (known for known in own.access.readers if known != reader)
        access = replace(own.access, readers=(*others, reader)[-MOST_READERS:])
        write_whole(directory / own.key / ACCESS_FILE, json.dumps(asdict(access)).encode())


def delete_set(key: str) -> None:
    """Move a data set to the trash, from where it can be restored for a day; InputError if there is none."""
    with _changing() as directory:
        _sweep(directory)
        own = find_set(key)
        (directory / TRASH).mkdir(exist_ok=True)
        os.utime(directory / own.key)  # its time in the trash begins
        (directory / own.key).rename(directory / TRASH / own.key)


def restore_set(key: str, public: bool = False) -> OwnSet:
    """Restore a data set from the trash; InputError if its images are gone, or its owner has no room for it.

    `public` is whether the server is public for the owner: only then there is a limit.
    """
    with _changing() as directory:
        own = deleted_set(key)
        if own is None:
            raise no_own_set(key)
        _check_number(own.access.owner, public)
        (directory / TRASH / key).rename(directory / key)
    return find_set(key)


def _read(folder: Path) -> OwnSet | None:
    """Read the facts of a set and who may see it; None if something is missing."""
    try:
        changed = [(folder / name).stat().st_mtime_ns for name in (OWN_FACTS_FILE, ACCESS_FILE)]
    except OSError:
        return None
    return _read_at(folder, *changed)


@lru_cache(maxsize=SETS_REMEMBERED)
def _read_at(folder: Path, *changed: int) -> OwnSet | None:
    """Read a set, again only when one of its files has changed: pages list all sets at every click."""
    facts = own_set_facts(folder.name)
    try:
        access = json.loads((folder / ACCESS_FILE).read_text("utf-8"))
        if facts is None:
            return None
        train, test = facts["images"]
        return OwnSet(
            folder.name,
            str(facts["name"]),
            Access(str(access["owner"]), tuple(access["readers"])),
            tuple(facts["classes"]),
            train - facts["validation"],
            facts["validation"],
            test,
            facts["by_writer"] is True,
            str(facts["source"]),
            str(facts["created"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _check_number(owner: str, public: bool) -> None:
    most = VISITOR_SETS.value(public)
    count = sum(own.access.owner == owner for own in list_sets())
    if owner and most is not None and count >= most:
        raise InputError(
            N_("You have {count} data sets, and this server keeps {most} of each visitor; delete one first."),
            count=count,
            most=most,
        )


def _sweep(directory: Path) -> None:
    """Delete what killed processes left half made, and the images in the trash after a day; facts stay."""
    for part in directory.glob(".*.part"):
        if _age(part) > SECONDS_HALF_MADE:
            shutil.rmtree(part, ignore_errors=True)
    for folder in (directory / TRASH).glob(f"{PREFIX}*"):
        if _age(folder) > SECONDS_IN_TRASH:
            _delete_images(folder)


def _delete_images(folder: Path) -> None:
    for file in folder.iterdir():
        if file.name != OWN_FACTS_FILE:
            file.unlink(missing_ok=True)


def _keep_within(directory: Path, spare: str) -> None:
    """Delete the images of sets, first in the trash, then those unused for longest, until all fit."""
    most = ALL_SETS_BYTES.value(True)
    folders = [*(directory / TRASH).glob(f"{PREFIX}*"), *directory.glob(f"{PREFIX}*")]
    folders.sort(key=lambda folder: (folder.parent == directory, -_age(folder)))
    used = sum(map(_size, folders))
    for folder in folders:
        if most is None or used <= most:
            return
        if folder.name != spare:
            used -= _size(folder)
            (directory / TRASH).mkdir(exist_ok=True)
            _delete_images(folder.rename(directory / TRASH / folder.name))


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())


def _age(folder: Path) -> float:
    try:
        return time.time() - folder.stat().st_mtime
    except OSError:
        return 0.0


def _changing() -> AbstractContextManager[Path]:
    """Hold the directory's lock and yield the directory; InputError if it can't be written."""
    return locked(
        own_sets_directory(),
        N_("Another process is changing the data sets; try again in a moment."),
        N_("Data sets can't be kept in {directory} ({reason}); name another directory in DIGITLAB_SETS."),
    )
