"""What follows a page's data set above its content: the headings of Explore and Draw, the notice on MNIST."""

import streamlit as st

from mnist_core.dataset_choices import MNIST
from mnist_core.messages import N_
from ui import resources, visitor
from ui.class_names import dataset_name, is_digits, kind
from ui.i18n import gettext as _
from ui.navigation import DRAW, EXPLORE, PLACES
from ui.runs.names import readable_runs
from ui.train_form.state import read_form
from ui.url_state import compared_runs, current_run, url_parameters

SHOWN_KEY = "shown_heading"  # in the session
PAGES_OF_A_RUN = ("evaluate", "inside", "draw", "compare")
DRAW_HEADINGS = {
    "digit": N_("Draw a digit"),
    "letter": N_("Draw a letter"),
    "character": N_("Draw a character"),
    "garment": N_("Show a garment"),
    "image": N_("Draw or show an image"),
}


def show_notice(page: str) -> None:
    """Show the notice that the offline sample stands for MNIST, if the page shows MNIST."""
    ids = compared_runs() if page == "compare" else [current_run()]
    run = resources.find_run(ids[0]) if ids else None
    if page == "learn":
        dataset = MNIST
    elif page in PAGES_OF_A_RUN:
        dataset = run.config.dataset if run else MNIST
    else:
        dataset = read_form().settings["dataset"]
    if MNIST in (dataset, url_parameters().get("on")):
        resources.show_notice(visitor.is_private())


def page_heading(page: str) -> str:
    """Return the heading of a page, given the name of its file."""
    following = {EXPLORE: explore_heading, DRAW: draw_heading}
    _icon, _title, heading = PLACES[page]
    return following[page]() if page in following else _(heading)


def show_heading(heading: str) -> None:
    """Show the page's heading."""
    st.title(heading)
    st.session_state[SHOWN_KEY] = heading


def follow(heading: str) -> None:
    """Show the whole page again if a choice in a fragment, which can't change it, needs another heading."""
    if st.session_state.get(SHOWN_KEY, heading) != heading:
        st.rerun()


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
