"""The controls of the Train form, built from the choices."""

import math
from collections.abc import Container, Mapping
from typing import Any

import streamlit as st

from mnist_core.choices import (
    ACTIVATIONS,
    ARCHITECTURES,
    AUGMENTATIONS,
    INITIALIZATIONS,
    INPUT_SCALINGS,
    LOSSES,
    MONITORS,
    OPTIMIZERS,
    PRECISIONS,
    SCHEDULES,
)
from mnist_core.config import FIELD_RANGES, MAX_LAYERS
from mnist_core.dataset_choices import DATASETS
from mnist_core.recipes import RECIPES
from ui.class_names import datasets_to_choose
from ui.i18n import gettext as _
from ui.i18n import list_text, ngettext, number_text
from ui.navigation import chapter_help
from ui.number_fields import TypedNumber, show_number_field, show_refusal
from ui.train_form.setting_labels import (
    CHAPTER_OF_SETTING,
    CHOICE_LABELS,
    HELPS,
    LABELS,
    slider_values,
)
from ui.train_form.state import (
    MIN_NESTEROV_MOMENTUM,
    TrainForm,
    change_settings,
    choose_value,
    control_key,
    fill_form,
    note_form_shown,
    read_form,
    rerun_form_fragments,
    resized_layers,
    setting_range,
    show_missing_dataset,
    type_value,
    usual_rate,
    value_before_fill,
)
from ui.url_controls import set_widget_value
from ui.url_state import DATASET_KEY

ALL_SETTINGS_KEY = "all_settings"
UNUSUAL_FACTOR = 9.9  # times the usual learning rate, or its inverse, from which on there is a warning


def show_form(form: TrainForm) -> None:
    """Show the controls, and what the visitor must know of the settings: unusable, adjusted, changed."""
    _show_unusable(form)
    _show_recipe(form)
    changes = st.container(horizontal=True, vertical_alignment="center")
    with st.container(border=True):
        _show_network(form)
        _slider(form, "learning_rate")
        _show_rate_warning(form)
        _slider(form, "batch_size")
        _slider(form, "epochs")
    _show_all_settings(form)
    with changes:
        _show_changes(form)
    note_form_shown()


def _show_unusable(form: TrainForm) -> None:
    show_missing_dataset(_("The form has MNIST instead; choose another data set among all settings."))
    if names := [name for name in form.unusable if name != DATASET_KEY]:
        text = ngettext(
            "The link's value of {settings} is invalid; the recipe's own value is used instead.",
            "The link's values of {settings} are invalid; the recipe's own values are used instead.",
            len(names),
        )
        st.warning(text.format(settings=list_text(f"`{name}`" for name in names)))


def _show_recipe(form: TrainForm) -> None:
    labels = {name: _(recipe.title) for name, recipe in RECIPES.items()}
    chosen = form.settings["recipe"]
    st.pills(
        _("Start from a recipe"),
        list(labels),
        default=chosen,
        format_func=labels.get,
        key=_widget_key("recipe", chosen, labels),
        required=True,
        on_change=_take_recipe,
    )
    description = _(RECIPES[chosen].description)
    changed = changed_settings(form)
    st.caption(_("Before your changes: {recipe}").format(recipe=description) if changed else description)


def _take_recipe() -> None:
    """Fill the form from another recipe; a label in another language changes nothing."""
    chosen = st.session_state[control_key("recipe")]
    if chosen in RECIPES and chosen != read_form().settings["recipe"]:
        fill_form(RECIPES[chosen].config.on_dataset(read_form().settings["dataset"]))
    rerun_form_fragments()


def _show_changes(form: TrainForm) -> None:
    """Name the settings that were adjusted, and those that differ from the recipe's."""
    changed = changed_settings(form)
    if form.adjusted:
        text = _("Adjusted to match the other settings: {settings}.")
        st.caption(text.format(settings=_labels_text(form.adjusted)))
    if changed:
        st.caption(_("Changed from the recipe: {settings}").format(settings=_labels_text(changed)))
        st.button(_("Undo"), icon=":material/undo:", on_click=_restore_recipe)


def changed_settings(form: TrainForm) -> list[str]:
    """Return the settings that differ from the recipe's."""
    recipe = RECIPES[form.settings["recipe"]].config.on_dataset(form.settings["dataset"])
    return [field for field, value in vars(recipe).items() if form.settings[field] != value]


def _labels_text(fields: list[str]) -> str:
    return list_text(_(LABELS[field]) for field in fields)


def _restore_recipe() -> None:
    settings = read_form().settings
    fill_form(RECIPES[settings["recipe"]].config.on_dataset(settings["dataset"]))
    rerun_form_fragments()


