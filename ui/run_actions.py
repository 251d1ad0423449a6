"""What can be done to a run: rename, pin, delete and have back."""

from collections.abc import Callable

import streamlit as st

from mnist_core.messages import InputError
from ui import resources, visitor
from ui.state import RUN_KEY, current_run
from ui.translation import gettext as _
from ui.translation import say
from ui.url import put_in_url

REMOVED_KEY = "removed_runs"  # id and name of what this session deleted, the latest last
PROBLEM_KEY = "run_problem"


def may_change(run_id: str) -> bool:
    """Say whether the run is there and the visitor's to change."""
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
            put_in_url({RUN_KEY: None})


def bring_back(run_id: str) -> None:
    """Bring back a run that this session deleted, as the current one."""
    removed = st.session_state[REMOVED_KEY]
    st.session_state[REMOVED_KEY] = [(gone, name) for gone, name in removed if gone != run_id]
    if _try(lambda: resources.run_store().restore(run_id)):
        put_in_url({RUN_KEY: run_id})


def show_undo() -> None:
    """Say what was deleted last, with the way back, and what went wrong."""
    if problem := st.session_state.pop(PROBLEM_KEY, None):
        st.error(say(problem))
    if removed := st.session_state.get(REMOVED_KEY):
        run_id, name = removed[-1]
        with st.container(horizontal=True, border=True, vertical_alignment="center", key="removed"):
            st.text(_("Deleted: {run}").format(run=name))
            st.button(_("Undo"), icon=":material/undo:", on_click=bring_back, args=(run_id,))


def _try(change: Callable[[], object]) -> bool:
    try:
        change()
    except InputError as error:
        st.session_state[PROBLEM_KEY] = error.message
        return False
    return True
