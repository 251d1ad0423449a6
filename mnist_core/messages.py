"""Sentences for people: English templates that the pages can translate, with their values kept apart."""

from collections.abc import Mapping
from dataclasses import dataclass, field


def N_(text: str) -> str:  # noqa: N802 - gettext's own name for "mark, don't translate yet"
    """Mark an English source string for the catalogs; it is translated where it is shown."""
    return text


@dataclass(frozen=True)
class Message:
    """A sentence: an English `template` for `str.format` and the `values` that fill it."""

    template: str
    values: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.template.format(**self.values)


class InputError(ValueError):
    """Something a person gave can't be used; the message says what is wrong and what to do."""

    def __init__(self, template: str, **values: object) -> None:
        super().__init__(template)
        self.message = Message(template, values)

    def __str__(self) -> str:
        return str(self.message)
