"""The searches that this server works on, and what visitors may do with them."""

from collections.abc import Callable

import streamlit as st

from mnist_core.messages import N_, InputError, Message
from mnist_core.search.plan import SearchPlan
from mnist_core.search.study import Search, Studies
from ui import resources, visitor
from ui.i18n import gettext as _
from ui.url_state import url_parameters

STUDY_KEY = "study"  # in the URL: the id of the search on the page
PROBLEM_KEY = "search_problem"  # why the last start was refused
MOST_KEPT = 50  # searches of a visitor of a public server


def studies() -> Studies:
    """Return the searches beside the server's runs."""
    return Studies(resources.run_store().directory)


def current_search() -> Search | None:
    """Return the search in the URL; None if there is none. A link is enough to see it.

    Raises InputError if the database of searches can't be read.
    """
    with st.spinner(_("Opening the search")):  # Optuna takes a second, once
        return studies().find(url_parameters().get(STUDY_KEY, ""))


def listed_searches() -> list[Search]:
    """Return the visitor's searches, the newest first; on a local server all."""
    private, me = visitor.is_private(), visitor.identity()
    return [search for search in studies().list() if not private or search.owner == me]


def may_change(search: Search) -> bool:
    """Return whether the visitor may stop and continue a search, or only view it."""
    return not visitor.is_private() or search.owner == visitor.identity()


def begin(plan: SearchPlan, here: bool = False) -> Search:
    """Create a search of the visitor's and work on it, see go_on.

    Raises InputError if a limit forbids it, or the settings it begins from don't fit into memory.
    """
    from mnist_core.training.memory import check_memory

    check_memory(plan.base)
    limits = visitor.limits()
    limits.check_training(plan.base)
    if visitor.is_private():
        kept = listed_searches()
        if any(is_working(search.id) for search in kept):
            raise InputError(
                N_("You have a search that is under way; stop it first, or wait until it has ended.")
            )
        if len(kept) >= MOST_KEPT:
            raise InputError(
                N_("This server keeps {most} searches of each visitor; delete one."), most=MOST_KEPT
            )
    search = studies().create(plan, owner=visitor.identity())
    go_on(search, here)
    return search


def go_on(search: Search, here: bool = False) -> None:
    """Have this server work on a search, unless it does.

    With `here` it trains the trials itself, as its cluster can't be reached.
    """
    resources.searches().go_on(search, visitor.limits(), here)


def is_working(search_id: str) -> bool:
    """Return whether this server works on a search."""
    return resources.searches().is_working(search_id)


def problem(search: Search) -> Message | None:
    """Return why a search ended early: what the study knows, or this server's worker."""
    return resources.searches().problem(search)


def attempt(change: Callable[[], object]) -> None:
    """Carry out a button's change; show a refusal when the page is drawn next."""
    try:
        change()
    except InputError as error:
        st.session_state[PROBLEM_KEY] = error.message
