"""The settings of the Train form: read from and written to the URL.

The URL is the only store; the controls show what is in it. A control's callback writes the URL and reruns the
fragments that a setting concerns. A URL without settings stands for the current run's settings or the first
recipe's, so it stays short until the first change.
"""

import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import streamlit as st

from mnist_core.choices import ARCHITECTURES, OPTIMIZERS
from mnist_core.config import FIELD_RANGES, TrainConfig, parse_setting
from mnist_core.dataset_choices import DATASETS, MNIST, is_here
from mnist_core.messages import InputError
from mnist_core.recipes import RECIPES
from mnist_core.runs.names import BROUGHT_BY_DATASET
from mnist_core.runs.run import PRETRAINED_ID, Run
from ui import resources
from ui.class_names import dataset_name
from ui.fragments import message_is_of_another_fragment, rerun_fragments
from ui.i18n import gettext as _
from ui.i18n import sentences_text
from ui.train_form.setting_labels import MIN_NESTEROV_MOMENTUM
from ui.url_state import (
    DATASET_KEY,
    SENT_KEY,
    SETTING_PARAMETERS,
    current_run,
    received_parameters,
    set_url_parameters,
    url_parameters,
)

# Keys of the fragments that show a setting; the links carry the settings to other pages.
SUMMARY, FORM, NETWORK = "training_summary", "train_form", "network"
START_TWO = "start_two_form"
FIRST_RECIPE = "quick"
FILLED_KEY = "form_filled"  # the session's last Fill
LATE_SECONDS = 5.0  # after the form was filled, in which a message with the old values may arrive
SURELY_LATE_SECONDS = 1.0  # in which a visitor can't undo a fill of one control by hand
DEFAULT_WIDTH = 64  # units or channels of a first layer
MAX_VALUE_LENGTH = 200  # characters; a longer value of a parameter is unusable
UNREADABLE = "?"  # a text that parse_setting refuses for every type of setting
DEFAULT_VALIDATION_SIZE = 500  # images, where validation images are monitored and none were held out


class TrainForm(NamedTuple):
    """What the form shows: the settings by field, those adjusted to the others, and unusable parameters."""

    settings: Mapping[str, Any]
    adjusted: list[str]
    unusable: list[str]

    def config(self) -> TrainConfig:
        """Return the settings; `recipe` is the one they began from, also when they differ from it.

        Raises InputError for settings that can't be combined.
        """
        return TrainConfig(**self.settings)


def read_form() -> TrainForm:
    """Return the form that the URL describes."""
    query = setting_parameters(url_parameters())
    if not query:
        run = None if current_run() == PRETRAINED_ID else resources.find_run(current_run())
        settings = settings_of_run(run)
        if is_here(settings["dataset"]):
            return form_from_settings(settings, [])
        return form_from_settings(
            vars(run.config.on_dataset(MNIST)) | {"recipe": settings["recipe"]}, [DATASET_KEY]
        )
    return form_from_settings(*settings_from_query(query, FIRST_RECIPE))


def show_missing_dataset(advice: str) -> None:
    """Say that the form's data set is not here, and what is instead or to do: the `advice`.

    A set of a link that was deleted and one that never was get the same words: who guesses learns nothing.
    """
    if DATASET_KEY not in read_form().unusable:
        return
    gone = _("The data set of this link is not on this server: it was deleted, or it never was here.")
    run = resources.find_run(current_run())
    if run and DATASET_KEY not in url_parameters():
        name = dataset_name(run.config.dataset)
        gone = _("The images of the data set {name}, which this network learned, were deleted.").format(
            name=name
        )
    st.warning(sentences_text([gone, advice]))


def show_missing_dataset_of_link() -> None:
    """Say it on a page that shows what a network learned, whatever data set the link names."""
    if {DATASET_KEY, SENT_KEY} & url_parameters().keys():
        show_missing_dataset(_("The network can be used all the same."))


def form_from_settings(settings: Mapping[str, Any], unusable: list[str]) -> TrainForm:
    """Return the form for settings, each of them valid by itself."""
    adjusted = adjusted_settings(settings)
    return TrainForm({**settings, **adjusted}, list(adjusted), unusable)


def settings_of_run(run: Run | None) -> dict[str, Any]:
    """Return the settings of a run and the recipe it began from; without a run, those of FIRST_RECIPE."""
    config = run.config if run else RECIPES[FIRST_RECIPE].config
    return {**vars(config), "recipe": nearest_recipe(config)}


