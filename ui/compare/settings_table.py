"""The settings in which the compared runs differ."""

from collections.abc import Iterator, Sequence

import streamlit as st

from mnist_core.config import TrainConfig
from mnist_core.runs.comparison import differing_settings
from mnist_core.runs.names import is_used
from ui.compare.selection import ComparedRuns
from ui.html.tables import escape_markdown, table_html
from ui.i18n import gettext as _
from ui.i18n import ngettext, sentences_text
from ui.runs.names import change_texts
from ui.train_form.setting_labels import LABELS, value_text


def show(chosen: ComparedRuns) -> None:
    """Show the section."""
    settings = differing_settings([run.config for run in chosen.runs])
    if settings:
        configs = [run.config for run in chosen.runs]
        rows = {_(LABELS[name]): setting_texts(name, configs) for name in settings}
        head, table = [_("Setting"), *chosen.names], [[name, *texts] for name, texts in rows.items()]
        st.html(table_html(head, table, style="lab-settings", words=_("Setting")))
        same = len(LABELS) - len(settings)
        words = ngettext(
            "The other {count} setting is the same in all runs.",
            "The other {count} settings are the same in all runs.",
            same,
        )
        st.caption(words.format(count=same))
    else:
        st.info(_("All settings are the same, the seed too: choose runs with different settings."))
    for line in _changes(chosen):
        st.caption(escape_markdown(line))


def setting_texts(field: str, configs: Sequence[TrainConfig]) -> list[str]:
    """Return one setting of each config as text; a dash where the network does not use it."""
    return [
        value_text(field, getattr(config, field)) if is_used(field, config) else "\N{EN DASH}"
        for config in configs
    ]


def _changes(chosen: ComparedRuns) -> Iterator[str]:
    """Yield what was changed during each run's training, in words."""
    for run, name in zip(chosen.runs, chosen.names, strict=True):
        if changed := change_texts(run):
            yield _("{run}: {value}").format(run=name, value=sentences_text(changed))
