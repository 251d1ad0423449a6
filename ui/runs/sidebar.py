"""The visitor's runs in the sidebar."""

import streamlit as st

from mnist_core.runs.run import UNFINISHED, Run
from ui import visitor
from ui.html.tables import escape_markdown
from ui.i18n import gettext as _
from ui.runs.names import run_label, run_name, settings_text
from ui.runs.progress import standing_text
from ui.url_state import RUN_KEY, current_run, link, set_url_parameters

MOST_LISTED = 10
SECONDS_BETWEEN_LOOKS = 2.0


def show_sidebar() -> None:
    """Show the newest of the visitor's runs; without any there is no sidebar."""
    runs = visitor.listed_runs()
    if not runs:
        return
    live = any(run.status in UNFINISHED for run in runs)
    with st.sidebar:
        st.fragment(_show_list, run_every=SECONDS_BETWEEN_LOOKS if live else None)(live)


def _show_list(was_live: bool) -> None:
    runs = visitor.listed_runs()
    if was_live and not any(run.status in UNFINISHED for run in runs):
        st.rerun()
    st.markdown("**" + _("Runs") + "**")
    with st.container(key="run_list", gap=None):
        for run in runs[:MOST_LISTED]:
            _show_run(run)
    link("pages/runs.py", _("All runs ({count})").format(count=len(runs)), ":material/list:")


def _show_run(run: Run) -> None:
    """A button as wide as the list; markdown in names is shown as it was typed."""
    pin = " :material/push_pin:" if run.metadata.pinned else ""
    current = run.id == current_run()
    pressed = st.button(
        f"**{escape_markdown(run_name(run))}**{pin}  \n{standing_text(run)}",
        key=f"open_{run.id}",
        help=f"{escape_markdown(run_label(run))}  \n{escape_markdown(settings_text(run.config))}",
        type="secondary" if current else "tertiary",
        width="stretch",
    )
    if pressed and not current:
        set_url_parameters({RUN_KEY: run.id})
        st.rerun()
