"""Rewrite ARCHITECTURE.md's map from the first lines of the modules: `python docs/architecture_map.py`."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("pages", "ui", "mnist_core", "models", "benchmarks", "locales")
START, END = "<!-- map: python docs/architecture_map.py -->\n", "<!-- end of map -->\n"


def first_line(module: Path) -> str:
    """Return the first line of a module's docstring, without the full stop."""
    return (ast.get_docstring(ast.parse(module.read_text("utf-8"))) or "").split("\n")[0].rstrip(".")


def folders() -> list[Path]:
    """Return all folders with modules, each before those within it."""
    found = {file.parent for package in PACKAGES for file in (ROOT / package).rglob("*.py")}
    return sorted(found, key=lambda folder: (PACKAGES.index(folder.relative_to(ROOT).parts[0]), folder))


def tables() -> Iterator[str]:
    """Yield a table for each folder: its modules and what they hold."""
    for folder in folders():
        marker = folder / "__init__.py"
        about = f": {first_line(marker)}" if marker.exists() else ""
        modules = sorted(file for file in folder.glob("*.py") if file != marker)
        rows = "".join(f"| `{module.name}` | {first_line(module)} |\n" for module in modules)
        name = folder.relative_to(ROOT).as_posix()
        yield f"\n**`{name}/`**{about}\n\n| module | holds |\n|---|---|\n{rows}"


def with_map(text: str) -> str:
    """Return ARCHITECTURE.md's text with the map as it should be."""
    before, rest = text.split(START)
    return before + START + "".join(tables()) + END + rest.split(END)[1]


if __name__ == "__main__":
    document = ROOT / "ARCHITECTURE.md"
    document.write_text(with_map(document.read_text("utf-8")), "utf-8")
