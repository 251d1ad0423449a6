"""User messages: English templates with separate values, so that the pages can translate them."""

from collections.abc import Mapping
from dataclasses import dataclass, field


def N_(text: str) -> str:  # noqa: N802 - gettext's usual name for "mark only"
    """Mark an English source string for extraction into the catalogs; it is translated when shown."""
    return text


@dataclass(frozen=True)
class Message:
    """A message: an English `template` for `str.format` and the `values` to fill in."""

    template: str
    values: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.template.format(**self.values)


class Words(tuple[str, ...]):
    """Several words as one value of a message; a page joins them as its language does."""

    def __str__(self) -> str:
        return ", ".join(self)


class InputError(ValueError):
    """Invalid user input; the message says what is wrong and what to do."""

    def __init__(self, template: str, **values: object) -> None:
        super().__init__(template)
        self.message = Message(template, values)

    def __str__(self) -> str:
        return str(self.message)
