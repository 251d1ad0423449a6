"""Who imports what: the core no pages, the first page no torch, and the arrows of the design."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import mnist_core

FOLDER = Path(mnist_core.__file__).parent


def dotted(path: Path) -> str:
    """`runs.store` for mnist_core/runs/store.py."""
    return ".".join(path.relative_to(FOLDER).with_suffix("").parts)


FILES = sorted(path for path in FOLDER.rglob("*.py") if not path.stem.startswith("__"))
MODULES = [dotted(path) for path in FILES]
REGISTRIES = {"activations", "architectures", "augmentation", "optimizers", "scaling"}
FIRST_PAGE = {"messages", "config", "recipes", "data", "checkpoint", "evaluation", "explain", "layers"}
FIRST_PAGE |= {f"runs.{name}" for name in ("run", "store", "labels", "retention", "training_queue")}
FIRST_PAGE |= {f"reading.{name}" for name in ("drawing", "pictures", "recognition")}
FIRST_PAGE |= {f"dataset.{name}" for name in ("sample", "statistics", "embedding", "label_errors")}
FIRST_PAGE |= {f"monitoring.{name}" for name in ("probes", "course", "doctor")}
FIRST_PAGE |= {"machine.epoch_timing", "export.kinds", "export.script", "export.import_file"}
FIRST_PAGE |= {f"analysis.{name}" for name in ("significance", "comparison", "comparison_words", "repeats")}
FIRST_PAGE |= {f"analysis.{name}" for name in ("corruptions", "adversarial", "robustness", "reliability")}
FIRST_PAGE |= {"analysis.first_layer", "runs.moments"}
FIRST_PAGE |= {"cli.commands", "cli.file_commands", "cli.comparison_commands"} | REGISTRIES
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
    for node in ast.walk(ast.parse((FOLDER / f"{module.replace('.', '/')}.py").read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        found |= {name.removeprefix("mnist_core.") for name in names}
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
    for path in FILES:
        assert not imported_packages(path) & PAGES, path.name


def test_torchvision_is_imported_by_the_download_only():
    users = {dotted(path) for path in FILES if "torchvision" in imported_packages(path)}
    assert users == {"dataset.download"}


def test_the_settings_import_the_registries_only():
    assert imported("config") == REGISTRIES | {"messages"}


@pytest.mark.parametrize("module", ["training", "evaluation", "reading.recognition"])
def test_training_evaluation_and_recognition_do_not_know_each_other(module):
    others = {"training", "evaluation", "reading.recognition"} - {module}
    assert not imported_in_the_end(module) & others


@pytest.mark.parametrize(
    "module", ["training", "evaluation", "reading.recognition", "learning.gradients", "model"]
)
def test_the_arithmetic_knows_no_files_threads_or_commands(module):
    unwanted = {"checkpoint", *(name for name in MODULES if name.split(".")[0] in ("runs", "cli"))}
    assert not imported_in_the_end(module) & unwanted


def test_nothing_imports_the_composers_but_each_other():
    composers = {name for name in MODULES if name.startswith("cli.")} - {"cli.terminal"}
    composers |= {"runs.training_queue"}
    for module in set(MODULES) - composers:
        assert not imported(module) & composers, module
