"""The visitor's runs in the sidebar and as a table whose rows can be ticked."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from mnist_core.runs.run import UNFINISHED, Run
from ui import visitor
from ui.html.tables import escape_markdown
from ui.i18n import date_text, percent_text, visitors_time
from ui.i18n import gettext as _
from ui.navigation import link
from ui.runs.changes import remove, watch_for_deletion
from ui.runs.choice import SIDEBAR, show_ticks
from ui.runs.names import names_of, row_height, run_labels, settings_text
from ui.runs.progress import progress_share, standing_text, status_text
from ui.url_controls import set_widget_value, url_choice
from ui.url_state import (
    MOST_COMPARED,
    RUN_KEY,
    compared_runs,
    current_run,
    set_url_parameters,
    url_parameters,
)

if TYPE_CHECKING:
    import pandas as pd


MOST_LISTED = 10
SECONDS_BETWEEN_LOOKS = 2.0


def show_sidebar(comparing: bool = False) -> None:
    """Show the newest of the visitor's runs, trials of searches left out; without any there is no sidebar.

    While the visitor is `comparing` runs, each has a tick that adds it to the comparison.
    """
    runs = visitor.listed_runs()
    if not runs:
        return
    live = any(run.status in UNFINISHED for run in runs)
    with st.sidebar:
        interval = SECONDS_BETWEEN_LOOKS if live else None
        st.fragment(_show_sidebar, run_every=interval, key=SIDEBAR)(live, comparing)
        watch_for_deletion()


def _show_sidebar(was_live: bool, comparing: bool) -> None:
    runs = visitor.listed_runs()
    if was_live and not any(run.status in UNFINISHED for run in runs):
        st.rerun()
    st.markdown("**" + (_("Runs to compare") if comparing else _("Runs")) + "**")
    shown = {current_run(), *(compared_runs() or ())}
    listed = [run for run in runs if not run.metadata.group or run.id in shown][:MOST_LISTED]
    with st.container(key="run_list", gap=None):
        if comparing:
            show_ticks(listed)
        else:
            names = names_of(listed)
            for run in listed:
                _show_button(run, names[run.id])
    link("pages/runs.py", _("All runs ({count})").format(count=len(runs)), ":material/list:")


def _show_button(run: Run, name: str) -> None:
    """Show a button as wide as the list, with the run's name escaped."""
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
TICKED_KEY = "ticked_runs"  # ids of the chosen runs; also the key of the control that chooses them
FOLLOWED_KEY = "followed_run"  # the current run that the choice has followed
CELLS_KEY = "runs_table_cells"  # a chosen cell whose row is still to be ticked
TABLE_KEY = "runs_table"  # (number, order of the runs, ticked rows, chosen cell) of the table in the browser
NAME = 200  # pixels, so that a phone shows the accuracy beside it; longer names wrap
STATUS = 100  # "training 100%"
MOST_IN_SIGHT = 8  # runs; a table of more scrolls


def choose_order() -> None:
    """Show the choice of the order; the table's headings sort too, but not by keyboard."""
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


def ticked_runs(runs: Sequence[Run]) -> list[str]:
    """Return the ids of the chosen runs: those ticked, or the current run once it has changed."""
    known = [run.id for run in runs]
    if st.session_state.get(FOLLOWED_KEY) != current_run():
        st.session_state[FOLLOWED_KEY] = current_run()
        _remember_ticked([current_run()] if current_run() in known else [])
    return [run_id for run_id in _remembered() if run_id in known]


def _remembered() -> list[str]:
    return st.session_state.get(f"{TICKED_KEY}_now", [])


def _remember_ticked(run_ids: Sequence[str]) -> None:
    st.session_state[f"{TICKED_KEY}_now"] = list(run_ids)


def tick(run_ids: Sequence[str]) -> None:
    """Tick these runs; a single one becomes the current run."""
    _remember_ticked(run_ids)
    if len(run_ids) < 2:
        set_url_parameters({RUN_KEY: run_ids[0] if run_ids else None})
        st.session_state[FOLLOWED_KEY] = current_run()


def delete_several(names: Mapping[str, str]) -> None:
    """Delete runs, with their names by id; nothing stays chosen."""
    remove(names)
    _remember_ticked([])


def choose_runs(runs: Sequence[Run]) -> list[Run]:
    """Show a control that ticks several runs by keyboard; in the table the arrow keys choose one."""
    labels = run_labels(runs)
    ticked = ticked_runs(runs)
    set_widget_value(TICKED_KEY, ticked, tuple(labels.items()))
    chosen = st.multiselect(
        _("Chosen runs"),
        list(labels),
        ticked,
        format_func=lambda run_id: labels.get(run_id, run_id),
        key=TICKED_KEY,
        on_change=lambda: tick([run_id for run_id in st.session_state[TICKED_KEY] if run_id in labels]),
        placeholder=_("Choose one run or several"),
        select_all=False,
    )
    by_id = {run.id: run for run in runs}
    picked = [by_id[run_id] for run_id in chosen]
    st.html(_tag_style(picked))
    return picked