def _show_all_settings(form: TrainForm) -> None:
    """Show the rarely changed settings when their expander is open: each control costs the browser 3 ms."""
    label = _("All settings (hyperparameters)")
    set_widget_value(ALL_SETTINGS_KEY, st.session_state.get(ALL_SETTINGS_KEY, False), label)
    expander = st.expander(label, key=ALL_SETTINGS_KEY, on_change="rerun")
    if expander.open:
        with expander:
            for field in _layer_fields(form)[1:]:
                _show_layers(form, field)
            _show_optimization(form)
            _show_regularization(form)
            _show_data(form)


def _show_network(form: TrainForm) -> None:
    _select(form, "architecture", ARCHITECTURES)
    for field in _layer_fields(form)[:1]:
        _show_layers(form, field)
    _select(form, "activation", ACTIVATIONS, disabled=form.settings["architecture"] == "softmax")


def _show_rate_warning(form: TrainForm) -> None:
    """Warn of a learning rate that is far from the optimizer's usual one."""
    optimizer, rate = form.settings["optimizer"], form.settings["learning_rate"]
    usual = usual_rate(optimizer, RECIPES[form.settings["recipe"]].config)
    if not usual / UNUSUAL_FACTOR < rate < usual * UNUSUAL_FACTOR:
        text = _("Unusual learning rate: {optimizer} usually takes about {usual}.")
        label = _(OPTIMIZERS[optimizer].label)
        st.caption(":material/warning: " + text.format(optimizer=label, usual=number_text(usual)))


def _layer_fields(form: TrainForm) -> list[str]:
    """Return the settings of layers that the network has; all but the first are among all settings."""
    architecture = ARCHITECTURES[form.settings["architecture"]]
    return ["channels"] * bool(architecture.stages) + ["widths"] * architecture.uses_widths


def _show_optimization(form: TrainForm) -> None:
    st.markdown("**" + _("Optimization") + "**")
    _select(form, "optimizer", OPTIMIZERS)
    optimizer = form.settings["optimizer"]
    lowest = MIN_NESTEROV_MOMENTUM if optimizer == "nesterov" else 0
    _slider(form, "momentum", lowest, disabled=not OPTIMIZERS[optimizer].uses_momentum)
    _slider(form, "weight_decay")
    _slider(form, "gradient_clipping")
    _select(form, "schedule", SCHEDULES)
    _select(form, "loss", LOSSES)
    _select(form, "initialization", INITIALIZATIONS)
    _toggle(form, "shuffle")


def _show_regularization(form: TrainForm) -> None:
    st.markdown("**" + _("Regularization") + "**")
    _slider(form, "dropout")
    _toggle(form, "batch_norm", disabled=form.settings["batch_size"] == 1)
    _slider(form, "label_smoothing", disabled=form.settings["loss"] == "nll")
    _select(form, "augmentation", AUGMENTATIONS)


def _show_data(form: TrainForm) -> None:
    st.markdown("**" + _("Data and hardware") + "**")
    _select(form, "dataset", {key: DATASETS[key] for key in datasets_to_choose(form.settings["dataset"])})
    _select(form, "input_scaling", INPUT_SCALINGS)
    _slider(form, "train_size", highest=DATASETS[form.settings["dataset"]].images[0])
    _slider(form, "written_share", disabled=not DATASETS[form.settings["dataset"]].digits)
    _select(form, "monitor", MONITORS)
    _slider(form, "validation_size", lowest=1 if form.settings["monitor"] == "validation" else 0)
    _select(form, "precision", PRECISIONS)
    _seed_input(form)


def _select(form: TrainForm, field: str, entries: Mapping[str, Any], disabled: bool = False) -> None:
    """Show a select box over a registry, the chosen entry's description, and help on all entries."""
    labels = {
        name: _(getattr(entry, "label", CHOICE_LABELS.get(name, name))) for name, entry in entries.items()
    }
    descriptions = {name: _(getattr(entry, "description", entry)) for name, entry in entries.items()}
    chosen = form.settings[field]
    st.selectbox(
        _(LABELS[field]),
        list(labels),
        index=list(labels).index(chosen),
        format_func=labels.get,
        key=_widget_key(field, chosen, labels),
        help=_help(field, "\n".join(f"- **{labels[name]}**: {text}" for name, text in descriptions.items())),
        disabled=disabled,
        on_change=_take_value,
        args=(field, list(labels)),
    )
    if not disabled:
        source = getattr(entries[chosen], "source", "")
        st.caption(f"{descriptions[chosen]} {source}".strip())


