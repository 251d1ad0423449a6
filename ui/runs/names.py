"""Runs in words: names, settings, and the control that picks one."""

from collections import Counter
from collections.abc import Iterable

import streamlit as st

from mnist_core.choices import ACTIVATIONS, ARCHITECTURES, OPTIMIZERS
from mnist_core.config import TrainConfig
from mnist_core.recipes import RECIPES
from mnist_core.runs.run import PRETRAINED_ID, Run
from ui import resources, visitor
from ui.i18n import count_text, date_text, list_text, percent_text
from ui.i18n import gettext as _
from ui.navigation import link
from ui.train_form.setting_labels import LABELS
from ui.url_controls import url_choice
from ui.url_state import RUN_KEY, current_run


def recipe_label(run: Run) -> str:
    """Return the recipe's name, or the network's for settings of one's own."""
    if run.is_pretrained:
        return _("Pretrained model")
    entry = RECIPES.get(run.config.recipe) or ARCHITECTURES[run.config.architecture]
    return _(entry.label)


def run_name(run: Run) -> str:
    """Return the name a run was given, else its recipe's."""
    return run.metadata.name or recipe_label(run)


def run_label(run: Run) -> str:
    """Return a run's name for a list: what it is, how good, and when it began."""
    parts = [run_name(run)]
    if "test_accuracy" in run.results:
        parts.append(percent_text(run.results["test_accuracy"]))
    if not run.is_pretrained:
        parts.append(date_text(run.created))
    return " · ".join(parts)


def distinct_labels(runs: Iterable[Run]) -> dict[str, str]:
    """Return the runs' labels by id; those that would be the same have the beginning of their id."""
    labels = {run.id: run_label(run) for run in runs}
    often = Counter(labels.values())
    return {run: label if often[label] == 1 else f"{label} · {run[:4]}" for run, label in labels.items()}


def settings_text(config: TrainConfig) -> str:
    """Return the settings that matter most, in a line: "MLP 64-64, ReLU, Adam 0.001, batch size 100"."""
    architecture = ARCHITECTURES[config.architecture]
    sizes = config.channels if architecture.stages else config.widths if architecture.uses_widths else ()
    network = " ".join([_(architecture.label), "-".join(map(str, sizes))]).strip()
    activation = [] if config.architecture == "softmax" else [_(ACTIVATIONS[config.activation].label)]
    optimizer = f"{_(OPTIMIZERS[config.optimizer].label)} {config.learning_rate:g}"
    words = LABELS["batch_size"]
    batch = f"{_(words).lower()} {count_text(config.batch_size)}"
    return list_text([network, *activation, optimizer, batch])


def readable_runs() -> list[Run]:
    """Return the runs that the visitor may use and that have weights, the pretrained one first."""
    pretrained = resources.find_run(PRETRAINED_ID)
    return [run for run in ([pretrained] if pretrained else []) + visitor.listed_runs() if run.checkpoints]


def pick_run() -> Run:
    """Show which run is in use and let another be chosen; with none to choose, say what to do and stop."""
    readable = readable_runs()
    runs = {run.id: run for run in readable}
    if not runs:
        st.info(_("There is no trained network yet. Train one first: the quick recipe takes seconds."))
        link("pages/train.py", _("Train a network"), ":material/model_training:")
        st.stop()
    if current_run() and current_run() not in runs:
        if resources.find_run(current_run()):
            st.warning(_("The run in this link has no saved weights here yet, so another is shown."))
        else:
            st.warning(_("The run in this link is not on this server, so another is shown."))
    labels = distinct_labels(readable)
    return runs[url_choice(st.selectbox, _("Network"), labels, RUN_KEY, next(iter(labels)))]