def _tag_style(runs: Sequence[Run]) -> str:
    """Return the style that gives each chosen run's tag the colour it gets on Compare, grey if it can't."""
    places = [place for place, run in enumerate(runs) if run.checkpoints]
    colours = {place: f"--lab-run-{number}" for number, place in enumerate(places[:MOST_COMPARED], 1)}
    tags = (f'.st-key-{TICKED_KEY} [data-tag-index="{place}"]' for place in range(len(runs)))
    rules = (f"{tag} {{ --run: var({colours.get(place, '--lab-quiet')}) }}" for place, tag in enumerate(tags))
    return f"<style>{' '.join(rules)}</style>"


def show_table(runs: list[Run]) -> None:
    """Show all runs, with the progress of those in training; rows can be ticked, and a click chooses one."""
    live = any(run.status in UNFINISHED for run in runs)
    st.fragment(_show, run_every=SECONDS_BETWEEN_LOOKS if live else None)(live)


def _show(was_live: bool) -> None:
    runs = ordered_runs()
    if was_live and not any(run.status in UNFINISHED for run in runs):
        st.rerun()
    order = [run.id for run in runs]
    ticked = ticked_runs(runs)
    rows = [place for place, run_id in enumerate(order) if run_id in ticked]
    table = _table(runs)
    key = f"runs_table_{_number(order, rows)}"
    cells = st.session_state.pop(CELLS_KEY, None)
    if cells and key in st.session_state:  # a new table would not have the keyboard's focus
        st.session_state[key] = {"selection": {"rows": rows, "columns": [], "cells": cells}}
    selection = st.dataframe(
        table,
        column_config=_columns(),
        hide_index=True,
        on_select="rerun",
        selection_mode=["multi-row", "single-cell"],
        selection_default={"selection": {"rows": rows, "columns": [], "cells": []}},
        key=key,
        height="content" if len(runs) <= MOST_IN_SIGHT else "auto",
        row_height=row_height(table["name"], NAME),
        placeholder="–",
        alt=_("Your runs; the control below chooses them too"),
    ).selection
    chosen = _chosen_in_table(order, selection.rows, selection.cells)
    if chosen is not None and (CELLS_KEY in st.session_state or set(chosen) != set(ticked)):
        tick(chosen)
        st.rerun()


def _chosen_in_table(
    order: Sequence[str], rows: Sequence[int], cells: Sequence[tuple[int, str]]
) -> list[str] | None:
    """Return the runs that the browser has chosen in the table; None if it has changed nothing."""
    number, known_order, known_rows, known_cells = st.session_state[TABLE_KEY]
    clicked = bool(cells) and list(cells) != known_cells
    if clicked:
        st.session_state[CELLS_KEY] = list(cells)
        rows = [cells[0][0]]
    st.session_state[TABLE_KEY] = (number, known_order, list(rows), list(cells))
    return [order[row] for row in rows] if clicked or list(rows) != known_rows else None


def _number(order: list[str], rows: list[int]) -> int:
    """Return the table's number: a new one if runs have moved, or were ticked elsewhere."""
    number, known_order, known_rows, _cells = st.session_state.get(TABLE_KEY, (0, [], [], []))
    if order != known_order or sorted(rows) != sorted(known_rows):
        number += 1
        st.session_state[TABLE_KEY] = (number, order, rows, [])
    return number


def _table(runs: list[Run]) -> "pd.DataFrame":
    import pandas as pd

    names = names_of(runs)
    table = pd.DataFrame([_row(run, names[run.id]) for run in runs])
    return table if any(table["worker"]) or table.empty else table.drop(columns="worker")


def _row(run: Run, name: str) -> dict[str, object]:
    share = progress_share(run)
    accuracy, epochs, seconds = map(run.results.get, ("test_accuracy", "epochs", "train_seconds"))
    return {
        "name": _("{run} (pinned)").format(run=name) if run.metadata.pinned else name,
        "accuracy": None if accuracy is None else 100 * accuracy,
        "status": status_text(run.status) + ("" if share is None else f" {percent_text(share, 0)}"),
        "seconds": None if seconds is None else round(seconds, 1),
        "epochs": None if epochs is None else round(epochs, 1),
        "begun": visitors_time(run.created),
        "worker": visitor.worker_of(run),
        "settings": settings_text(run.config),
    }


def _columns() -> dict[str, Any]:
    kind = st.column_config
    return {
        "name": kind.TextColumn(_("Name"), width=NAME),
        "accuracy": kind.NumberColumn(_("Test accuracy"), format="%.2f%%"),
        "status": kind.TextColumn(_("Status"), width=STATUS),
        "seconds": kind.NumberColumn(_("Seconds"), format="localized"),
        "epochs": kind.NumberColumn(_("Epochs"), format="localized"),
        "begun": kind.DatetimeColumn(_("Started"), format=_("D MMM YYYY, HH:mm")),
        "worker": kind.TextColumn(_("Worker")),
        "settings": kind.TextColumn(_("Settings"), width="large"),
    }
