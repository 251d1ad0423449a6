"""The Train form's settings as URL parameters, and read back from them."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from mnist_core.config import parse_setting
from mnist_core.messages import InputError
from mnist_core.recipes import RECIPES
from ui.url_state import SETTING_PARAMETERS

MAX_VALUE_LENGTH = 200  # characters; a longer value of a parameter is unusable
UNREADABLE = "?"  # parse_setting refuses it for every type of setting


class QuerySettings(NamedTuple):
    """The settings in a URL, and the names of the parameters whose value can't be used."""

    settings: dict[str, Any]
    unusable: list[str]


def setting_parameters(query: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters of a URL that are settings, each value cut off just above MAX_VALUE_LENGTH."""
    names = SETTING_PARAMETERS.values()
    return {name: query[name][: MAX_VALUE_LENGTH + 1] for name in names if name in query}


def settings_to_query(settings: Mapping[str, Any]) -> dict[str, str]:
    """Return settings as URL parameters; `settings_from_query` reads them back."""
    return {name: _value_to_text(settings[field]) for field, name in SETTING_PARAMETERS.items()}


def settings_from_query(query: Mapping[str, str], default_recipe: str) -> QuerySettings:
    """Return the settings in a URL.

    A missing or unusable parameter takes its value from the recipe that the URL names, else from
    `default_recipe`.
    """
    settings, unusable = _parse(tuple(setting_parameters(query).items()), default_recipe)
    return QuerySettings(settings.copy(), unusable.copy())


@lru_cache(maxsize=256)  # a rerun reads the same query in several fragments; parsing takes 0.5 ms
def _parse(parameters: tuple[tuple[str, str], ...], default_recipe: str) -> QuerySettings:
    query = dict(parameters)
    recipe = query.pop("recipe", default_recipe)
    unusable = [] if recipe in RECIPES else ["recipe"]
    recipe = default_recipe if unusable else recipe
    settings = {**vars(RECIPES[recipe].config), "recipe": recipe}
    for field, name in SETTING_PARAMETERS.items():
        if name in query:
            try:
                settings[field] = parse_setting(field, _text_to_read(query[name], settings[field]))
            except InputError:
                unusable.append(name)
    return QuerySettings(settings, unusable)


def _value_to_text(value: object) -> str:
    if isinstance(value, tuple):
        return "-".join(map(str, value)) or "none"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _text_to_read(text: str, example: object) -> str:
    """Return a parameter's value as `parse_setting` takes it: layers "64-32" as "64,32", "none" as ""."""
    if len(text) > MAX_VALUE_LENGTH:
        return UNREADABLE
    if isinstance(example, tuple):
        return "" if text == "none" else ",".join(part or UNREADABLE for part in text.split("-"))
    return text
