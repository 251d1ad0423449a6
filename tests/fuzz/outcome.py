"""How a case of the fuzzer ends: in a result or in an InputError's sentence without markup."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from mnist_core.messages import InputError, Message
from ui.html.tables import markdown


class Broken(Exception):
    """A case that ended in neither a result nor a sentence."""


@dataclass
class Count:
    """How many cases of a target ended in a result, and how many in a sentence."""

    results: int = 0
    sentences: int = 0


def said(error: InputError) -> None:
    """Check a sentence as the pages and the terminal show it."""
    text = str(error)
    if not text or not text.rstrip().endswith((".", "。", "?")):
        raise Broken(f"no sentence: {text!r}")
    bare, own = re.sub(r"\\.|(?<=[^\W_])_(?=[^\W_])", "", markdown(error.message)), _template(error.message)
    if any(bare.count(c) > own.count(c) for c in "<[`$*_:"):
        raise Broken(f"markup in {markdown(error.message)!r}")


def _template(message: Message) -> str:
    """Return all that is ours of a message: its template, and those of the messages in it."""
    inner = (_template(value) for value in message.values.values() if isinstance(value, Message))
    return " ".join([message.template, *inner])


def attempt(count: Count, work: Callable[[], object]) -> object:
    """Do the work of a case; return its result, None after an InputError."""
    try:
        result = work()
    except InputError as error:
        said(error)
        count.sentences += 1
        return None
    count.results += 1
    return result
