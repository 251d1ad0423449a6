"""The settings of the Train form: read from and written to the URL.

Each control's callback writes both before the page is drawn: so its links carry what the form shows, and what
the settings amount to can be shown before the controls, which take longer.
"""

from collections.abc import Container, Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from mnist_core.choices import ARCHITECTURES
from mnist_core.config import TrainConfig, parse_setting
from mnist_core.messages import InputError
from mnist_core.recipes import RECIPES
from mnist_core.runs.run import PRETRAINED_ID
from ui import resources
from ui.fragments import rerun_fragments
from ui.i18n import language
from ui.url_state import PARAMETERS, current_run, set_url_parameters, url_parameters

PLAN, FORM, NETWORK, COURSE, LINKS = "plan", "form", "network", "course", "links"
"""The fragments that a setting concerns: links carry it to other pages."""
FORM_KEY = "form"  # the settings as they are; widgets' own values end with their page
URL_KEY = "form_url"  # the form's part of the URL as last read or written
SHOWN_IN_KEY = "form_language"  # the language that the controls were last shown in
UNUSABLE_KEY = "form_unusable"  # parameters of the link that could not be used
MENDED_KEY = "form_mended"  # settings that became others for the rest's sake, since the last change
FIRST_RECIPE = "quick"
FIRST_WIDTH = 64
LEAST_MOMENTUM = 0.5  # that Nesterov's gets, which can't do without
LEAST_VALIDATION = 500


def read_form() -> TrainConfig:
    """Return the settings, under the recipe's name while they are the recipe's.

    Raises InputError for settings that can't go together.
    """
    _follow_url()
    _follow_language()
    mends = adjusted_settings(settings())
    if mends:
        st.session_state[MENDED_KEY] = list(mends)
    for field, value in mends.items():
        set_setting(field, value)
        st.session_state.pop(f"set_{field}", None)
        st.session_state.pop(f"set_{field}_count", None)
    config = TrainConfig(**settings())
    as_written = RECIPES[config.recipe].config
    return config if config == as_written else replace(config, recipe="custom")


def adjusted_settings(form: Mapping[str, Any]) -> dict[str, Any]:
    """Return what must be another for the other settings' sake; its controls then offer nothing else."""
    validates = form["monitor"] == "validation"
    mends = {
        "momentum": max(form["momentum"], LEAST_MOMENTUM) if form["optimizer"] == "nesterov" else None,
        "batch_norm": False if form["batch_size"] == 1 else None,
        "label_smoothing": 0.0 if form["loss"] == "nll" else None,
        "validation_size": (form["validation_size"] or LEAST_VALIDATION) if validates else None,
    }
    if stages := ARCHITECTURES[form["architecture"]].stages:
        fewest, most = stages
        mends["channels"] = resized(form["channels"], min(max(len(form["channels"]), fewest), most))
    return {field: value for field, value in mends.items() if value is not None and value != form[field]}


def fill_form(config: TrainConfig) -> None:
    """Put settings into the form and the URL."""
    recipe = config.recipe if config.recipe in RECIPES else settings()["recipe"]
    _set_form({**vars(config), "recipe": recipe})
    _write_url()


def settings() -> dict[str, Any]:
    """Return the form's settings, at first the current run's or a recipe's; `set_setting` changes them."""
    if FORM_KEY not in st.session_state:
        st.session_state[FORM_KEY] = _first_settings()
    return st.session_state[FORM_KEY]


def unusable() -> list[str]:
    """Return the names of the parameters of the link that could not be used."""
    return st.session_state.get(UNUSABLE_KEY, [])


def adjusted_fields() -> list[str]:
    """Return the settings that became others for the rest's sake, until the next change."""
    return st.session_state.get(MENDED_KEY, [])


def show_change() -> None:
    """End a callback that changed the form: have that shown, first what the settings amount to."""
    rerun_fragments(PLAN, FORM, NETWORK, *([COURSE] if current_run() else []), LINKS)


def _first_settings() -> dict[str, Any]:
    run = None if current_run() == PRETRAINED_ID else resources.find_run(current_run())
    if run is None:
        return vars(RECIPES[FIRST_RECIPE].config).copy()
    return {**vars(run.config), "recipe": nearest_recipe(run.config)}


def nearest_recipe(config: TrainConfig) -> str:
    """Return the name of the recipe that the settings are of, or else the one they differ from least."""

    def differences(name: str) -> int:
        return sum(getattr(config, field) != value for field, value in vars(RECIPES[name].config).items())

    return config.recipe if config.recipe in RECIPES else min(RECIPES, key=differences)


def _set_form(form: dict[str, Any]) -> None:
    st.session_state[FORM_KEY] = form
    for key in [key for key in st.session_state if str(key).startswith("set_")]:
        del st.session_state[key]


def _follow_url() -> None:
    """Take over what a link, Back or Forward brought; a URL without settings has the first ones."""
    query = in_query(url_parameters())
    if query != st.session_state.get(URL_KEY, {}):
        form, unusable = from_query(query, FIRST_RECIPE) if query else (_first_settings(), [])
        _set_form(form)
        _remember(query, unusable)


def _follow_language() -> None:
    """Begin the controls anew in another language: the browser knows a choice by what it reads."""
    if st.session_state.get(SHOWN_IN_KEY) != language():
        st.session_state[SHOWN_IN_KEY] = language()
        _set_form(settings())


def _write_url() -> None:
    query = to_query(settings())
    set_url_parameters(query)
    _remember(query, [])


def _remember(query: dict[str, str], unusable: list[str]) -> None:
    st.session_state[URL_KEY], st.session_state[UNUSABLE_KEY] = query, unusable
    st.session_state.pop(MENDED_KEY, None)


def set_setting(field: str, value: Any) -> None:
    """Set one setting."""
    settings()[field] = value


def take_widget_value(field: str, options: Container[Any] | None = None) -> None:
    """Take over what a field's control was set to; not a choice in the words of another language.

    A control that was just replaced, by a recipe or a language, has nothing to say any more.
    """
    chosen = st.session_state.get(f"set_{field}", settings()[field])
    if options is None or chosen in options:
        set_setting(field, chosen)
        _write_url()
    show_change()


def take_layer_widgets(field: str) -> None:
    """Take over how many layers were asked for, and their sizes."""
    sizes = settings()[field]
    sizes = resized(sizes, st.session_state.get(f"set_{field}_count", len(sizes)))
    set_setting(field, tuple(st.session_state.get(f"set_{field}_{i}", size) for i, size in enumerate(sizes)))
    _write_url()
    show_change()


def resized(sizes: tuple[int, ...], count: int) -> tuple[int, ...]:
    """Return the sizes of `count` layers: those there are, and new ones like the last."""
    last = sizes[-1] if sizes else FIRST_WIDTH
    return (*sizes, *[last] * count)[:count]


LONGEST = 200  # characters of a value that is worth reading


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
                form[field] = parse_setting(field, _readable(query[name], form[field]))
            except InputError:
                unusable.append(name)
    return form, unusable


def _written(value: object) -> str:
    if isinstance(value, tuple):
        return "-".join(map(str, value)) or "none"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _readable(text: str, example: object) -> str:
    """Return what `parse_setting` takes; the hidden layers "64-32" of a link are its "64,32"."""
    if len(text) > LONGEST:
        return "too long"
    if isinstance(example, tuple):
        return "" if text == "none" else ",".join(part or "?" for part in text.split("-"))
    return text
