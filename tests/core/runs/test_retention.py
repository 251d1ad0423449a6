"""The disk space of runs: the limit, sizes, ages, and which runs are deleted."""

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from mnist_core.config import TrainConfig
from mnist_core.messages import InputError
from mnist_core.runs.metadata import RunMetadata
from mnist_core.runs.retention import (
    LIMIT_VARIABLE,
    age_in_seconds,
    are_lost_at_restart,
    limit_in_bytes,
    size_in_bytes,
    too_many,
)
from mnist_core.runs.run import Run


@pytest.fixture
def runs(tmp_path: Path) -> list[Run]:
    """Three finished runs of 100 bytes each, the oldest last."""
    found = []
    for number in range(3):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "weights").write_bytes(b"x" * 100)
        created = f"2026-01-0{3 - number}T00:00:00+00:00"
        found.append(Run(str(number), folder, TrainConfig(), "finished", created, {}))
    return found


def given_up(runs: list[Run], most_bytes: int, **options: str | int) -> list[str]:
    return [run.id for run in too_many(runs, most_bytes, 300, **options)]


def test_the_limit_is_two_gigabytes_unless_another_is_set(monkeypatch):
    monkeypatch.delenv(LIMIT_VARIABLE, raising=False)
    assert limit_in_bytes() == 2_000_000_000
    monkeypatch.setenv(LIMIT_VARIABLE, "0.5")
    assert limit_in_bytes() == 500_000
    monkeypatch.setenv(LIMIT_VARIABLE, "0")
    assert limit_in_bytes() == 0


@pytest.mark.parametrize("text", ["-0.5", "-1", "inf", "nan", "much"])
def test_a_limit_that_is_no_number_of_megabytes_is_refused(text, monkeypatch):
    monkeypatch.setenv(LIMIT_VARIABLE, text)
    with pytest.raises(InputError, match=LIMIT_VARIABLE):
        limit_in_bytes()


def test_sizes_are_those_of_all_files(tmp_path):
    assert size_in_bytes(tmp_path) == 0
    (tmp_path / "below").mkdir()
    (tmp_path / "a").write_bytes(b"12345")
    (tmp_path / "below" / "b").write_bytes(b"123")
    assert size_in_bytes(tmp_path) == 8
    assert size_in_bytes(tmp_path / "nothing") == 0


def test_ages_count_from_the_last_change(tmp_path):
    hour_ago = time.time() - 3600
    os.utime(tmp_path, (hour_ago, hour_ago))
    assert age_in_seconds(tmp_path) == pytest.approx(3600, abs=60)
    assert age_in_seconds(tmp_path / "nothing") == 0.0


@pytest.mark.parametrize(
    ("most_bytes", "ids"), [(300, []), (299, ["2"]), (200, ["2"]), (199, ["2", "1"]), (0, ["2", "1", "0"])]
)
def test_the_oldest_are_given_up_until_the_rest_fits(runs, most_bytes, ids):
    assert given_up(runs, most_bytes) == ids


@pytest.mark.parametrize("status", ["queued", "running", "paused"])
def test_runs_that_may_go_on_are_kept(runs, status):
    assert given_up([replace(runs[2], status=status), *runs[:2]], 0) == ["1", "0"]


def test_pinned_and_spared_runs_are_kept(runs):
    pinned = replace(runs[2], metadata=RunMetadata(pinned=True))
    assert given_up([pinned, *runs[:2]], 0, spare="1") == ["0"]


def test_pinned_and_paused_runs_are_given_up_last_and_only_above_their_share(runs):
    """Else one visitor's pins could have all other visitors' runs deleted."""
    pinned, paused = replace(runs[2], metadata=RunMetadata(pinned=True)), replace(runs[1], status="paused")
    for most_protected, ids in ((200, ["0"]), (199, ["0", "2"]), (99, ["0", "2", "1"])):
        assert given_up([pinned, paused, runs[0]], 0, most_protected=most_protected) == ids
    assert given_up([pinned, paused, runs[0]], 200, most_protected=0) == ["0"]


@pytest.mark.parametrize(
    ("project", "variables", "lost"),
    [
        ("/srv/lab", {}, False),
        ("/mount/src/lab", {}, True),  # Streamlit Community Cloud
        ("/app", {"SPACE_ID": "someone/lab"}, True),  # Hugging Face Spaces
        ("/app", {"SPACE_ID": "someone/lab", "DIGITLAB_EPHEMERAL": "0"}, False),  # with a disk of its own
        ("/srv/lab", {"DIGITLAB_EPHEMERAL": "1"}, True),
    ],
)
def test_hosts_whose_restart_empties_the_disk_are_known(monkeypatch, project, variables, lost):
    for name in ("SPACE_ID", "DIGITLAB_EPHEMERAL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert are_lost_at_restart(Path(project)) == lost


def test_the_runs_of_a_search_are_as_old_as_its_newest(runs):
    """The oldest and the newest are of one search: the one between is given up first, then these together."""
    newest, between, oldest = runs
    of_search = [replace(run, metadata=RunMetadata(group="a")) for run in (newest, oldest)]
    assert given_up([*of_search, between], 200) == [between.id]
    assert given_up([*of_search, between], 0) == [between.id, oldest.id, newest.id]
