"""Where own data sets lie, and the facts about each: what settings, networks and pages need to know of one.

A set's folder is `KEY` in the directory, or `.trash/KEY` once it was deleted. Its facts stay there when its
images are gone, so that runs on it can still be opened.
"""

from __future__ import annotations

import json
import os
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

DIRECTORY_VARIABLE, RUNS_VARIABLE = "DIGITLAB_SETS", "DIGITLAB_RUNS"
OWN_FACTS_FILE = "own.json"
TRASH = ".trash"
PREFIX = "own-"
_KEY = re.compile(rf"{PREFIX}[0-9a-f]{{16}}")
_PROJECT = Path(__file__).resolve().parent.parent.parent


def own_sets_directory() -> Path:
    """Return the directory of own data sets: DIGITLAB_SETS, else `.sets` in the directory of the runs."""
    if given := os.environ.get(DIRECTORY_VARIABLE):
        return Path(given).expanduser()
    return Path(os.environ.get(RUNS_VARIABLE) or _PROJECT / "runs").expanduser() / ".sets"


def is_own_key(text: str) -> bool:
    """Whether a text has the form of an own data set's key: "own-" and 16 hexadecimal digits."""
    return _KEY.fullmatch(text) is not None


def own_set_folder(key: str) -> Path | None:
    """Return the folder of an own data set, deleted or not; None if there is none."""
    directory = own_sets_directory()
    places = (directory / key, directory / TRASH / key) if is_own_key(key) else ()
    return next((place for place in places if (place / OWN_FACTS_FILE).is_file()), None)


def own_set_facts(key: str) -> dict[str, Any] | None:
    """Return the facts of an own data set, as they were written; None if there is none that can be read."""
    folder = own_set_folder(key)
    if folder is None:
        return None
    try:
        return _read(folder / OWN_FACTS_FILE, (folder / OWN_FACTS_FILE).stat().st_mtime_ns)
    except (OSError, ValueError):
        return None


@lru_cache(maxsize=256)
def _read(file: Path, changed: int) -> dict[str, Any]:
    """Read the facts, again only when the file has changed: settings are checked at every click."""
    facts = json.loads(file.read_text("utf-8"))
    if not isinstance(facts, dict):
        raise ValueError(f"{file} has no facts")
    return facts
