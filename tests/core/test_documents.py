"""What the documents claim: the map of modules, URL parameters, private interfaces, paths and commands."""

import json
import re
import runpy

import pytest

from mnist_core import __version__
from mnist_core.runs.store import PROJECT

ARCHITECTURE = (PROJECT / "ARCHITECTURE.md").read_text("utf-8")
DOCUMENTS = (
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "models/README.md",
    "SECURITY.md",
    "DEPLOY.md",
    "THIRD_PARTY.md",
)
WITH_PATHS = DOCUMENTS[1:4]
PRIVATE = re.compile(
    r"torch\._\w+|torch\.optim\._\w+|torch\.ops\.\w+|torch\.cpu\.get_\w+|get_script_run_ctx|show_uncaught_app_exception|dynamo=False|_mpa_v1|_get_client_context"
)


def section(title: str) -> str:
    """Return the text of one section of ARCHITECTURE.md."""
    return ARCHITECTURE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_the_map_is_that_of_the_modules():
    """If it isn't: `python docs/architecture_map.py`."""
    with_map = runpy.run_path(str(PROJECT / "docs" / "architecture_map.py"))["with_map"]
    assert with_map(ARCHITECTURE) == ARCHITECTURE


def test_every_url_parameter_of_the_recorded_links_is_listed():
    links = json.loads((PROJECT / "tests" / "recorded_0_1" / "links.json").read_text("utf-8"))
    used = {name for link in [*links["links"], *links["choices"]] for name in link["query"]}
    assert used <= set(re.findall(r"`(\w+)`", section("URL parameters")))


def test_every_private_interface_in_use_is_listed():
    listed = section("When Streamlit or torch is upgraded")
    files = [*PROJECT.glob("*.py"), *(PROJECT / "tests" / "app").rglob("*.py")]
    files += [file for folder in ("pages", "ui", "mnist_core") for file in (PROJECT / folder).rglob("*.py")]
    found = {name for file in files for name in PRIVATE.findall(file.read_text("utf-8"))}
    assert found
    assert {name for name in found if name not in listed} == set()


@pytest.mark.parametrize("document", WITH_PATHS)
def test_every_path_in_a_document_exists(document):
    text = (PROJECT / document).read_text("utf-8")
    paths = re.findall(r"`((?:\w+/)+[\w.]+\.\w+)`", text) + re.findall(
        r"`((?:mnist_core|ui|tests|models)/[\w/]*)`", text
    )
    assert paths
    roots = (PROJECT, PROJECT / "mnist_core")
    assert [path for path in paths if not any((root / path).exists() for root in roots)] == []


def test_every_command_in_the_documents_exists():
    commands = {
        name
        for document in DOCUMENTS
        for name in re.findall(r"python -m ([\w.]+)", (PROJECT / document).read_text("utf-8"))
    }
    modules = [name for name in commands if "." in name or name == "mnist_core"]
    assert modules
    for name in modules:
        path = PROJECT / name.replace(".", "/")
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), name


def test_the_changelog_knows_this_version():
    assert f"\n## [{__version__}] - 20" in (PROJECT / "CHANGELOG.md").read_text("utf-8")


def test_every_requirement_has_its_licence_listed():
    """If one is missing: `python docs/licences.py`."""
    listed = (PROJECT / "THIRD_PARTY.md").read_text("utf-8")
    names = re.findall(r"^([\w-]+)==", (PROJECT / "requirements.txt").read_text("utf-8"), re.M)
    assert names
    assert [name for name in names if f"| {name} |" not in listed] == []
