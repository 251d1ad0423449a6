"""The controls of the Train form, built from the choices."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from mnist_core.choices import (
    ACTIVATIONS,
    ARCHITECTURES,
    AUGMENTATIONS,
    INPUT_SCALINGS,
    LOSSES,
    MONITORS,
    OPTIMIZERS,
    PRECISIONS,
    SCHEDULES,
)
from mnist_core.config import FIELD_RANGES, MAX_LAYERS, TrainConfig
from mnist_core.recipes import RECIPES
from ui.i18n import gettext as _
from ui.i18n import list_text
from ui.train_form.setting_labels import CHOICE_LABELS, HELPS, LABELS
from ui.train_form.state import (
    LEAST_MOMENTUM,
    adjusted_fields,
    fill_form,
    settings,
    show_change,
    take_layer_widgets,
    take_widget_value,
    unusable,
)
from ui.url_controls import set_widget_value

STEPS: dict[str, Sequence[float]] = {
    "learning_rate": [float(f"{m}e-{e}") for e in range(5, -1, -1) for m in (1, 2, 5)] + [10.0],
    "batch_size": [1, 2, 5, 10, 15, 32, 50, 64, 100, 128, 200, 256, 500, 1000, 2000, 5000, 10_000, 60_000],
    "epochs": [*range(1, 21), 25, 30, 40, 50, 75, 100, 200, 500, 1000],
    "momentum": [0.0, LEAST_MOMENTUM, 0.8, 0.9, 0.95, 0.99],
    "weight_decay": [0.0, 1e-5, 1e-4, 5e-4, 1e-3, 5e-3, 0.01, 0.05, 0.1],
    "label_smoothing": [0.0, 0.05, 0.1, 0.2, 0.3],
    "dropout": [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8],
    "train_size": [100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 30_000, 55_000, 60_000],
    "written_share": [0.0, 0.05, 0.1, 0.25, 0.5, 1.0],
    "validation_size": [0, 500, 1000, 2000, 5000, 10_000],
}
ALL_KEY = "all_settings"
MOST_SHOWN = {"widths": 1024, "channels": 256}


def show_form() -> None:
    """Show all controls, as `read_form` left the settings."""
    _show_unusable()
    _show_recipe()
    changes = st.container(horizontal=True, vertical_alignment="center")
    with st.container(border=True):
        _show_network()
        _steps("learning_rate")
        _steps("batch_size")
        _steps("epochs")
    _show_all_settings()
    with changes:
        _show_changes()


def _show_all_settings() -> None:
    """Show what only experts set, once it is asked for: a control takes the browser 3 ms."""
    label = _("All settings")
    set_widget_value(ALL_KEY, st.session_state.get(ALL_KEY, False), label)
    everything = st.expander(label, key=ALL_KEY, on_change="rerun")
    if everything.open:
        with everything:
            _show_layers_behind()
            _show_optimization()
            _show_regularization()
            _show_data()


def _show_unusable() -> None:
    if names := unusable():
        text = _("What the link says of {settings} can't be used; the recipe's own is shown instead.")
        st.warning(text.format(settings=", ".join(f"`{name}`" for name in names)))


def _show_recipe() -> None:
    labels = {name: _(recipe.label) for name, recipe in RECIPES.items()}
    chosen = settings()["recipe"]
    st.pills(
        _("Start from a recipe"),
        list(labels),
        default=chosen,
        format_func=labels.get,
        key=_seeded("recipe"),
        required=True,
        on_change=_take_recipe,
    )
    recipe = RECIPES[chosen]
    st.caption(_(recipe.description))


def _show_changes() -> None:
    recipe = RECIPES[settings()["recipe"]]
    changed = [_(LABELS[name]) for name, value in vars(recipe.config).items() if settings()[name] != value]
    if names := adjusted_fields():
        text = _("Changed to go with the other settings: {settings}.")
        st.caption(text.format(settings=list_text(_(LABELS[name]) for name in names)))
    if changed:
        st.caption(_("Changed since: {settings}").format(settings=list_text(changed)))
        st.button(_("Undo"), on_click=_undo, args=(recipe.config,), type="tertiary")


def _take_recipe() -> None:
    """Fill the form from another recipe; a browser that says the same again means no change by it."""
    chosen = st.session_state.get("set_recipe")
    if chosen in RECIPES and chosen != settings()["recipe"]:
        fill_form(RECIPES[chosen].config)
    show_change()


def _undo(config: TrainConfig) -> None:
    fill_form(config)
    show_change()


def _show_network() -> None:
    _choose("architecture", ARCHITECTURES)
    architecture = ARCHITECTURES[settings()["architecture"]]
    if architecture.stages:
        _layers("channels", *architecture.stages)
    elif architecture.uses_widths:
        _layers("widths", 0, MAX_LAYERS)
    _choose("activation", ACTIVATIONS, disabled=settings()["architecture"] == "softmax")


def _show_layers_behind() -> None:
    """Show the layers that follow the stages of a convolutional network."""
    architecture = ARCHITECTURES[settings()["architecture"]]
    if architecture.stages and architecture.uses_widths:
        _layers("widths", 0, MAX_LAYERS)


def _show_optimization() -> None:
    st.markdown("**" + _("How it learns") + "**")
    _choose("optimizer", OPTIMIZERS)
    optimizer = OPTIMIZERS[settings()["optimizer"]]
    least = LEAST_MOMENTUM if settings()["optimizer"] == "nesterov" else 0
    _steps("momentum", least, disabled=not optimizer.uses_momentum)
    _steps("weight_decay")
    _choose("schedule", SCHEDULES)
    _choose("loss", LOSSES)
    _toggle("shuffle")


def _show_regularization() -> None:
    st.markdown("**" + _("Against overfitting") + "**")
    _steps("dropout")
    _toggle("batch_norm", disabled=settings()["batch_size"] == 1)
    _steps("label_smoothing", disabled=settings()["loss"] == "nll")
    _choose("augmentation", AUGMENTATIONS)


def _show_data() -> None:
    st.markdown("**" + _("Images and machine") + "**")
    _choose("input_scaling", INPUT_SCALINGS)
    _steps("train_size")
    _steps("written_share")
    _choose("monitor", MONITORS)
    _steps("validation_size", least=1 if settings()["monitor"] == "validation" else 0)
    _choose("precision", PRECISIONS)
    low, high = FIELD_RANGES["seed"]
    label = LABELS["seed"]
    st.number_input(
        _(label),
        int(low),
        int(high),
        value=settings()["seed"],
        key=_seeded("seed"),
        help=_help("seed"),
        on_change=take_widget_value,
        args=("seed",),
    )


def _choose(field: str, entries: Mapping[str, Any], disabled: bool = False) -> None:
    """A select box over a registry, with the chosen entry's description under it."""
    labels = {
        name: _(getattr(entry, "label", CHOICE_LABELS.get(name, name))) for name, entry in entries.items()
    }
    descriptions = {name: _(getattr(entry, "description", entry)) for name, entry in entries.items()}
    everything = "\n".join(f"- **{labels[name]}**: {text}" for name, text in descriptions.items())
    st.selectbox(
        _(LABELS[field]),
        list(labels),
        index=list(labels).index(settings()[field]),
        format_func=labels.get,
        key=_seeded(field),
        help=everything,
        disabled=disabled,
        on_change=take_widget_value,
        args=(field, list(labels)),
    )


