"""The Train page's controls: built from the registries, filled by recipes, read as a TrainConfig."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from mnist_core.activations import ACTIVATIONS
from mnist_core.architectures import ARCHITECTURES
from mnist_core.augmentation import AUGMENTATIONS
from mnist_core.config import FIELD_RANGES, LOSSES, MAX_LAYERS, MONITORS, PRECISIONS, TrainConfig
from mnist_core.optimizers import OPTIMIZERS, SCHEDULES
from mnist_core.recipes import RECIPES
from mnist_core.scaling import INPUT_SCALINGS
from ui.setting_words import CHOICE_LABELS, HELPS, LABELS
from ui.translation import gettext as _

FORM_KEY = "form"  # the settings as they are; widgets' own values end with their page
FIRST_RECIPE = "quick"

STEPS: dict[str, Sequence[float]] = {
    "learning_rate": [float(f"{m}e-{e}") for e in range(5, -1, -1) for m in (1, 2, 5)] + [10.0],
    "batch_size": [1, 2, 5, 10, 15, 32, 50, 64, 100, 128, 200, 256, 500, 1000, 2000, 5000, 10_000, 60_000],
    "epochs": [*range(1, 21), 25, 30, 40, 50, 75, 100, 200, 500, 1000],
    "momentum": [0.0, 0.5, 0.8, 0.9, 0.95, 0.99],
    "weight_decay": [0.0, 1e-5, 1e-4, 5e-4, 1e-3, 5e-3, 0.01, 0.05, 0.1],
    "label_smoothing": [0.0, 0.05, 0.1, 0.2, 0.3],
    "dropout": [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8],
    "train_size": [100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 30_000, 55_000, 60_000],
    "validation_size": [0, 500, 1000, 2000, 5000, 10_000],
}
MOST_SHOWN = {"widths": 1024, "channels": 256}


def show_form() -> TrainConfig:
    """Show all controls; return the settings. Raises InputError for settings that can't go together."""
    _show_recipe()
    changes = st.container(horizontal=True, vertical_alignment="center")
    with st.container(border=True):
        _show_network()
        _steps("learning_rate")
        _steps("batch_size")
        _steps("epochs")
    with st.expander(_("All settings"), key="all_settings"):
        architecture = ARCHITECTURES[_form()["architecture"]]
        if architecture.stages and architecture.uses_widths:
            _layers("widths", 0, MAX_LAYERS)
        _show_optimization()
        _show_regularization()
        _show_data()
    with changes:
        _show_changes()
    return current_config()


def current_config() -> TrainConfig:
    """Return the settings of the form, under the recipe's name while they are the recipe's."""
    config = TrainConfig(**_form())
    as_written = RECIPES[config.recipe].config
    return config if config == as_written else replace(config, recipe="custom")


def fill(config: TrainConfig) -> None:
    """Put settings into the form."""
    recipe = config.recipe if config.recipe in RECIPES else _form()["recipe"]
    st.session_state[FORM_KEY] = {**vars(config), "recipe": recipe}
    for key in [key for key in st.session_state if str(key).startswith("set_")]:
        del st.session_state[key]


def _form() -> dict[str, Any]:
    return st.session_state.setdefault(FORM_KEY, vars(RECIPES[FIRST_RECIPE].config).copy())


def _show_recipe() -> None:
    labels = {name: _(recipe.label) for name, recipe in RECIPES.items()}
    key = _seeded("recipe")
    st.selectbox(
        _("Start from a recipe"), list(labels), format_func=labels.get, key=key, on_change=_take_recipe
    )
    recipe = RECIPES[_form()["recipe"]]
    st.caption(_(recipe.description))


def _show_changes() -> None:
    recipe = RECIPES[_form()["recipe"]]
    changed = [_(LABELS[name]) for name, value in vars(recipe.config).items() if _form()[name] != value]
    if changed:
        st.caption(_("Changed since: {settings}").format(settings=", ".join(changed)))
        st.button(_("Undo"), on_click=fill, args=(recipe.config,), type="tertiary")


def _take_recipe() -> None:
    fill(RECIPES[st.session_state["set_recipe"]].config)


def _show_network() -> None:
    _choose("architecture", ARCHITECTURES)
    architecture = ARCHITECTURES[_form()["architecture"]]
    if architecture.stages:
        _layers("channels", *architecture.stages)
    elif architecture.uses_widths:
        _layers("widths", 0, MAX_LAYERS)
    _choose("activation", ACTIVATIONS, disabled=_form()["architecture"] == "softmax")


