"""Any data set by its key: opened where it is found, else made of its published files, else downloaded.

A set is kept as one folder of idx files, as MNIST's are, so that its images are mapped into memory;
`set.json` beside them has their shapes and checksums. Such a folder is made once: `datasets/KEY` in
DIGITLAB_DATA or the user cache directory.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnist_core.data.download import download_archives
from mnist_core.data.idx_files import IdxFile, cache_directory, is_intact
from mnist_core.data.mnist import (
    FILES,
    Dataset,
    Split,
    fetch_mnist,
    find_mnist,
    given_directory,
    search_order,
)
from mnist_core.data.published_files import (
    PUBLISHED,
    Labelled,
    damaged_archive,
    missing_archives,
    read_published,
)
from mnist_core.dataset_choices import (
    DATASETS,
    MNIST,
    is_own_key,
    own_set_facts,
    own_set_folder,
    own_sets_directory,
)
from mnist_core.messages import N_, InputError, Message

FACTS_FILE = "set.json"
FORMAT = "digit-lab set 1"
DOWNLOAD_SHARE = 0.9  # of the time until a set is opened, as the progress tells it
SECONDS_UNTIL_USED_AGAIN = 3600  # within which an own set that is opened counts as used already
IMAGES_AT_ONCE = 10_000  # written at once; EMNIST's have to be turned first
Steps = Generator[tuple[float, None], None, Dataset]


def fetch_dataset(key: str, directory: Path | str | None = None) -> Steps:
    """Return a data set of choices.DATASETS, opened where it is found, else downloaded and unpacked.

    Looked at in turn: `directory`, or else the one that DIGITLAB_DATA names; `data/` in the project; the user
    cache directory. In each the set may lie unpacked or as published, in the folder where torchvision puts
    it. A download goes into the first or last of these. It yields the fraction done, 0 to 1, and None, as the
    steps of a Job do; closing the generator stops it.

    Raises DownloadError when the download fails or DIGITLAB_OFFLINE forbids it, and InputError if the
    directory given holds damaged files.
    """
    if key == MNIST:
        return (yield from fetch_mnist(directory))
    if is_own_key(key):
        return open_own_set(key)
    given = given_directory(directory)
    places = search_order(given)
    for place in places:
        if found := open_set(unpacked_folder(place, key), key):
            return found
    source = _published_in(places, key, given)
    if source is None:
        published, name = PUBLISHED[key], DATASETS[key].label
        target = given or cache_directory()
        source = target / published.folder
        with closing(
            download_archives(target, name, published.folder, published.archives, published.size)
        ) as steps:
            for fraction in steps:
                yield DOWNLOAD_SHARE * fraction, None
    return (yield from _unpack(key, source, given))


def has_dataset(key: str, directory: Path | str | None = None) -> bool:
    """Whether a data set needs no download; the content of its files isn't checked."""
    if key == MNIST:
        return find_mnist(directory) is not None
    if is_own_key(key):
        return True  # or it was deleted, which opening it says
    places = search_order(given_directory(directory))
    return any(
        (unpacked_folder(place, key) / FACTS_FILE).is_file()
        or not missing_archives(key, place / PUBLISHED[key].folder)
        for place in places
    )


def open_own_set(key: str) -> Dataset:
    """Open a data set that somebody brought; InputError if it was deleted or is damaged."""
    folder = own_sets_directory() / key
    dataset = open_set(folder, key) if own_set_folder(key) == folder else None
    if dataset is None:
        raise no_own_set(key)
    with suppress(OSError):
        if time.time() - folder.stat().st_mtime > SECONDS_UNTIL_USED_AGAIN:
            os.utime(folder)  # the sets that were not used for longest are deleted first
    return dataset


def no_own_set(text: str) -> InputError:
    """Return the refusal of a key or name that no own data set has any more."""
    if facts := own_set_facts(text):
        return InputError(
            N_(
                "The images of the data set {name} were deleted; choose another data set, or a network that "
                "learned another."
            ),
            name=facts["name"],
        )
    return InputError(N_("There is no data set {name!r}; see the list of data sets, or add one."), name=text)


def check_classes(learned: str, shown: str) -> None:
    """Raise InputError unless a network of the data set `learned` can be tried on images of `shown`."""
    if not same_classes(learned, shown):
        raise InputError(
            N_("A network that learned {learned} has other classes than {shown}; choose a run on {shown}."),
            learned=DATASETS[learned].name,
            shown=DATASETS[shown].name,
        )


def same_classes(one: str, other: str) -> bool:
    """Whether two data sets have the same classes, so that a network of one can be tried on the other."""
    return DATASETS[one].classes == DATASETS[other].classes


def transfer_text(learned: str, shown: str) -> Message | None:
    """Say why a network of one data set does worse on another of the same classes; None for the same set."""
    if learned == shown:
        return None
    return Message(
        N_(
            "This network learned {learned} and is tried on {shown}: other people wrote these images, and "
            "they were scanned, cut out and scaled in other ways, so it usually reads fewer of them."
        ),
        {"learned": DATASETS[learned].name, "shown": DATASETS[shown].name},
    )


