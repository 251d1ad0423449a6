"""What follows a page's data set above its content: the headings of Explore and Draw, the notice on MNIST."""

import streamlit as st

from mnist_core.dataset_choices import MNIST
from mnist_core.messages import N_
from ui import resources, visitor
from ui.class_names import dataset_name, is_digits, kind
from ui.i18n import gettext as _
from ui.navigation import DRAW, EXPLORE, PLACES, show_unknown_address
from ui.runs.names import readable_runs
from ui.train_form.state import read_form
from ui.url_state import compared_runs, current_run, url_parameters

SHOWN_KEY = "shown_above"  # in the session: the heading, and whether the page shows MNIST
PAGES_OF_A_RUN = ("evaluate", "inside", "draw", "compare")
DRAW_HEADINGS = {
    "digit": N_("Draw a digit"),
    "letter": N_("Draw a letter"),
    "character": N_("Draw a character"),
    "garment": N_("Show a garment"),
    "image": N_("Draw or show an image"),
}


def show_top(page: str) -> None:
    """Show a page's heading, and before it what is due: that an address has no page, that MNIST is missing.

    `page` is the name of the page's file.
    """
    due = shows_mnist(page)
    # The container keeps the place: what follows would be made anew when the notice comes, without the focus.
    with st.container(key="notice_place"):
        show_unknown_address()
        if due:
            resources.show_notice(visitor.is_private())
    heading = page_heading(page)
    st.title(heading)
    st.session_state[SHOWN_KEY] = heading, due


def follow(page: str, heading: str) -> None:
    """Show the whole page again if a choice in a fragment, which can't change its top, needs another one."""
    shown = heading, shows_mnist(page)
    if st.session_state.get(SHOWN_KEY, shown) != shown:
        st.rerun()


def shows_mnist(page: str) -> bool:
    """Whether a page, with its present address, shows images of MNIST."""
    if page == "learn":
        return True
    if page in PAGES_OF_A_RUN:
        ids = compared_runs() if page == "compare" else [current_run()]
        run = resources.find_run(ids[0]) if ids else None
        dataset = run.config.dataset if run else MNIST
    else:
        dataset = read_form().settings["dataset"]
    return MNIST in (dataset, url_parameters().get("on"))


def page_heading(page: str) -> str:
    """Return the heading of a page."""
    following = {EXPLORE: explore_heading, DRAW: draw_heading}
    _icon, _title, heading = PLACES[page]
    return following[page]() if page in following else _(heading)


def explore_heading(dataset: str | None = None) -> str:
    """Return the heading of Explore for a data set, or for the one that the URL names."""
    if dataset is None:
        dataset = read_form().settings["dataset"]
    return _("Handwritten digits") if is_digits(dataset) else dataset_name(dataset)


def draw_heading(dataset: str | None = None) -> str:
    """Return the heading of Draw for a network of a data set, or for the one that the page begins with."""
    if dataset is None:
        runs = readable_runs()
        run = next((run for run in runs if run.id == current_run()), runs[0] if runs else None)
        dataset = run.config.dataset if run else MNIST
    return _(DRAW_HEADINGS[kind(dataset)])
