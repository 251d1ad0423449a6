"""A run's metadata: name, pin, owner, readers. Its own file, so that training never overwrites it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from mnist_core.messages import N_, InputError
from mnist_core.runtime.files import write_whole

LONGEST_NAME = 60
MOST_READERS = 500
METADATA_FILE = "label.json"


@dataclass(frozen=True)
class RunMetadata:
    """A run's `name` (empty: none was given), whether it is `pinned`, and who may see it in a list.

    `owner` identifies the visitor who started it, `readers` those who opened a link to it, the latest last.
    `number` is above 1 if there was a run of the same name, `numbered`, when it was created.
    `group` is the search whose trial it is, "" for none; with `repeat` it is no trial, but repeats the
    settings of one with another seed.
    """

    name: str = ""
    pinned: bool = False
    owner: str = ""
    readers: tuple[str, ...] = ()
    number: int = 1
    numbered: str = ""
    group: str = ""
    repeat: bool = False

    def with_reader(self, reader: str) -> RunMetadata:
        """Return a copy with one more reader; at most 500 are kept, the latest."""
        others = (known for known in self.readers if known != reader)
        return replace(self, readers=(*others, reader)[-MOST_READERS:])


def read_metadata(folder: Path) -> RunMetadata:
    """Read a run's metadata; return the defaults if the file is missing or unreadable."""
    try:
        values = json.loads((folder / METADATA_FILE).read_text(encoding="utf-8"))
        name = printable_line(str(values["name"]))[:LONGEST_NAME]  # the folder may be a copy from elsewhere
        number, numbered = int(values.get("number", 1)), str(values.get("numbered", ""))
        owner, readers, group = str(values["owner"]), tuple(values["readers"]), str(values.get("group", ""))
        pinned, repeat = values["pinned"] is True, values.get("repeat") is True
        return RunMetadata(name, pinned, owner, readers, max(1, number), numbered, group, repeat)
    except (OSError, ValueError, KeyError, TypeError):
        return RunMetadata()


def write_metadata(folder: Path, metadata: RunMetadata) -> None:
    """Replace a run's metadata file as a whole."""
    write_whole(folder / METADATA_FILE, (json.dumps(asdict(metadata), indent=2) + "\n").encode())


def printable_line(text: str) -> str:
    """Return text in one line, without invisible characters and repeated spaces."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def checked_name(text: str) -> str:
    """Return a name without surrounding and repeated spaces; InputError when it is too long."""
    name = printable_line(text)
    if len(name) > LONGEST_NAME:
        raise InputError(
            N_("A run's name can have {most} characters, and this one has {count}; shorten it."),
            most=LONGEST_NAME,
            count=len(name),
        )
    return name
