"""A name with markup, and a search for it where a page shows it unescaped."""

import re
from collections.abc import Iterator
from typing import Any

from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Block

HOSTILE = "<b>x</b>[y](z)**w**`zq`$q$:red[t]"
"""A name of a run or of a file: bold, a link, code, a formula and a colour, as HTML and as Markdown."""
MARKDOWN = re.compile(r"(?<!\\)(<b>|\[y\]|\*\*w|`zq|\$q|:red\[)")
HTML = re.compile(r"<b>x")
SHOWN_AS_TYPED = (
    "text",
    "code",
    "text_input",
    "selectbox",
    "multiselect",
    "arrow_data_frame",
    "vega_lite_chart",
)
MARKDOWN_FIELDS = ("body", "label", "help", "text", "content", "caption", "captions")


def unescaped(test: AppTest) -> list[str]:
    """Return the places of a page, with what they show, where HOSTILE is markup."""
    return [f"{kind}: {text}" for kind, text, markup in _texts(test) if markup.search(text)]


def words(test: AppTest) -> list[str]:
    """Return all that a page says: texts, labels, help, and what pictures are called, without HTML's tags."""
    found = []
    for kind, text, _markup in _texts(test):
        found += re.findall(r'(?:alt|aria-label|title)="([^"]*)"', text) if kind == "html" else []
        found.append(re.sub(r"<(style|script)>.*?</\1>|<[^>]*>", " ", text, flags=re.DOTALL))
    return found


def _texts(test: AppTest) -> Iterator[tuple[str, str, re.Pattern[str]]]:
    for node in nodes(test._tree):
        kind, proto = str(getattr(node, "type", "")), getattr(node, "proto", None)
        if kind == "html":
            yield kind, proto.body, HTML
        elif proto is not None and hasattr(proto, "ListFields"):
            for field, text in _strings(proto):
                if field in MARKDOWN_FIELDS and (kind not in SHOWN_AS_TYPED or field in ("label", "help")):
                    yield f"{kind}.{field}", text, MARKDOWN


def nodes(node: Any) -> Iterator[Any]:
    """Yield an element and all that are in it."""
    yield node
    if isinstance(node, Block):
        for child in node.children.values():
            yield from nodes(child)


def _strings(proto: Any) -> Iterator[tuple[str, str]]:
    """Yield all texts of a message and of those in it, with the names of their fields."""
    for descriptor, value in proto.ListFields():
        values = value if isinstance(value, (list, tuple)) or hasattr(value, "append") else [value]
        for each in values:
            if isinstance(each, str):
                yield descriptor.name, each
            elif hasattr(each, "ListFields"):
                yield from _strings(each)
