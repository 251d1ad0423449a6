"""Search: the best settings, found by trials, and how certain the result is."""

from collections.abc import Callable, Sequence
from contextlib import suppress

import streamlit as st

from mnist_core.messages import InputError
from mnist_core.search.study import Search, SearchTrial
from ui import resources
from ui.i18n import gettext as _
from ui.navigation import run_through_entry
from ui.search import figures
from ui.search.form import show_form
from ui.search.search_status import show_best, show_list, show_status
from ui.search.trials import show_trials
from ui.search.work import STUDY_KEY, current_search, listed_searches, may_change
from ui.url_controls import url_choice
from ui.url_state import set_url_parameters, url_parameters

SECTIONS: dict[str, Callable[[Search, Sequence[SearchTrial]], None]] = {
    "trials": show_trials,
    "history": figures.show_history,
    "coordinates": figures.show_coordinates,
    "importances": figures.show_importances,
    "slices": figures.show_slices,
    "front": figures.show_front,
}
FORM = "search_form"


def show_search(search: Search) -> None:
    """Show one search."""
    trials = search.trials()
    show_status(search, trials)
    show_best(search, trials)
    names = {
        "trials": _("Trials"),
        "history": _("History"),
        "coordinates": _("Parallel coordinates"),
        "importances": _("Importances"),
        "slices": _("Slices"),
        "front": _("Pareto front"),
    }
    if search.plan.aim != "size":
        del names["front"]
    chosen = url_choice(
        st.pills, _("Section"), names, "part", "trials", required=True, label_visibility="collapsed"
    )
    SECTIONS[chosen](search, trials)
    st.divider()
    with st.container(horizontal=True):
        st.button(
            _("New search"), icon=":material/add:", on_click=set_url_parameters, args=({STUDY_KEY: None},)
        )
        if may_change(search):
            with st.popover(_("Delete this search"), icon=":material/delete:"):
                st.markdown(_("It can't be brought back; its runs stay."))
                st.button(_("Delete it"), key="delete_search", on_click=delete, args=(search,))
    st.caption(_("Everyone with the link to this page can view the search."))


def delete(search: Search) -> None:
    """Delete the search on the page, unless another tab did; its workers stop."""
    with suppress(InputError):
        resources.searches().delete(search)
    set_url_parameters({STUDY_KEY: None})


run_through_entry()
st.markdown(
    _(
        "A search trains many networks that differ in a few settings, and finds which settings are best. "
        "Each trial is a run of its own, judged on validation images."
    )
)
found = current_search()
if found:
    show_search(found)
else:
    if url_parameters().get(STUDY_KEY):
        st.warning(_("This search does not exist; it was deleted, or its link is incomplete."))
    st.fragment(show_form, key=FORM)()
    show_list(listed_searches(), _("Your searches"))
