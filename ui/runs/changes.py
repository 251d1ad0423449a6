"""Changes by visitors to their runs: name, pin, deletion and its undo; and messages on deleted runs."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import streamlit as st

from mnist_core.dataset_choices import is_here, is_own_key
from mnist_core.messages import InputError
from mnist_core.runs.run import UNFINISHED, Run
from ui import resources, visitor
from ui.html.tables import escape_markdown, markdown
from ui.i18n import gettext as _
from ui.i18n import list_text, ngettext, sentences_text
from ui.runs.names import names_of
from ui.url_state import DATASET_KEY, RUN_KEY, compared_runs, current_run, set_url_parameters, url_parameters

REMOVED_KEY = "removed_runs"  # for each deletion of this session the names of the runs by id, the latest last
PROBLEM_KEY = "run_problem"
SECONDS_BETWEEN_LOOKS = 5.0
UNDO = ":material/undo:"
MOST_NAMED = 3  # names in the line about a deletion


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
    pin_all([run_id], st.session_state[key])


def pin_all(run_ids: Iterable[str], pinned: bool) -> None:
    """Pin or unpin the runs that the visitor may change."""
    for run_id in filter(may_change, run_ids):
        _try(lambda run_id=run_id: resources.run_store().pin(run_id, pinned))


def may_delete(run: Run) -> bool:
    """Return whether the visitor may delete a run now: their own, unless it waits or trains."""
    return visitor.owns(run) and run.status not in UNFINISHED


def remove(names: Mapping[str, str]) -> None:
    """Move runs to the trash, and remember their `names`, by id, for Undo."""
    removed = {
        run_id: name
        for run_id, name in names.items()
        if may_change(run_id) and _try(lambda run_id=run_id: resources.run_store().remove(run_id))
    }
    if removed:
        st.session_state.setdefault(REMOVED_KEY, []).append(removed)
    if current_run() in removed:
        set_url_parameters({RUN_KEY: None})


def _undo(deletions: Sequence[Mapping[str, str]]) -> None:
    """Bring back the runs of some deletions of this session; the last of them becomes the current run."""
    refused = {run_id for deletion in deletions for run_id in deletion if not restore(run_id)}
    left = [
        {run_id: name for run_id, name in deletion.items() if deletion not in deletions or run_id in refused}
        for deletion in st.session_state[REMOVED_KEY]
    ]
    st.session_state[REMOVED_KEY] = [deletion for deletion in left if deletion]


def restore(run_id: str) -> bool:
    """Bring a deleted run of the visitor's back, as the current one.

    Returns False if it is over the visitor's limits: it can be restored later, once they have room.
    """
    store = resources.run_store()
    run = store.deleted(run_id)
    if run is not None and not visitor.owns(run):
        return True
    if run is not None and not _try(lambda: visitor.limits().check_disk(store, visitor.identity())):
        return False
    if _try(lambda: store.restore(run_id)) and run_id not in (compared_runs() or ()):
        set_url_parameters({RUN_KEY: run_id})
    return True


def show_undo() -> None:
    """Show what was deleted, the latest first, each deletion with its undo button, and what went wrong."""
    show_problem()
    deletions = st.session_state.get(REMOVED_KEY, [])
    for deletion in reversed(deletions):
        key = next(iter(deletion))
        with st.container(horizontal=True, border=True, vertical_alignment="center", key=f"removed_{key}"):
            st.text(_("Deleted: {run}").format(run=_names_text(deletion.values())))
            st.button(_("Undo"), icon=UNDO, key=f"undo_{key}", on_click=_undo, args=([deletion],))
    count = sum(map(len, deletions))
    if len(deletions) > 1:
        label = ngettext("Undo all: {count} run", "Undo all: {count} runs", count).format(count=count)
        st.button(label, icon=UNDO, key="undo_all", on_click=_undo, args=(deletions,))


def show_problem() -> None:
    """Show why the last change failed."""
    if problem := st.session_state.pop(PROBLEM_KEY, None):
        st.error(markdown(problem))


def _names_text(names: Iterable[str]) -> str:
    """Return names as a list; of many only the first, and the number of the others."""
    first, rest = list(names)[:MOST_NAMED], list(names)[MOST_NAMED:]
    if not rest:
        return list_text(first)
    return list_text([*first, _("and {count} more").format(count=len(rest))])


def _try(change: Callable[[], object]) -> bool:
    try:
        change()
    except InputError as error:
        st.session_state[PROBLEM_KEY] = error.message
        return False
    return True


def watch_for_deletion() -> None:
    """Rerun the page when a run or data set of its URL is deleted or restored, as in another tab."""
    run = resources.find_run(current_run())
    sets = {url_parameters().get(DATASET_KEY, ""), run.config.dataset if run else ""}
    shown = [run_id for run_id in (current_run(), *(compared_runs() or ())) if run_id]
    shown += filter(is_own_key, sets)
    if shown:
        st.fragment(_watch, run_every=SECONDS_BETWEEN_LOOKS)({each: _exists(each) for each in shown})


def _watch(known: Mapping[str, bool]) -> None:
    if any(_exists(each) != existed for each, existed in known.items()):
        st.rerun()


def _exists(key: str) -> bool:
    """Whether there is a run with this id, or an own data set with this key."""
    return is_here(key) if is_own_key(key) else resources.find_run(key) is not None


def show_missing(run_ids: Iterable[str | None], advice: str) -> None:
    """Say which runs of the URL don't exist any more, with `advice`; offer to restore the visitor's own."""
    missing = [run_id for run_id in run_ids if run_id and not _exists(run_id)]
    if not missing:
        return
    show_problem()
    found = [run for run_id in missing if (run := resources.run_store().deleted(run_id))]
    names = names_of(run for run in found if visitor.owns(run))
    with st.container(key="missing_runs"):
        if len(names) < len(missing):
            gone = _("The run in this link is not on this server: it was deleted, or the disk was cleared.")
            st.warning(sentences_text([gone, advice]))
        if names:
            words = _("Deleted: {run}.").format(run=escape_markdown(_names_text(names.values())))
            st.warning(sentences_text([words, advice]))
        for run_id, name in names.items():
            label = _("Restore {run}").format(run=escape_markdown(name))
            if st.button(label, icon=UNDO, key=f"restore_{run_id}"):
                restore(run_id)
                st.rerun()
