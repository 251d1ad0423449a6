"""The Train form as readable URL parameters.

All settings are written, not only those that differ from the recipe, so that a link keeps its meaning when a
recipe changes. What a link leaves out is as its recipe has it now.
"""

from collections.abc import Mapping
from typing import Any

from mnist_core.config import TrainConfig, read_setting
from mnist_core.messages import InputError
from mnist_core.recipes import RECIPES

LONGEST = 200  # characters of a value that is worth reading
OWN_NAMES = {"seed": "training_seed"}  # Explore has a `seed` too
PARAMETERS = {field: OWN_NAMES.get(field, field) for field in TrainConfig.__dataclass_fields__}


def in_query(query: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters of a URL that are the form's."""
    return {name: query[name] for name in PARAMETERS.values() if name in query}


def to_query(form: Mapping[str, Any]) -> dict[str, str]:
    """Return the form's settings as parameters; `from_query` reads them back."""
    return {name: _written(form[field]) for field, name in PARAMETERS.items()}


def from_query(query: Mapping[str, str], first_recipe: str) -> tuple[dict[str, Any], list[str]]:
    """Return the settings in a URL, and the names of the parameters that can't be used.

    What is missing or unusable is as in the recipe that the URL names, else in `first_recipe`.
    """
    recipe = query.get("recipe", first_recipe)
    unusable = [] if recipe in RECIPES else ["recipe"]
    form = vars(RECIPES[first_recipe if unusable else recipe].config).copy()
    form["recipe"] = first_recipe if unusable else recipe
    for field, name in PARAMETERS.items():
        if name in query and field != "recipe":
            try:
                form[field] = read_setting(field, _readable(query[name], form[field]))
            except InputError:
                unusable.append(name)
    return form, unusable


def _written(value: object) -> str:
    if isinstance(value, tuple):
        return "-".join(map(str, value)) or "none"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _readable(text: str, example: object) -> str:
    """Return what `read_setting` takes; the hidden layers "64-32" of a link are its "64,32"."""
    if len(text) > LONGEST:
        return "too long"
    if isinstance(example, tuple):
        return "" if text == "none" else ",".join(part or "?" for part in text.split("-"))
    return text
