"""The visitor's runs in the sidebar: what each is and how it stands; a click makes it the current one."""

import streamlit as st

from mnist_core.runs.run import UNFINISHED, Run
from ui import resources, visitor
from ui.progress import status_text
from ui.runs import run_label, run_name, settings_text
from ui.state import RUN_KEY, current_run, link
from ui.translation import gettext as _
from ui.translation import percent_text
from ui.url import put_in_url

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


def progress_share(run: Run) -> float | None:
    """Return how much of a run that trains in this server is done, 0 to 1; None for any other."""
    snapshot = resources.training_queue().snapshot(run.id) if run.status == "running" else None
    return snapshot.step / snapshot.steps if snapshot and snapshot.steps else None


def standing_text(run: Run) -> str:
    """Say how a run stands: its accuracy once it has ended well, how far it is, or what became of it."""
    words = [percent_text(run.results["test_accuracy"])] if "test_accuracy" in run.results else []
    if run.status == "finished":
        words = words or [_("not tested")]
    else:
        words.append(status_text(run.status))
    if (share := progress_share(run)) is not None:
        words.append(percent_text(share, 0))
    return " · ".join(words)


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
    pin = " :material/push_pin:" if run.label.pinned else ""
    current = run.id == current_run()
    pressed = st.button(
        f"**{plain(run_name(run))}**{pin}  \n{standing_text(run)}",
        key=f"open_{run.id}",
        help=f"{plain(run_label(run))}  \n{plain(settings_text(run.config))}",
        type="secondary" if current else "tertiary",
        width="stretch",
    )
    if pressed and not current:
        put_in_url({RUN_KEY: run.id})
        st.rerun()


def plain(text: str) -> str:
    """Return text that markdown leaves as it is."""
    return "".join(f"\\{c}" if c in r"\`*_{}[]()<>#+-.!|~:$" else c for c in text)
