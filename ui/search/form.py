"""The form of a new search: its start, what it varies, how trials are chosen, rated and limited."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from mnist_core.choices import CHOICES
from mnist_core.config import TrainConfig
from mnist_core.data.mnist import split_images
from mnist_core.dataset_choices import DATASETS, MNIST
from mnist_core.messages import InputError
from mnist_core.recipes import RECIPES
from mnist_core.search.plan import AIMS, MOST_TRIALS, PRUNERS, SAMPLERS, SearchPlan, Way, searchable
from mnist_core.search.space import (
    PRESETS,
    SETTINGS,
    Dimension,
    NumberRange,
    Options,
    SearchSpace,
    applies,
    default_space,
    parse_dimension,
    preset_names,
)
from ui import resources
from ui.html.tables import markdown
from ui.i18n import count_text, language, ngettext, sentences_text
from ui.i18n import gettext as _
from ui.jobs import is_second_tap, note_start
from ui.search.words import label, setting_value_text
from ui.search.work import PROBLEM_KEY, STUDY_KEY, attempt, begin
from ui.train_form.state import read_form, setting_parameters, show_missing_dataset
from ui.url_controls import set_widget_value, url_choice, url_number, url_segments
from ui.url_state import set_url_parameters, url_parameters

BASE_KEY, PRESET_KEY, VARIED_KEY, RANGES_KEY = "base", "preset", "varied", "ranges"
OF_FORM, FIRST_BASE, OWN = "form", "tutorial-3", "own"
FEWEST_IMAGES, MOST_EPOCHS, MOST_MINUTES = 100, 100, 24 * 60
USUAL_EPOCHS, USUAL_IMAGES, USUAL_TRIALS = 3, 10_000, 20
FIELD_WIDTH, COUNT_WIDTH = 160, 200  # pixels


def show_form() -> None:
    """Show the form, and the button that begins the search or why it can't begin."""
    if problem := st.session_state.pop(PROBLEM_KEY, None):
        st.error(markdown(problem))
    try:
        base = _choose_base()
        space = _choose_space(base)
        plan = _choose_rest(base, space)
    except InputError as error:
        st.error(markdown(error.message))
        return
    st.caption(_amount_text(plan))
    reason = resources.why_not_on_cluster()
    if reason:
        st.caption(markdown(reason))
    pressed = st.button(
        _("Search on this server") if reason else _("Begin the search"),
        type="primary",
        icon=":material/play_arrow:",
        key="begin_search",
    )
    if pressed and not is_second_tap(plan):
        note_start(plan)
        with st.spinner(_("Starting the search")):  # the first loads Optuna, PyTorch and a cluster
            attempt(lambda: set_url_parameters({STUDY_KEY: begin(plan, reason is not None).id}))
        st.rerun()


def _choose_base() -> TrainConfig:
    """Show the choice of the start, and of each trial's training; return the settings."""
    options = {OF_FORM: _("The settings of the Train page")}
    options |= {name: _(recipe.title) for name, recipe in RECIPES.items()}
    first = OF_FORM if setting_parameters(url_parameters()) else FIRST_BASE
    chosen = url_choice(st.selectbox, _("Begin from"), options, BASE_KEY, first, width=340)
    if chosen == OF_FORM:
        show_missing_dataset(_("The search would train on MNIST; choose another data set on the Train page."))
    given = read_form().config() if chosen == OF_FORM else RECIPES[chosen].config
    if given.monitor != "validation":
        st.caption(
            _(
                "These settings look at the test set after each epoch. A search must not choose by it, so "
                "its trials hold out training images for validation."
            )
        )
    base = searchable(given)
    most = max(FEWEST_IMAGES, _images_to_learn(base))
    with st.container(horizontal=True):
        epochs = _choose_number(_("Epochs of each trial"), "trial_epochs", 1, MOST_EPOCHS, USUAL_EPOCHS)
        images = _choose_number(
            _("Images of each trial"), "trial_images", FEWEST_IMAGES, most, min(USUAL_IMAGES, most), 1000
        )
    return replace(base, epochs=epochs, train_size=images)


def _images_to_learn(base: TrainConfig) -> int:
    """Return how many images a trial can learn from; the sample that may stand for MNIST has fewer."""
    all_of_them = replace(base, train_size=DATASETS[base.dataset].images[0])
    data = resources.dataset_so_far() if base.dataset == MNIST else None
    if data is None:
        return all_of_them.train_size - base.validation_size
    return len(split_images(all_of_them, data).train)


def _choose_number(words: str, key: str, lowest: int, highest: int, usual: int, step: int = 1) -> int:
    return url_number(words, key, highest, COUNT_WIDTH, lowest=lowest, usual=usual, step=step)


def _choose_space(base: TrainConfig) -> SearchSpace:
    """Show the choice of what is varied, a preset or single settings, and their ranges."""
    usable = {
        key: preset for key, preset in PRESETS.items() if any(applies(name, base) for name in preset.names)
    }
    labels = {key: _(preset.label) for key, preset in usable.items()} | {OWN: _("Chosen settings")}
    chosen = url_choice(st.pills, _("Vary"), labels, PRESET_KEY, next(iter(labels)), required=True)
    if chosen == OWN:
        names = _choose_settings(base)
    else:
        names = preset_names(chosen, base)
        st.caption(_(usable[chosen].description))
    usual = default_space(names, base)
    with st.expander(_("Ranges"), icon=":material/tune:", expanded=chosen == OWN):
        return SearchSpace(tuple(_choose_range(dimension, base) for dimension in usual.dimensions))


