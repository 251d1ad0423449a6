"""The controls that choose a page's run and the runs to compare."""

from collections.abc import Container, Iterable, Sequence
from contextlib import nullcontext

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from mnist_core.runs.run import PRETRAINED_ID, Run
from ui import resources, visitor
from ui.fragments import rerun_fragments
from ui.html.tables import escape_markdown
from ui.i18n import gettext as _
from ui.navigation import link
from ui.runs.changes import show_missing
from ui.runs.names import names_of, readable_runs, run_labels
from ui.runs.progress import standing_text
from ui.url_controls import set_widget_value, url_choice
from ui.url_state import (
    COMPARED_KEY,
    MOST_COMPARED,
    RUN_KEY,
    compared_runs,
    current_run,
    set_url_parameters,
)

SIDEBAR, COMPARISON = "sidebar_runs", "comparison"  # keys of the fragments that show which runs are compared
FEWEST_COMPARED = 2


def pick_run(warnings: DeltaGenerator | None = None) -> Run:
    """Show the choice of the run; return it. Without any run, say what to do and end this run of the page.

    Problems with the run in the URL are shown here, or in the container `warnings`.
    """
    readable = readable_runs()
    runs = {run.id: run for run in readable}
    if not runs:
        st.info(_("There is no trained network yet. Train one first: the quick recipe takes seconds."))
        link("pages/train.py", _("Train a network"), ":material/model_training:")
        st.stop()
    with warnings or nullcontext():
        _show_unusable(runs)
    labels = run_labels(readable)
    first = next(iter(labels))
    return runs[url_choice(st.selectbox, _("Network"), labels, RUN_KEY, first, says_replaced=False)]


def _show_unusable(runs: Container[str]) -> None:
    """Say why the run in the URL isn't one of those that can be shown."""
    if current_run() and current_run() not in runs:
        if resources.find_run(current_run()):
            st.warning(_("The run in this link has no saved weights here yet, so another is shown."))
        else:
            show_missing([current_run()], _("Another is shown."))


def comparable_runs() -> list[Run]:
    """Return the runs that can be compared: the visitor's that have weights, and the pretrained one, last."""
    pretrained = resources.find_run(PRETRAINED_ID)
    return [run for run in [*visitor.listed_runs(), *([pretrained] if pretrained else [])] if run.checkpoints]


def compared_ids(runs: Sequence[Run]) -> list[str]:
    """Return which of `runs` are compared, in the order of their colours.

    Without a list in the URL, two to begin with: the current run and the newest other one on its data set.
    """
    known = [run.id for run in runs]
    wanted = compared_runs()
    if wanted is not None:
        return [run_id for run_id in wanted if run_id in known][:MOST_COMPARED]
    if not runs:
        return []
    first = next((run for run in runs if run.id == current_run()), runs[0])
    alike = [run.id for run in runs if run.config.dataset == first.config.dataset and run.id != first.id]
    return [first.id, *alike][:FEWEST_COMPARED]


def compare(run_ids: Iterable[str]) -> None:
    """End a callback of the Compare page: compare these runs."""
    set_url_parameters({COMPARED_KEY: ",".join(run_ids)})
    rerun_fragments(SIDEBAR, COMPARISON)


def show_ticks(listed: Sequence[Run]) -> None:
    """Show these runs and the pretrained one, those compared with a tick and the colour of their curves.

    A run without weights can't be ticked.
    """
    comparable = comparable_runs()
    runs = [*listed, *(run for run in comparable if run.is_pretrained)]
    names = names_of(runs)
    compared = compared_ids(comparable)
    st.html(_colour_style(compared))
    for run in runs:
        _show_tick(run, names[run.id], compared)


def _show_tick(run: Run, name: str, compared: Sequence[str]) -> None:
    key, ticked = f"tick_{run.id}", run.id in compared
    set_widget_value(key, ticked)
    st.checkbox(
        f"**{escape_markdown(name)}**  \n{standing_text(run)}",
        value=ticked,
        key=key,
        on_change=_tick,
        args=(run.id,),
        disabled=not run.checkpoints or (not ticked and len(compared) >= MOST_COMPARED),
    )


def _tick(run_id: str) -> None:
    compared = compared_ids(comparable_runs())
    ticked = st.session_state[f"tick_{run_id}"]
    others = [other for other in compared if other != run_id]
    compare([*others, run_id][:MOST_COMPARED] if ticked else others)


def _colour_style(compared: Iterable[str]) -> str:
    """Return the style that gives each compared run's tick in the sidebar the colour of its curve."""
    rules = (
        f".st-key-tick_{run_id} {{ --run: var(--lab-run-{place}) }}"
        for place, run_id in enumerate(compared, 1)
    )
    return f"<style>{' '.join(rules)}</style>"
