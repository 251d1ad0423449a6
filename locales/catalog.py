"""Update the translation catalogs from the source: `python -m locales.catalog`.

It extracts every string marked with `_`, `N_` or `ngettext`, merges them into each language's
`digitlab.po` and compiles that to `digitlab.mo`, which the app reads. Needs requirements-dev.txt.
"""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from babel.messages import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parent.parent
SOURCES = ("pages", "ui", "mnist_core")
KEYWORDS = {"_": None, "N_": None, "ngettext": (1, 2)}


def extract() -> Catalog:
    """Return a catalog of all marked strings."""
    template = Catalog(project="Digit Lab", charset="utf-8")
    for folder in SOURCES:
        for name, line, text, comments, context in extract_from_dir(ROOT / folder, keywords=KEYWORDS):
            template.add(text, None, [(f"{folder}/{name}", line)], auto_comments=comments, context=context)
    return template


def languages() -> list[Path]:
    """Return the paths of all languages' catalogs."""
    return sorted((ROOT / "locales").glob("*/LC_MESSAGES/digitlab.po"))


def read(path: Path) -> Catalog:
    """Read one language's catalog."""
    with path.open("rb") as file:
        return read_po(file, locale=path.parent.parent.name, domain="digitlab")


def compiled(catalog: Catalog) -> bytes:
    """Return the content of the .mo file."""
    buffer = BytesIO()
    write_mo(buffer, catalog)
    return buffer.getvalue()


def _strings(message: Message) -> Sequence[str]:
    """Return a message's translation, or those of its plurals."""
    return message.string if isinstance(message.string, tuple) else (message.string or "",)


def update(path: Path) -> None:
    """Merge the source's strings into a catalog, remove unused ones, and compile it."""
    catalog = read(path)
    catalog.update(extract(), no_fuzzy_matching=True)
    with path.open("wb") as file:
        write_po(file, catalog, width=110, ignore_obsolete=True, include_lineno=False, sort_by_file=True)
    path.with_suffix(".mo").write_bytes(compiled(read(path)))
    missing = [message.id for message in catalog if message.id and "" in _strings(message)]
    print(f"{path.relative_to(ROOT)}: {len(catalog)} strings, {len(missing)} to translate")


if __name__ == "__main__":
    for found in languages():
        update(found)