def _choose_settings(base: TrainConfig) -> list[str]:
    """Show which settings are varied, kept in the URL; return their names."""
    possible = [name for name in SETTINGS if applies(name, base)]
    in_url = url_parameters().get(VARIED_KEY, ",".join(PRESETS["rate"].names)).split(",")
    names = [name for name in possible if name in in_url]
    key = f"varied_{base.architecture}_{base.optimizer}"
    set_widget_value(key, names, language())
    return st.multiselect(
        _("Settings to vary"),
        possible,
        names,
        format_func=label,
        key=key,
        on_change=lambda: set_url_parameters({VARIED_KEY: ",".join(st.session_state[key])}),
        placeholder=_("Choose one setting or several"),
        select_all=False,
    )


def _choose_range(usual: Dimension, base: TrainConfig) -> Dimension:
    """Show the range of a setting, kept in the URL with those that differ from the usual ones."""
    dimension = _range_in_url(usual, base)
    if isinstance(dimension, NumberRange):
        return _choose_ends(dimension)
    values = list(_possible_values(dimension, usual))
    key = f"values_{dimension.name}"
    set_widget_value(key, list(dimension.values), language())
    st.multiselect(
        label(dimension.name),
        values,
        list(dimension.values),
        format_func=lambda value: setting_value_text(dimension.name, value),
        key=key,
        on_change=lambda: _keep_range(Options(dimension.name, tuple(st.session_state[key]))),
        select_all=False,
    )
    return dimension


def _possible_values(dimension: Options, usual: Dimension) -> Sequence[Any]:
    """Return the values to choose from: all of a named choice, else the usual ones and those in the URL."""
    if dimension.name in CHOICES:
        return list(CHOICES[dimension.name])
    return list(dict.fromkeys([*usual.grid(), *dimension.values]))


def _choose_ends(dimension: NumberRange) -> NumberRange:
    """Show the two ends of a range; a field is a new one when its number changes elsewhere."""
    with st.container(horizontal=True):
        for end, words in (("low", _("{setting}, from")), ("high", _("{setting}, to"))):
            value = getattr(dimension, end)
            key = f"{end}_{dimension.name}_{value:g}"
            st.number_input(
                words.format(setting=label(dimension.name)),
                value=int(value) if dimension.whole else float(value),
                step=1 if dimension.whole else None,
                format=None if dimension.whole else "%g",
                key=key,
                on_change=_keep_end,
                args=(dimension, end, key),
                width=FIELD_WIDTH,
            )
    return dimension


def _keep_end(dimension: NumberRange, end: str, key: str) -> None:
    _keep_range(replace(dimension, **{end: st.session_state[key]}))


def _range_in_url(usual: Dimension, base: TrainConfig) -> Dimension:
    """Return a setting's range as the URL has it, else the usual one."""
    given = _ranges_in_url().get(usual.name)
    return parse_dimension(given, base) if given else usual


def _ranges_in_url() -> dict[str, str]:
    """Return the ranges in the URL by the settings' names."""
    parts = url_parameters().get(RANGES_KEY, "").split()
    return {part.partition("=")[0]: part for part in parts if "=" in part}


def _keep_range(dimension: Dimension) -> None:
    ranges = _ranges_in_url() | {dimension.name: dimension.text()}
    set_url_parameters({RANGES_KEY: " ".join(ranges.values())})


def _choose_rest(base: TrainConfig, space: SearchSpace) -> SearchPlan:
    """Show how trials are chosen, rated and limited; return the plan."""
    aim = _choose_way(_("Aim"), AIMS, "aim", "accuracy")
    sampler = _choose_way(_("Sampler"), SAMPLERS, "sampler", "tpe")
    pruner = _choose_way(_("Pruner"), PRUNERS, "pruner", "none")
    with st.container(horizontal=True):
        trials = _choose_number(_("Trials"), "trials", 1, MOST_TRIALS, USUAL_TRIALS)
        minutes = _choose_number(_("Minutes of training, 0: no limit"), "minutes", 0, MOST_MINUTES, 0)
    return SearchPlan(base, space, sampler, pruner, aim, trials, minutes or None)


def _choose_way(words: str, ways: Mapping[str, Way], key: str, first: str) -> str:
    chosen = url_segments(words, {name: _(way.label) for name, way in ways.items()}, key, first)
    st.caption(_(ways[chosen].description))
    return chosen


def _amount_text(plan: SearchPlan) -> str:
    """Return the number of trials, and what each trains."""
    count = min(plan.trials, plan.space.grid_size() + 1) if plan.sampler == "grid" else plan.trials
    trials = ngettext("{count} trial", "{count} trials", count).format(count=count_text(count))
    sentences = [
        _(
            "{trials} of {epochs} × {images} images; the first has the settings that the search begins from."
        ).format(trials=trials, epochs=count_text(plan.base.epochs), images=count_text(plan.base.train_size))
    ]
    if plan.sampler == "grid":
        sentences.append(
            _("The whole grid has {count} combinations.").format(count=count_text(plan.space.grid_size()))
        )
    return sentences_text(sentences)