def _slider(
    form: TrainForm, field: str, lowest: float = 0, disabled: bool = False, highest: float = math.inf
) -> None:
    """Show a slider over the values of `slider_values`, and a field in which any value can be typed."""
    value = form.settings[field]
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"number_{field}"):
        st.select_slider(
            _(LABELS[field]),
            slider_values(field, value, lowest, highest),
            value=value,
            format_func=number_text,
            key=_widget_key(field, value),
            help=_help(field),
            disabled=disabled,
            on_change=_take_value,
            args=(field,),
        )
        show_number_field(number := _typed_number(field, lowest), disabled)
    show_refusal(number)


def _typed_number(field: str, lowest: float) -> TypedNumber:
    return TypedNumber(
        control_key(field),
        _(LABELS[field]),
        *setting_range(field, lowest),
        lambda: read_form().settings[field],
        lambda value: type_value(field, value),
        rerun_form_fragments,
    )


def _toggle(form: TrainForm, field: str, disabled: bool = False) -> None:
    value = form.settings[field]
    st.toggle(
        _(LABELS[field]),
        value=value,
        key=_widget_key(field, value),
        help=_help(field),
        disabled=disabled,
        on_change=_take_value,
        args=(field,),
    )


def _seed_input(form: TrainForm) -> None:
    low, high = FIELD_RANGES["seed"]
    label, value = LABELS["seed"], form.settings["seed"]
    st.number_input(
        _(label),
        int(low),
        int(high),
        value=value,
        key=_widget_key("seed", value),
        help=_help("seed"),
        on_change=_take_value,
        args=("seed",),
    )


def _take_value(field: str, options: Container[Any] | None = None) -> None:
    """Write a control's new value to the URL; a late value, or one in another language, changes nothing."""
    chosen = st.session_state[control_key(field)]
    if chosen != value_before_fill(field) and (options is None or chosen in options):
        choose_value(field, chosen)
    rerun_form_fragments()


def _show_layers(form: TrainForm, field: str) -> None:
    """Show a slider for the number of layers, and a number field for the size of each."""
    sizes = form.settings[field]
    stages = ARCHITECTURES[form.settings["architecture"]].stages
    fewest, most = stages if stages and field == "channels" else (0, MAX_LAYERS)
    st.slider(
        _(LABELS[field]),
        fewest,
        most,
        len(sizes),
        key=_widget_key(f"{field}_count", len(sizes)),
        help=_help(field),
        on_change=_take_layer_count,
        args=(field,),
    )
    with st.container(horizontal=True, gap="small"):
        for index, size in enumerate(sizes):
            st.number_input(
                _("Layer {number}").format(number=index + 1),
                1,
                int(FIELD_RANGES[field][1]),
                size,
                step=8,
                key=_widget_key(f"{field}_{index}", size),
                width=90,
                on_change=_take_layer_size,
                args=(field, index),
            )


def _take_layer_count(field: str) -> None:
    """Write the number of layers to the URL."""
    count, form, before = (
        st.session_state[control_key(f"{field}_count")],
        read_form(),
        value_before_fill(field),
    )
    if _has_layers(form, field) and (before is None or len(before) != count):
        change_settings(**{field: resized_layers(form.settings[field], count)})
    rerun_form_fragments()


def _take_layer_size(field: str, index: int) -> None:
    """Write a layer's new size to the URL."""
    size, form = st.session_state[control_key(f"{field}_{index}")], read_form()
    before = value_before_fill(field) or ()
    if _has_layers(form, field, index) and before[index : index + 1] != (size,):
        sizes = form.settings[field]
        change_settings(**{field: (*sizes[:index], size, *sizes[index + 1 :])})
    rerun_form_fragments()


def _has_layers(form: TrainForm, field: str, index: int = -1) -> bool:
    """Return whether a layer's control is on the page: the browser still sends the values of removed ones."""
    fields = _layer_fields(form)
    if not st.session_state.get(ALL_SETTINGS_KEY):
        fields = fields[:1]
    return field in fields and index < len(form.settings[field])


def _widget_key(name: str, value: Any, labels: Mapping[str, str] | None = None) -> str:
    """Return the key of a setting's control, and have it show `value`; `labels` are its choices in words."""
    key = control_key(name)
    set_widget_value(key, value, tuple(labels.items()) if labels else None)
    return key


def _help(field: str, text: str = "") -> str | None:
    """Return a setting's help, `text` after it, and the link to the chapter of Learn that explains it."""
    parts = [_(HELPS[field]) if field in HELPS else "", text]
    parts.append(chapter_help(CHAPTER_OF_SETTING[field]) if field in CHAPTER_OF_SETTING else "")
    return "\n\n".join(filter(None, parts)) or None
