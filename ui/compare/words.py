"""What is said of compared runs, in the visitor's language."""

import re
from collections.abc import Iterable

from mnist_core.messages import Message
from ui.run_list import plain
from ui.translation import say, sentences_text


def paragraph(messages: Iterable[Message]) -> str:
    """Return sentences as one paragraph of markdown; names stay as they were typed, and 1e-10 on one line."""
    text = sentences_text(plain(say(message)) for message in messages)
    return re.sub(r"(?<=\de)\\?-(?=\d)", "\N{NON-BREAKING HYPHEN}", text)


def shortened(name: str, most: int = 28) -> str:
    """Return a name that fits where there is little room."""
    return name if len(name) <= most else name[: most - 1] + "…"
