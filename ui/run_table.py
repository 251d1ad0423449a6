"""The visitor's runs as a table, and their order."""

from typing import TYPE_CHECKING, Any

import streamlit as st

from mnist_core.runs.run import UNFINISHED, Run
from ui import visitor
from ui.controls import choice_in_url
from ui.progress import status_text
from ui.run_list import SECONDS_BETWEEN_LOOKS, progress_share
from ui.runs import run_name, settings_text
from ui.state import RUN_KEY, current_run
from ui.translation import gettext as _
from ui.translation import percent_text, visitors_time
from ui.url import in_url, put_in_url

if TYPE_CHECKING:
    import pandas as pd

SORT_KEY = "sort"
ROW_KEY = "runs_row"  # the run whose row is chosen
ORDER_KEY = "runs_order"
NUMBER_KEY = "runs_table_number"
NAME = 130  # pixels, so that a phone shows how the run stands beside it
STATUS = 100  # "training 100%"


def choose_order() -> None:
    """Show by what the runs are sorted; a heading of the table sorts too, but not for the keyboard."""
    orders = {"newest": _("Newest first"), "accuracy": _("Most accurate first")}
    orders |= {"fastest": _("Fastest first"), "name": _("By name")}
    choice_in_url(st.selectbox, _("Order"), orders, SORT_KEY, "newest", width=240)


def ordered_runs() -> list[Run]:
    """Return the visitor's runs in the order that was chosen."""
    keys = {
        "accuracy": lambda run: -run.results.get("test_accuracy", -1.0),
        "fastest": lambda run: run.results.get("train_seconds", float("inf")),
        "name": lambda run: run_name(run).casefold(),
    }
    order = keys.get(in_url().get(SORT_KEY, ""))
    runs = visitor.listed_runs()
    return sorted(runs, key=order) if order else runs


def show_table(runs: list[Run]) -> None:
    """Show all runs, those in training as they stand; the row that is chosen becomes the current run."""
    live = any(run.status in UNFINISHED for run in runs)
    st.fragment(_show, run_every=SECONDS_BETWEEN_LOOKS if live else None)(live)


def _show(was_live: bool) -> None:
    runs = ordered_runs()
    if was_live and not any(run.status in UNFINISHED for run in runs):
        st.rerun()
    chosen = st.dataframe(
        _table(runs),
        column_config=_columns(),
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        key=f"runs_table_{_number([run.id for run in runs])}",
        placeholder="–",
    )
    rows = chosen.selection.rows
    run_id = runs[rows[0]].id if rows else None
    if run_id != st.session_state.get(ROW_KEY):
        st.session_state[ROW_KEY] = run_id
        if run_id and run_id != current_run():
            put_in_url({RUN_KEY: run_id})
            st.rerun()


def _number(order: list[str]) -> int:
    """Return the table's number: a new one, without a chosen row, where that row would be another run's."""
    number = st.session_state.get(NUMBER_KEY, 0)
    elsewhere = st.session_state.get(ROW_KEY) not in (None, current_run())
    if elsewhere or order != st.session_state.get(ORDER_KEY):
        number += 1
        st.session_state.update({NUMBER_KEY: number, ORDER_KEY: order, ROW_KEY: None})
    return number


def _table(runs: list[Run]) -> "pd.DataFrame":
    import pandas as pd

    return pd.DataFrame([_row(run) for run in runs])


def _row(run: Run) -> dict[str, object]:
    share = progress_share(run)
    accuracy = run.results.get("test_accuracy")
    return {
        "name": _("{run} (pinned)").format(run=run_name(run)) if run.label.pinned else run_name(run),
        "accuracy": None if accuracy is None else 100 * accuracy,
        "status": status_text(run.status) + ("" if share is None else f" {percent_text(share, 0)}"),
        "seconds": run.results.get("train_seconds"),
        "epochs": run.results.get("epochs"),
        "begun": visitors_time(run.created),
        "settings": settings_text(run.config),
    }


def _columns() -> dict[str, Any]:
    kind = st.column_config
    return {
        "name": kind.TextColumn(_("Name"), width=NAME),
        "accuracy": kind.NumberColumn(_("Test accuracy"), format="%.2f%%"),
        "status": kind.TextColumn(_("Status"), width=STATUS),
        "seconds": kind.NumberColumn(_("Seconds"), format="%.1f"),
        "epochs": kind.NumberColumn(_("Epochs"), format="%.4g"),
        "begun": kind.DatetimeColumn(_("Begun"), format=_("D MMM YYYY, HH:mm")),
        "settings": kind.TextColumn(_("Settings"), width="large"),
    }