def adjusted_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return new values for the settings that can't be combined with the others."""
    adjusted: dict[str, Any] = {}
    if settings["optimizer"] == "nesterov":
        adjusted["momentum"] = max(settings["momentum"], MIN_NESTEROV_MOMENTUM)
    if not DATASETS[settings["dataset"]].digits:
        adjusted["written_share"] = 0.0
    if settings["batch_size"] == 1:
        adjusted["batch_norm"] = False
    if settings["loss"] == "nll":
        adjusted["label_smoothing"] = 0.0
    if settings["monitor"] == "validation":
        adjusted["validation_size"] = settings["validation_size"] or DEFAULT_VALIDATION_SIZE
    if stages := ARCHITECTURES[settings["architecture"]].stages:
        fewest, most = stages
        count = min(max(len(settings["channels"]), fewest), most)
        adjusted["channels"] = resized_layers(settings["channels"], count)
    return {field: value for field, value in adjusted.items() if value != settings[field]}


def resized_layers(sizes: tuple[int, ...], count: int) -> tuple[int, ...]:
    """Return the sizes of `count` layers: the given ones, then copies of the last."""
    last = sizes[-1] if sizes else DEFAULT_WIDTH
    return (*sizes, *[last] * count)[:count]


def nearest_recipe(config: TrainConfig) -> str:
    """Return the name of the config's recipe, else of the recipe with the fewest different settings.

    Runs of version 0.1 with settings of their own don't say which recipe they began from.
    """

    def differences(name: str) -> int:
        return sum(getattr(config, field) != value for field, value in vars(RECIPES[name].config).items())

    return config.recipe if config.recipe in RECIPES else min(RECIPES, key=differences)


def change_settings(**changes: Any) -> None:
    """Write all settings with `changes` to the URL, so that a link stays valid when recipes change."""
    set_url_parameters({DATASET_KEY: None} | settings_to_query({**read_form().settings, **changes}))


def choose_value(field: str, value: Any) -> None:
    """Write a setting and those that follow it to the URL."""
    following = following_settings(field, value, read_form().settings)
    if following:
        _fill(following, {field: value})
    else:
        change_settings(**{field: value})


