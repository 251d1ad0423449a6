"""Fixtures of the tests of downloading."""

from collections.abc import Callable, Iterator
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

import pytest

from mnist_core.data import download
from tests.core.data.download.mirror import Mirror


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Importing torchvision in the child takes its time on a busy machine."""
    monkeypatch.setattr(download, "START_SECONDS", 600)


@pytest.fixture
def mirror(tiny_files: dict[str, bytes], own_cache: Path) -> Iterator[Mirror]:
    with closing(Mirror(tiny_files)) as mirror:
        yield mirror


@pytest.fixture
def stub_torchvision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put another torchvision, with this `datasets.py`, in the way of the child process."""

    def write(datasets: str) -> None:
        package = tmp_path / "stub" / "torchvision"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "datasets.py").write_text(datasets)
        monkeypatch.setenv("PYTHONPATH", str(package.parent))

    return write


@pytest.fixture
def own_sets_of_torchvision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the child have torchvision's data sets without the rest, whose import takes two seconds."""
    found = find_spec("torchvision")
    assert found
    package = tmp_path / "stub" / "torchvision"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(f"__path__ = {found.submodule_search_locations}")
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
