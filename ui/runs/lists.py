"""The visitor's runs in the sidebar and as a table; rename, pin, delete, undo."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import streamlit as st

from mnist_core.messages import InputError
from mnist_core.runs.run import UNFINISHED, Run
from ui import resources, visitor
from ui.html.tables import escape_markdown
from ui.i18n import date_text, percent_text, translate, visitors_time
from ui.i18n import gettext as _
from ui.navigation import link
from ui.runs.names import names_of, settings_text
from ui.runs.progress import progress_share, standing_text, status_text
from ui.url_controls import url_choice
from ui.url_state import RUN_KEY, current_run, set_url_parameters, url_parameters

if TYPE_CHECKING:
    import pandas as pd


MOST_LISTED = 10
SECONDS_BETWEEN_LOOKS = 2.0


def show_sidebar() -> None:
    """Show the newest of the visitor's runs; without any there is no sidebar."""
    runs = visitor.listed_runs()
    if not runs:
        return
    live = any(run.status in UNFINISHED for run in runs)
    with st.sidebar:
        st.fragment(_show_sidebar, run_every=SECONDS_BETWEEN_LOOKS if live else None)(live)


def _show_sidebar(was_live: bool) -> None:
    runs = visitor.listed_runs()
    if was_live and not any(run.status in UNFINISHED for run in runs):
        st.rerun()
    st.markdown("**" + _("Runs") + "**")
    names = names_of(runs[:MOST_LISTED])
    with st.container(key="run_list", gap=None):
        for run in runs[:MOST_LISTED]:
            _show_button(run, names[run.id])
    link("pages/runs.py", _("All runs ({count})").format(count=len(runs)), ":material/list:")


def _show_button(run: Run, name: str) -> None:
    """A button as wide as the list; markdown in names is shown as it was typed."""
    pin = " :material/push_pin:" if run.metadata.pinned else ""
    current = run.id == current_run()
    pressed = st.button(
        f"**{escape_markdown(name)}**{pin}  \n{standing_text(run)}",
        key=f"open_{run.id}",
        help=f"{escape_markdown(date_text(run.created))}  \n{escape_markdown(settings_text(run.config))}",
        type="secondary" if current else "tertiary",
        width="stretch",
    )
    if pressed and not current:
        set_url_parameters({RUN_KEY: run.id})
        st.rerun()


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
    url_choice(st.selectbox, _("Order"), orders, SORT_KEY, "newest", width=240)


def ordered_runs() -> list[Run]:
    """Return the visitor's runs in the order that was chosen."""
    keys = {
        "accuracy": lambda run: -run.results.get("test_accuracy", -1.0),
        "fastest": lambda run: run.results.get("train_seconds", float("inf")),
        "name": lambda run: names[run.id].casefold(),
    }
    order = keys.get(url_parameters().get(SORT_KEY, ""))
    runs = visitor.listed_runs()
    names = names_of(runs)
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
            set_url_parameters({RUN_KEY: run_id})
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

    names = names_of(runs)
    return pd.DataFrame([_row(run, names[run.id]) for run in runs])


def _row(run: Run, name: str) -> dict[str, object]:
    share = progress_share(run)
    accuracy, epochs = run.results.get("test_accuracy"), run.results.get("epochs")
    return {
        "name": _("{run} (pinned)").format(run=name) if run.metadata.pinned else name,
        "accuracy": None if accuracy is None else 100 * accuracy,
        "status": status_text(run.status) + ("" if share is None else f" {percent_text(share, 0)}"),
        "seconds": run.results.get("train_seconds"),
        "epochs": None if epochs is None else round(epochs, 1),
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
        "begun": kind.DatetimeColumn(_("Started"), format=_("D MMM YYYY, HH:mm")),
        "settings": kind.TextColumn(_("Settings"), width="large"),
    }


REMOVED_KEY = "removed_runs"  # id and name of what this session deleted, the latest last
PROBLEM_KEY = "run_problem"


def may_change(run_id: str) -> bool:
    """Return whether the run exists and the visitor may change it."""
    run = resources.find_run(run_id)
    return run is not None and visitor.owns(run)


def rename(run_id: str, key: str) -> None:
    """Name a run as the text box `key` says."""
    if may_change(run_id):
        _try(lambda: resources.run_store().rename(run_id, st.session_state[key]))


def pin(run_id: str, key: str) -> None:
    """Pin or unpin a run as the toggle `key` says."""
    if may_change(run_id):
        _try(lambda: resources.run_store().pin(run_id, st.session_state[key]))


def remove(run_id: str, name: str) -> None:
    """Move a run to the trash, and remember it for Undo."""
    if may_change(run_id) and _try(lambda: resources.run_store().remove(run_id)):
        st.session_state.setdefault(REMOVED_KEY, []).append((run_id, name))
        if current_run() == run_id:
            set_url_parameters({RUN_KEY: None})


def _undo_delete(run_id: str) -> None:
    """Bring back a run that this session deleted, as the current one."""
    removed = st.session_state[REMOVED_KEY]
    st.session_state[REMOVED_KEY] = [(gone, name) for gone, name in removed if gone != run_id]
    if _try(lambda: resources.run_store().restore(run_id)):
        set_url_parameters({RUN_KEY: run_id})


def show_undo() -> None:
    """Show what was deleted, the latest first, each with its undo button, and what went wrong."""
    if problem := st.session_state.pop(PROBLEM_KEY, None):
        st.error(translate(problem))
    for run_id, name in reversed(st.session_state.get(REMOVED_KEY, [])):
        with st.container(horizontal=True, border=True, vertical_alignment="center", key=f"removed_{run_id}"):
            st.text(_("Deleted: {run}").format(run=name))
            label, icon = _("Undo"), ":material/undo:"
            st.button(label, icon=icon, key=f"undo_{run_id}", on_click=_undo_delete, args=(run_id,))


def _try(change: Callable[[], object]) -> bool:
    try:
        change()
    except InputError as error:
        st.session_state[PROBLEM_KEY] = error.message
        return False
    return True