def _show_optimization() -> None:
    st.markdown("**" + _("How it learns") + "**")
    _choose("optimizer", OPTIMIZERS)
    _steps("momentum", disabled=not OPTIMIZERS[_form()["optimizer"]].uses_momentum)
    _steps("weight_decay")
    _choose("schedule", SCHEDULES)
    _choose("loss", LOSSES)
    _toggle("shuffle")


def _show_regularization() -> None:
    st.markdown("**" + _("Against overfitting") + "**")
    _steps("dropout")
    _toggle("batch_norm", refused=_form()["batch_size"] == 1)
    _steps("label_smoothing", refused=_form()["loss"] == "nll")
    _choose("augmentation", AUGMENTATIONS)


def _show_data() -> None:
    st.markdown("**" + _("Images and machine") + "**")
    _choose("input_scaling", INPUT_SCALINGS)
    _steps("train_size")
    _choose("monitor", MONITORS)
    _steps("validation_size", least=1 if _form()["monitor"] == "validation" else 0)
    _choose("precision", PRECISIONS)
    low, high = FIELD_RANGES["seed"]
    label = LABELS["seed"]
    _keep(
        "seed",
        st.number_input(_(label), int(low), int(high), key=_seeded("seed"), help=_help("seed")),
    )


def _choose(field: str, entries: Mapping[str, Any], disabled: bool = False) -> None:
    """A select box over a registry, with the chosen entry's description under it."""
    labels = {
        name: _(getattr(entry, "label", CHOICE_LABELS.get(name, name))) for name, entry in entries.items()
    }
    descriptions = {name: _(getattr(entry, "description", entry)) for name, entry in entries.items()}
    everything = "\n".join(f"- **{labels[name]}**: {text}" for name, text in descriptions.items())
    chosen = st.selectbox(
        _(LABELS[field]),
        list(labels),
        format_func=labels.get,
        key=_seeded(field),
        help=everything,
        disabled=disabled,
    )
    _keep(field, chosen)


def _steps(field: str, least: float = 0, disabled: bool = False, refused: bool = False) -> None:
    """A slider over sensible values, and the present one if it is another; `refused` sets it to 0."""
    if refused:
        _keep(field, 0.0)
        st.session_state[f"set_{field}"] = 0.0
    if _form()[field] < least:
        _keep(field, next(step for step in STEPS[field] if step >= least))
        st.session_state.pop(f"set_{field}", None)
    values = sorted({*(step for step in STEPS[field] if step >= least), _form()[field]})
    chosen = st.select_slider(
        _(LABELS[field]),
        values,
        format_func=number_text,
        key=_seeded(field),
        help=_help(field),
        disabled=disabled or refused,
    )
    _keep(field, chosen)


def _toggle(field: str, refused: bool = False) -> None:
    if refused:
        st.session_state[f"set_{field}"] = False
    _keep(field, st.toggle(_(LABELS[field]), key=_seeded(field), help=_help(field), disabled=refused))


def _layers(field: str, fewest: int, most: int) -> None:
    """How many layers, and a number for each."""
    sizes = list(_form()[field])
    count_key = f"set_{field}_count"
    st.session_state.setdefault(count_key, len(sizes))
    st.session_state[count_key] = min(max(st.session_state[count_key], fewest), most)
    count = st.slider(_(LABELS[field]), fewest, most, key=count_key, help=_help(field))
    last = sizes[-1] if sizes else 64
    sizes = (sizes + [last] * count)[:count]
    with st.container(horizontal=True, gap="small"):
        for place, size in enumerate(sizes):
            key = f"set_{field}_{place}"
            st.session_state.setdefault(key, size)
            label = _("Layer {number}").format(number=place + 1)
            high = max(MOST_SHOWN[field], size)
            sizes[place] = st.number_input(label, 1, high, step=8, key=key, width=90)
    _keep(field, tuple(sizes))


def _keep(field: str, value: Any) -> None:
    _form()[field] = value


def _seeded(field: str) -> str:
    """Return the key of a field's widget, which begins with the form's value."""
    st.session_state.setdefault(f"set_{field}", _form()[field])
    return f"set_{field}"


def _help(field: str) -> str | None:
    return _(HELPS[field]) if field in HELPS else None


def number_text(value: float) -> str:
    """Return a number as people write it: 0.0005, 1,000."""
    return f"{value:,}" if isinstance(value, int) else f"{value:.6f}".rstrip("0").rstrip(".")