def _steps(field: str, least: float = 0, disabled: bool = False) -> None:
    """A slider over sensible values, and the present one if it is another."""
    values = sorted({*(step for step in STEPS[field] if step >= least), settings()[field]})
    st.select_slider(
        _(LABELS[field]),
        values,
        value=settings()[field],
        format_func=number_text,
        key=_seeded(field),
        help=_help(field),
        disabled=disabled,
        on_change=take_widget_value,
        args=(field,),
    )


def _toggle(field: str, disabled: bool = False) -> None:
    st.toggle(
        _(LABELS[field]),
        value=settings()[field],
        key=_seeded(field),
        help=_help(field),
        disabled=disabled,
        on_change=take_widget_value,
        args=(field,),
    )


def _layers(field: str, fewest: int, most: int) -> None:
    """How many layers, and a number for each."""
    sizes = settings()[field]
    st.session_state.setdefault(f"set_{field}_count", len(sizes))
    st.slider(
        _(LABELS[field]),
        fewest,
        most,
        len(sizes),
        key=f"set_{field}_count",
        help=_help(field),
        on_change=take_layer_widgets,
        args=(field,),
    )
    with st.container(horizontal=True, gap="small"):
        for place, size in enumerate(sizes):
            st.session_state.setdefault(f"set_{field}_{place}", size)
            label = _("Layer {number}").format(number=place + 1)
            high = max(MOST_SHOWN[field], size)
            st.number_input(
                label,
                1,
                high,
                size,
                step=8,
                key=f"set_{field}_{place}",
                width=90,
                on_change=take_layer_widgets,
                args=(field,),
            )


def _seeded(field: str) -> str:
    """Return the key of a field's widget, which begins with the form's value.

    It must also be the widget's default: of two runs in quick succession a browser may see only the second,
    which does not set the value again, and would begin with the first option.
    """
    st.session_state.setdefault(f"set_{field}", settings()[field])
    return f"set_{field}"


def _help(field: str) -> str | None:
    return _(HELPS[field]) if field in HELPS else None


def number_text(value: float) -> str:
    """Return a number as people write it: 0.0005, 1,000."""
    return f"{value:,}" if isinstance(value, int) else f"{value:.6f}".rstrip("0").rstrip(".")
