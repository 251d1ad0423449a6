"""Runs in words: names, labels, settings."""

import math
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from mnist_core.choices import ACTIVATIONS, ARCHITECTURES, OPTIMIZERS
from mnist_core.config import TrainConfig
from mnist_core.runs.names import RunName, run_names, settings_name
from mnist_core.runs.run import PRETRAINED_ID, Run
from mnist_core.training.schedules import differences
from ui import resources, visitor
from ui.i18n import (
    BETWEEN_WORDS,
    count_text,
    date_text,
    language,
    list_text,
    ngettext,
    percent_text,
    translate,
)
from ui.i18n import gettext as _
from ui.train_form.setting_labels import LABELS, value_text


def names_of(runs: Iterable[Run]) -> dict[str, str]:
    """Return the runs' names by id: given ones, or the recipe and its changes; no two in a list alike."""
    shown = list(runs)
    everyones = resources.run_store().list()
    me = visitor.identity() if visitor.is_private() else ""
    names = run_names([*visitor.listed_among(everyones), *shown], everyones, me)
    return {run.id: _in_words(names[run.id]) for run in shown}


def run_name(run: Run) -> str:
    """Return a run's name, the same as in every list of the visitor's."""
    return names_of([run])[run.id]


def name_without_seed(run: Run) -> str:
    """Return the name that a run was given, else that of its settings, the same for all seeds."""
    if run.is_pretrained or run.metadata.name:
        return run_name(run)
    return _in_words(settings_name(run.config))


def _in_words(name: RunName) -> str:
    return name.text(translate, BETWEEN_WORDS[language()])


def run_labels(runs: Iterable[Run]) -> dict[str, str]:
    """Return the runs' labels by id for a list: the name, how good the run is, and when it began."""
    shown = list(runs)
    names = names_of(shown)
    return {run.id: " · ".join([names[run.id], *_facts(run)]) for run in shown}


LETTER, CHINESE_LETTER, PADDING = 6.8, 14.0, 18.0  # pixels of a table's text
LINE, LEAST_TO_WRAP = 20, 66  # pixels; Streamlit wraps texts only in rows higher than 64


def row_height(names: Iterable[str], width: int) -> int | None:
    """Return the height in pixels of a table's rows in which all names can be read, wrapped if they must be.

    `width` is that of their column; None where each fits in one line, so the usual height will do.
    """
    lines = max((math.ceil(_text_width(name) / (width - PADDING)) for name in names), default=1)
    return None if lines <= 1 else max(LEAST_TO_WRAP, LINE * (lines + 1))  # a line more, as words stay whole


def _text_width(text: str) -> float:
    return sum(CHINESE_LETTER if unicodedata.east_asian_width(c) in "WF" else LETTER for c in text)


def _facts(run: Run) -> list[str]:
    accuracy = run.results.get("test_accuracy")
    facts = [] if accuracy is None else [percent_text(accuracy)]
    return facts if run.is_pretrained else [*facts, date_text(run.created)]


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


def change_texts(run: Run) -> list[str]:
    """Return the changes made while a run trained: a sentence for each step with changes."""
    return [_change_text(step, settings) for step, settings in differences(run.config, run.changes)]


def _change_text(step: int, settings: Mapping[str, Any]) -> str:
    words = [
        ngettext("{epochs} epoch in all", "{epochs} epochs in all", value).format(epochs=count_text(value))
        if name == "epochs"
        else f"{_(LABELS[name]).lower()} {value_text(name, value)}"
        for name, value in settings.items()
    ]
    if not step:
        return _("Changed before the first step: {changes}.").format(changes=list_text(words))
    return _("Changed after step {step}: {changes}.").format(step=count_text(step), changes=list_text(words))


def readable_runs() -> list[Run]:
    """Return the runs that the visitor may use and that have weights, the pretrained one first."""
    pretrained = resources.find_run(PRETRAINED_ID)
    return [run for run in ([pretrained] if pretrained else []) + visitor.listed_runs() if run.checkpoints]