def following_settings(field: str, value: Any, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that change with a new `value` of `field`.

    A data set brings its numbers of images, an architecture its own layers and batch norm, an optimizer its
    usual learning rate if the rate was the usual one before.
    """
    recipe = RECIPES[settings["recipe"]].config
    if field == "dataset":
        brought = recipe.on_dataset(value)
        return {name: getattr(brought, name) for name in BROUGHT_BY_DATASET}
    if field == "architecture":
        entry = ARCHITECTURES[value]
        if value == recipe.architecture:
            return {name: getattr(recipe, name) for name in ("widths", "channels", "batch_norm")}
        used = ["batch_norm"] + ["widths"] * entry.uses_widths + ["channels"] * bool(entry.stages)
        return {name: getattr(entry, name) for name in used}
    if field == "optimizer" and settings["learning_rate"] == usual_rate(settings["optimizer"], recipe):
        return {"learning_rate": usual_rate(value, recipe)}
    return {}


def usual_rate(optimizer: str, recipe: TrainConfig) -> float:
    """Return an optimizer's usual learning rate: the recipe's for its own optimizer, else the default."""
    return recipe.learning_rate if optimizer == recipe.optimizer else OPTIMIZERS[optimizer].learning_rate


def setting_range(field: str, lowest: float = 0) -> tuple[float, float]:
    """Return the least and the greatest value of a setting, the least at least `lowest`."""
    low, high = FIELD_RANGES[field]
    if field == "train_size":
        high = DATASETS[read_form().settings["dataset"]].images[0]
    return max(low, lowest), high


def type_value(field: str, value: Any) -> None:
    """Write a typed setting to the URL; its slider still shows the old value."""
    _fill({field: value})


def fill_form(config: TrainConfig) -> None:
    """Write a config's settings to the URL; settings of no recipe are compared with the present recipe."""
    recipe = config.recipe if config.recipe in RECIPES else read_form().settings["recipe"]
    _fill({**vars(config), "recipe": recipe})


def _fill(changes: Mapping[str, Any], chosen: Mapping[str, Any] | None = None) -> None:
    """Write settings to the URL whose controls still show other values, and those `chosen` by a control."""
    before = read_form().settings
    change_settings(**changes, **(chosen or {}))
    st.session_state[FILLED_KEY] = Fill({name: before[name] for name in changes})


def note_form_shown() -> None:
    """Note that the filled values were sent to the browser."""
    fill = st.session_state.get(FILLED_KEY)
    if fill and fill.shown is None:
        st.session_state[FILLED_KEY] = fill._replace(shown=time.monotonic())


def value_before_fill(field: str) -> Any:
    """Return a setting's value before the last `_fill` if the browser still shows it, else None.

    Messages on their way at that time, such as those of a `run_every` fragment, carry the controls' values
    from before. Streamlit calls the controls' callbacks for them, though the visitor has changed none. The
    fragment or the old URL of such a message tells it; the times are for those that have neither.
    """
    before, shown_at = st.session_state.get(FILLED_KEY, Fill({}))
    if message_is_of_another_fragment() or _message_has_old_settings():
        return before.get(field)
    seconds = 0.0 if shown_at is None else time.monotonic() - shown_at
    if seconds > LATE_SECONDS:
        return None
    settings = read_form().settings
    filled = [name for name, value in before.items() if value != settings[name] and name != "recipe"]
    shown = [name for name in filled if control_key(name) in st.session_state]
    stale = [name for name in shown if st.session_state[control_key(name)] == before[name]]
    if len(stale) > 1:  # a visitor changes one control at a time; the browser may have a part of the new form
        return before.get(field)
    if any(st.session_state[control_key(name)] == settings[name] for name in shown):
        return None
    return before.get(field) if seconds < SURELY_LATE_SECONDS else None


def _message_has_old_settings() -> bool:
    """Return whether the browser sent its message before it received the settings now in the URL."""
    return setting_parameters(received_parameters()) != setting_parameters(url_parameters())


def control_key(name: str) -> str:
    """Return the key of a setting's control, or of one of several by its own name."""
    return f"set_{name}"


def rerun_form_fragments() -> None:
    """End a callback that changed settings: rerun the fragments that show them, the summary first."""
    rerun_fragments(SUMMARY, FORM, START_TWO, NETWORK)


class Fill(NamedTuple):
    """The filled settings with their old values, and the time at which the form showed the new ones."""

    before: dict[str, Any]
    shown: float | None = None  # time.monotonic(); a busy server takes a while


class QuerySettings(NamedTuple):
    """The settings in a URL, and the names of parameters with unusable values."""

    settings: dict[str, Any]
    unusable: list[str]


def setting_parameters(query: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters of a URL that are settings, each value cut off just above MAX_VALUE_LENGTH."""
    names = SETTING_PARAMETERS.values()
    return {name: query[name][: MAX_VALUE_LENGTH + 1] for name in names if name in query}


def settings_to_query(settings: Mapping[str, Any]) -> dict[str, str]:
    """Return settings as URL parameters; `settings_from_query` reads them back.

    MNIST goes without saying, so that links to it stay as they were.
    """
    query = {name: value_to_text(settings[field]) for field, name in SETTING_PARAMETERS.items()}
    return {name: text for name, text in query.items() if (name, text) != (DATASET_KEY, MNIST)}


def settings_from_query(query: Mapping[str, str], default_recipe: str) -> QuerySettings:
    """Return the settings in a URL.

    A missing or unusable parameter takes its value from the recipe that the URL names, else from
    `default_recipe`.
    """
    parameters = setting_parameters(query)
    # Not cached with the settings: it may be restored.
    gone = DATASET_KEY in parameters and not is_here(parameters[DATASET_KEY])
    settings, unusable = _parse(tuple(parameters.items()), default_recipe, gone)
    return QuerySettings(settings.copy(), unusable.copy())


@lru_cache(maxsize=256)  # a rerun reads the same query in several fragments; parsing takes 0.5 ms
def _parse(
    parameters: tuple[tuple[str, str], ...], default_recipe: str, without_dataset: bool
) -> QuerySettings:
    query = dict(parameters)
    recipe = query.pop("recipe", default_recipe)
    unusable = [] if recipe in RECIPES else ["recipe"]
    recipe = default_recipe if unusable else recipe
    if without_dataset:
        del query[DATASET_KEY]
        unusable.append(DATASET_KEY)
    began = RECIPES[recipe].config.on_dataset(query.get(DATASET_KEY, MNIST))
    settings = {**vars(began), "recipe": recipe}
    for field, name in SETTING_PARAMETERS.items():
        if name in query:
            try:
                settings[field] = parse_setting(field, _text_to_read(query[name], settings[field]))
            except InputError:
                unusable.append(name)
    return QuerySettings(settings, unusable)


def value_to_text(value: object) -> str:
    """Return a setting's value as it is written in the URL: layers "64-32", none as "none"."""
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
