"""What an import loads: the pages nothing slow, the core nothing of the pages, and no import a side effect.

import-linter holds the arrows between the packages; its contracts are in pyproject.toml.
"""

import subprocess
import sys
from pathlib import Path

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
IMPORT_EACH = """
import importlib, os, sys
before = dict(os.environ)
for name in {modules}:
    importlib.import_module(name)
    changed = set() if dict(os.environ) == before else {{"os.environ"}}
    print(name, *({unwanted} & (sys.modules.keys() | changed)))
"""


def modules_of(package: str) -> list[str]:
    """Return the dotted names of all modules of a package, `__main__` left out."""
    files = sorted((PROJECT / package).rglob("*.py"))
    names = [".".join(file.relative_to(PROJECT).with_suffix("").parts) for file in files]
    return [name.removesuffix(".__init__") for name in names if not name.endswith("__main__")]


def loaded(modules: list[str], unwanted: set[str]) -> dict[str, list[str]]:
    """Import modules one after the other in a new process; return what unwanted is there after each.

    "os.environ" is there once the process's environment was changed.
    """
    code = IMPORT_EACH.format(modules=modules, unwanted=unwanted)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    return {name: found for name, *found in map(str.split, done.stdout.splitlines()) if found}


def test_no_page_loads_anything_slow_when_it_is_imported():
    assert loaded(modules_of("ui"), SLOW) == {}


def test_the_core_loads_neither_pages_nor_torchvision_and_does_not_change_the_process():
    modules = [*modules_of("mnist_core"), "mnist_core.__main__"]
    assert loaded(modules, PAGES | {"torchvision", "dask", "distributed", "os.environ"}) == {}


def test_benchmarks_are_imported_in_a_process_that_nothing_has_configured():
    """The tutorials first: their process must have nothing of ours."""
    modules = dict.fromkeys(["benchmarks.tutorials", *modules_of("benchmarks")])
    assert loaded([*modules], {"mnist_core", "torchvision"})["benchmarks.tutorials"] == ["torchvision"]


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


def test_the_app_imports_scipy_before_anything_that_may_begin_to_import_pytorch():
    """SciPy's import fails while another thread is half way through importing PyTorch."""
    lines = (PROJECT / "streamlit_app.py").read_text().splitlines()
    imports = [line for line in lines if line.startswith(("import ", "from "))]
    ours = [number for number, line in enumerate(imports) if line.startswith(("from mnist_core", "from ui"))]
    assert next(number for number, line in enumerate(imports) if "scipy.stats" in line) < ours[0]
