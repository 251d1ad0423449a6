"""The trials of a search as a table, and one of them with links to its run."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from mnist_core.search.study import Search, SearchTrial
from ui import resources
from ui.html.tables import escape_markdown, markdown
from ui.i18n import gettext as _
from ui.navigation import link
from ui.search.search_status import show_run_links
from ui.search.words import label, setting_value_text, state_text, trial_title
from ui.url_controls import url_choice
from ui.url_state import MOST_COMPARED
from ui.visitor import worker_of

if TYPE_CHECKING:
    import pandas as pd

TRIAL_KEY = "trial"


def show_trials(search: Search, trials: Sequence[SearchTrial]) -> None:
    """Show the table, a control that chooses a trial, and the run of the chosen one."""
    kind = st.column_config
    ranked = [
        _with_its_run(trial) for trial in sorted(trials, key=lambda one: (-(one.accuracy or 0), one.number))
    ]
    st.dataframe(
        _table(search, ranked),
        hide_index=True,
        placeholder="–",
        column_config={
            "accuracy": kind.NumberColumn(_("Validation accuracy"), format="%.2f%%"),
            "number": kind.NumberColumn(_("Trial"), width=60),
            "epochs": kind.NumberColumn(_("Epochs")),
            "parameters": kind.NumberColumn(_("Parameters"), format="localized"),
            "seconds": kind.NumberColumn(_("Seconds"), format="localized"),
            "state": kind.TextColumn(_("Status")),
            "worker": kind.TextColumn(_("Worker")),
            **{name: kind.TextColumn(label(name)) for name in _names(search)},
        },
        key="trials_table",
        alt=_("The trials of the search; the control below opens one"),
    )
    opened = {str(trial.number): trial for trial in ranked if trial.run or trial.reason}
    if opened:
        labels = {number: trial_title(trial) for number, trial in opened.items()}
        chosen = url_choice(st.selectbox, _("Trial"), labels, TRIAL_KEY, next(iter(opened)), width=340)
        _show_trial(opened[chosen])
    runs = [one.run for one in ranked if one.state == "finished" and resources.find_run(one.run)]
    if len(runs) > 1:
        best = runs[: min(5, MOST_COMPARED)]
        words = _("Compare the best {count}").format(count=len(best))
        link("pages/compare.py", words, ":material/compare_arrows:", runs=",".join(best))


def _with_its_run(trial: SearchTrial) -> SearchTrial:
    """Return a trial whose run is still in line as one that waits: to its worker it is under way."""
    run = resources.find_run(trial.run) if trial.state == "running" else None
    return replace(trial, state="waiting") if run and run.status == "queued" else trial


def _show_trial(trial: SearchTrial) -> None:
    if trial.reason:
        st.caption(markdown(trial.reason))
    run = resources.find_run(trial.run)
    if run is None:
        if trial.run:
            st.caption(_("The run of this trial was deleted, or it is on another machine."))
        return
    st.markdown(
        " · ".join(
            escape_markdown(f"{label(name)}: {setting_value_text(name, value)}")
            for name, value in trial.values.items()
        )
    )
    with st.container(horizontal=True, key="trial_links"):
        show_run_links(run)


def _names(search: Search) -> list[str]:
    return [dimension.name for dimension in search.plan.space.dimensions]


def _table(search: Search, trials: Sequence[SearchTrial]) -> "pd.DataFrame":
    import pandas as pd

    names = _names(search)
    table = pd.DataFrame([_row(trial, names) for trial in trials])
    return table if any(table["worker"]) else table.drop(columns="worker")


def _row(trial: SearchTrial, names: Sequence[str]) -> dict[str, object]:
    values = {
        name: setting_value_text(name, trial.values[name]) if name in trial.values else _own_value(trial)
        for name in names
    }
    return {
        "accuracy": None if trial.accuracy is None else 100 * trial.accuracy,
        "number": trial.number,
        **values,
        "epochs": max(trial.curve, default=0),
        "parameters": trial.parameters,
        "seconds": round(trial.seconds, 1) if trial.seconds else None,
        "state": state_text(trial.state),
        "worker": worker_of(run) if (run := resources.find_run(trial.run)) else "",
    }


def _own_value(trial: SearchTrial) -> str | None:
    return _("as it began") if trial.is_start else None
