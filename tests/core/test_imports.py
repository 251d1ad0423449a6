"""What an import loads: the pages nothing slow, the core nothing of the pages, and no import a side effect.

import-linter holds the arrows between the packages; its contracts are in pyproject.toml.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mnist_core.runs.store import PROJECT

SLOW = {
    "torch",
    "torchvision",
    "sklearn",
    "pandas",
    "openTSNE",
    "scipy",
    "statsmodels",
    "matplotlib",
    "optuna",
    "sqlalchemy",
    "dask",
    "distributed",
}
PAGES = {"streamlit", "ui", "pages"}
UNWANTED = SLOW | PAGES | {"mnist_core", "sympy"}
IMPORT_EACH = """
import importlib, json, os, sys
groups, unwanted = json.loads(sys.argv[1])
before = dict(os.environ)
for first, modules in groups.items():
    if first == "with PyTorch":
        import torch
    if os.fork():
        if os.wait()[1]:
            sys.exit("a module can't be imported")
        continue
    for name in modules:
        importlib.import_module(name)
        if name == "mnist_core.models.summary":
            config = sys.modules["mnist_core.config"].TrainConfig(architecture="vgg", channels=(4, 8, 8))
            sys.modules[name].describe_layers(config)
        changed = set() if dict(os.environ) == before else {"os.environ"}
        print(name, *(set(unwanted) & (sys.modules.keys() | changed)), flush=True)
    os._exit(0)
"""


def modules_of(package: str) -> list[str]:
    """Return the dotted names of all modules of a package, `__main__` left out."""
    files = sorted((PROJECT / package).rglob("*.py"))
    names = [".".join(file.relative_to(PROJECT).with_suffix("").parts) for file in files]
    return [name.removesuffix(".__init__") for name in names if not name.endswith("__main__")]


@pytest.fixture(scope="module")
def loaded() -> dict[str, set[str]]:
    """What of UNWANTED is there after each module's import, each group in a copy of a new process.

    "os.environ" is there once the process's environment was changed. All but the pages' copy begin with
    PyTorch. The benchmarks follow the core: they must be imported where nothing was configured.
    """
    core = [*modules_of("mnist_core"), "mnist_core.__main__"]
    groups = {
        "without PyTorch": modules_of("ui"),
        "with PyTorch": ["benchmarks.tutorials"],
        "of the core": [*core, *(name for name in modules_of("benchmarks") if "tutorials" not in name)],
    }
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_EACH, json.dumps([groups, [*UNWANTED, "os.environ"]])],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = {name: set(names) for name, *names in map(str.split, done.stdout.splitlines())}
    assert set(found) == {name for names in groups.values() for name in names}
    return found


def at_last(loaded: dict[str, set[str]], package: str) -> set[str]:
    """What the imports of all of a package's modules have loaded."""
    return set().union(*(found for name, found in loaded.items() if name.split(".")[0] == package))


def test_no_page_loads_anything_slow_when_it_is_imported(loaded):
    assert not at_last(loaded, "ui") & SLOW


def test_the_core_loads_neither_pages_nor_torchvision_and_does_not_change_the_process(loaded):
    unwanted = PAGES | {"torchvision", "dask", "distributed", "os.environ"}
    assert not at_last(loaded, "mnist_core") & unwanted


def test_shapes_are_found_without_torchs_symbolic_shapes(loaded):
    """`describe_layers` was called there; the meta device's kernels import sympy and triton, 90 MB."""
    assert "sympy" not in loaded["mnist_core.models.summary"]


def test_the_tutorials_process_has_nothing_of_ours(loaded):
    assert "mnist_core" not in loaded["benchmarks.tutorials"]


def test_torchvision_is_imported_by_the_download_only():
    users = [
        file.relative_to(PROJECT).as_posix()
        for file in sorted((PROJECT / "mnist_core").rglob("*.py"))
        if "torchvision" in file.read_text()
        and any(
            line.strip().startswith(("import torchvision", "from torchvision"))
            for line in file.read_text().splitlines()
        )
    ]
    assert users == ["mnist_core/data/download.py", "mnist_core/export/script_templates.py"]


def test_the_package_has_no_folder_without_an_init_file():
    """A folder without one is left out by import-linter."""
    for package in ("mnist_core", "ui"):
        folders = {file.parent for file in (PROJECT / package).rglob("*.py")}
        assert [folder for folder in folders if not (Path(folder) / "__init__.py").exists()] == []