def unpacked_folder(place: Path, key: str) -> Path:
    """Return where a set lies unpacked in a directory of data."""
    return place / "datasets" / key


def open_set(folder: Path, key: str) -> Dataset | None:
    """Open the set that `write_set` wrote into `folder`; None if there is none or it is damaged.

    Sizes and headers are checked each time, checksums when a file is new or has changed.
    """
    try:
        facts = json.loads((folder / FACTS_FILE).read_text("utf-8"))
        if facts["format"] != FORMAT:
            return None
        splits = {file: _open_split(folder, file, facts["files"], key) for file in facts["splits"]}
        return Dataset(splits["train"], splits["test"], key, folder, key=key, further=splits.get("further"))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_set(folder: Path, splits: Mapping[str, Labelled] | Iterator[tuple[str, Labelled]]) -> Iterator[str]:
    """Write splits, by the names of data.mnist.FILES, into the new `folder`; yield each one's name.

    Images are uint8 [N, 28, 28], labels uint8 [N]. The folder is there when all is written, or not at all.
    Raises OSError when it can't be written.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".writing-", dir=folder.parent, ignore_cleanup_errors=True) as temporary:
        making = Path(temporary) / folder.name
        making.mkdir()
        facts: dict[str, Any] = {"format": FORMAT, "splits": [], "files": {}}
        for file, (images, labels) in splits.items() if isinstance(splits, Mapping) else splits:
            for name, values in zip(_file_names(file), (images, labels), strict=True):
                facts["files"][name] = _write_file(making / name, values)
            facts["splits"].append(file)
            yield file
        (making / FACTS_FILE).write_text(json.dumps(facts, indent=1) + "\n", "utf-8")
        if folder.exists():
            shutil.rmtree(folder)  # damaged, or another process has just written the same
        making.rename(folder)


def _published_in(places: list[Path], key: str, given: Path | None) -> Path | None:
    """Return the first folder that holds a set as published; InputError if the given one is damaged."""
    for place in places:
        folder = place / PUBLISHED[key].folder
        if missing_archives(key, folder):
            continue
        damaged = damaged_archive(key, folder)
        if damaged is None:
            return folder
        if place == given:
            raise InputError(
                N_(
                    "{file} is damaged or not {name}'s: its checksum is wrong; "
                    "replace it, or delete it and start again to download it."
                ),
                file=damaged,
                name=DATASETS[key].name,
            )
    return None


def _unpack(key: str, source: Path, given: Path | None) -> Steps:
    """Make the folder of a set from its published files: where the data are, else in the cache."""
    files = PUBLISHED[key].files
    places = [given, cache_directory()] if given else [cache_directory()]
    for place in places:
        folder = unpacked_folder(place, key)
        splits = ((file, read_published(key, source, file)) for file in files)
        with suppress(OSError):  # a folder that can't be written
            for done, _file in enumerate(write_set(folder, splits), 1):
                yield DOWNLOAD_SHARE + (1 - DOWNLOAD_SHARE) * done / len(files), None
        if found := open_set(folder, key):
            return found
    raise InputError(
        N_("{name} can't be unpacked into {folder}; make room there, or name another in DIGITLAB_DATA."),
        name=DATASETS[key].name,
        folder=unpacked_folder(places[-1], key),
    )


def _file_names(file: str) -> tuple[str, str]:
    """Return the names of the idx files of a split's images and labels."""
    return f"{file}-images-idx3-ubyte", f"{file}-labels-idx1-ubyte"


def _write_file(path: Path, values: NDArray[np.uint8]) -> dict[str, Any]:
    """Write an idx file; return its shape and checksum."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        parts = (values[at : at + IMAGES_AT_ONCE].tobytes() for at in range(0, len(values), IMAGES_AT_ONCE))
        for part in (IdxFile(values.shape, "").header, *parts):
            file.write(part)
            digest.update(part)
    return {"shape": list(values.shape), "sha256": digest.hexdigest()}


def _open_split(folder: Path, file: str, facts: Mapping[str, Any], key: str) -> Split:
    if file not in FILES:
        raise ValueError(f"unknown split {file!r}")
    images, labels = (_map(folder / name, facts[name]) for name in _file_names(file))
    return Split(images, np.array(labels), file, dataset=key)


def _map(file: Path, facts: Mapping[str, Any]) -> NDArray[np.uint8]:
    """Memory-map a file's values, copy-on-write; ValueError unless it is as its facts say."""
    expected = IdxFile(tuple(map(int, facts["shape"])), str(facts["sha256"]))
    if not is_intact(file, expected):
        raise ValueError(f"{file} is damaged")
    mapped = np.memmap(file, np.uint8, mode="c", offset=len(expected.header), shape=expected.shape)
    return np.asarray(mapped)
