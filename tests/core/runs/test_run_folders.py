import json
from pathlib import Path

import pytest

from mnist_core.runs.store import RunStore
from tests.core.stored_runs import CONFIG, finished, refusal


@pytest.fixture
def store(tmp_path) -> RunStore:
    return RunStore(tmp_path / "runs")


def no_folder(folder: Path) -> None:
    folder.write_text("a file")


def empty(folder: Path) -> None:
    folder.mkdir()


def holding(run: str | bytes | None, config: str | None):
    def make(folder: Path) -> None:
        folder.mkdir()
        for name, content in (("run.json", run), ("config.json", config)):
            if content is not None:
                (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())

    return make


STATE = json.dumps({"status": "finished", "created": "2026-01-01T00:00:00+00:00", "results": {}})
SETTINGS = json.dumps(CONFIG.to_json())


def test_the_folder_the_cases_start_from_is_a_run(store):
    store.directory.mkdir()
    holding(STATE, SETTINGS)(store.directory / "run")
    assert [run.id for run in store.list()] == ["run"]


@pytest.mark.parametrize(
    "make",
    [
        no_folder,
        empty,
        holding(STATE, None),
        holding(None, SETTINGS),
        holding("", SETTINGS),
        holding(b"\xff\xfe\x00", SETTINGS),
        holding(STATE[:-9], SETTINGS),
        holding("[]", SETTINGS),
        holding('"finished"', SETTINGS),
        holding("{}", SETTINGS),
        holding(STATE, "{"),
        holding(STATE, "[]"),
        holding(STATE, "3"),
        holding(STATE, '{"colour": 1}'),
        holding(STATE, '{"epochs": 0}'),
        holding(STATE[:-1] + ', "message": {"text": "x"}}', SETTINGS),
        holding(STATE[:-1] + ', "message": 3}', SETTINGS),
    ],
)
def test_what_is_no_run_is_passed_over(make, store):
    run_id = finished(store)
    make(store.directory / "other")
    assert [run.id for run in store.list()] == [run_id]
    assert "no run 'other'" in refusal(lambda: store.get("other"))


def test_half_made_and_half_removed_runs_are_passed_over(store):
    run_id = finished(store)
    store.get(run_id).folder.rename(store.directory / f".{run_id}.part")
    assert store.list() == []


def test_a_run_appears_whole_or_not_at_all(store, monkeypatch):
    """Creating breaks off at its last moment, before the folder has its name."""
    monkeypatch.setattr(Path, "rename", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        store.create(CONFIG)
    assert store.list() == []


def test_a_directory_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    store = RunStore(tmp_path / "file" / "runs")
    assert store.list() == []
    sentence = refusal(lambda: store.create(CONFIG))
    assert sentence.startswith(f"Runs can't be kept in {store.directory} (Not a directory)")
    assert "DIGITLAB_RUNS" in sentence
