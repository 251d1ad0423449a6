"""Who imports what: the core no pages, the first page no torch, and the arrows of the design."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import mnist_core

FOLDER = Path(mnist_core.__file__).parent
MODULES = sorted(path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith("__"))
REGISTRIES = {"activations", "architectures", "augmentation", "optimizers", "scaling"}
FIRST_PAGE = {"messages", "config", "recipes", "data", "sample", "runs", "checkpoint", "drawing", "pictures"}
FIRST_PAGE |= {
    "run_store",
    "run_labels",
    "retention",
    "evaluation",
    "recognition",
    "training_queue",
    "commands",
    "probes",
    "course",
    "doctor",
    "layers",
    "epoch_timing",
} | REGISTRIES
FIRST_PAGE |= {"export", "export_script", "import_file", "file_commands"}
FIRST_PAGE |= {"statistics", "embedding", "label_errors"}
FIRST_PAGE |= {"significance", "comparison", "comparison_words", "repeats", "comparison_commands"}
FIRST_PAGE |= {"corruptions", "adversarial", "robustness"}
FIRST_PAGE |= {"reliability"}
PAGES = {"streamlit", "ui", "pages"}
SLOW = {"torch", "torchvision", "sklearn", "pandas", "openTSNE"}

IMPORT_EACH = """
import importlib, sys
for name in {modules}:
    for loaded in [loaded for loaded in sys.modules if loaded.startswith("mnist_core")]:
        del sys.modules[loaded]
    importlib.import_module("mnist_core." + name)
    print(name, *({unwanted} & sys.modules.keys()))
"""


def imported(module: str) -> set[str]:
    """Modules of the core that `module` imports, wherever in its text."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((FOLDER / f"{module}.py").read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        found |= {name.split(".")[1] for name in names if name.startswith("mnist_core.")}
    return found & set(MODULES)


def imported_in_the_end(module: str) -> set[str]:
    found: set[str] = set()
    waiting = [module]
    while waiting:
        for name in imported(waiting.pop()) - found:
            found.add(name)
            waiting.append(name)
    return found


def loaded_beside(modules: list[str], unwanted: set[str]) -> dict[str, list[str]]:
    """Which unwanted modules are there once each has been imported, one after the other, in a new process."""
    code = IMPORT_EACH.format(modules=modules, unwanted=unwanted)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=FOLDER.parent, capture_output=True, text=True, check=True
    )
    return {name: found for name, *found in (line.split() for line in done.stdout.splitlines())}


def test_every_module_imports_by_itself_and_none_imports_the_pages():
    assert loaded_beside([*MODULES, "__main__"], PAGES | {"torchvision"}) == {
        name: [] for name in [*MODULES, "__main__"]
    }


def test_what_the_first_page_needs_imports_nothing_slow():
    light = sorted(FIRST_PAGE)
    assert loaded_beside(light, SLOW | PAGES) == {name: [] for name in light}


def imported_packages(path: Path) -> set[str]:
    """The packages that a file imports, wherever in its text."""
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
    return {name.split(".")[0] for name in names}


def test_no_module_mentions_the_pages():
    for path in FOLDER.glob("*.py"):
        assert not imported_packages(path) & PAGES, path.name


def test_torchvision_is_imported_by_the_download_only():
    users = {path.stem for path in FOLDER.glob("*.py") if "torchvision" in imported_packages(path)}
    assert users == {"download"}


def test_the_settings_import_the_registries_only():
    assert imported("config") == REGISTRIES | {"messages"}


@pytest.mark.parametrize("module", ["training", "evaluation", "recognition"])
def test_training_evaluation_and_recognition_do_not_know_each_other(module):
    others = {"training", "evaluation", "recognition"} - {module}
    assert not imported_in_the_end(module) & others


@pytest.mark.parametrize("module", ["training", "evaluation", "recognition", "gradients", "model"])
def test_the_arithmetic_knows_no_files_threads_or_commands(module):
    on_disk = {"runs", "run_store", "run_writer", "run_labels", "checkpoint"}
    assert not imported_in_the_end(module) & (on_disk | {"recording", "training_queue", "commands"})


def test_nothing_imports_the_composers_but_each_other():
    composers = {"commands", "training_commands", "file_commands", "training_queue"}
    composers |= {"comparison_commands", "robustness_commands", "reading_commands"}
    for module in set(MODULES) - composers:
        assert not imported(module) & composers, module
