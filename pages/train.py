"""Train: choose a network and its settings, and watch it learn."""

import streamlit as st

from mnist_core.messages import InputError
from ui import resources, visitor
from ui.fragments import page_fragment, send_to_browser
from ui.i18n import gettext as _
from ui.i18n import translate
from ui.runs.import_export import show_import
from ui.train.run_panel import show_run_panel
from ui.train.training_summary import show_network, show_training_summary
from ui.train_form.controls import show_form
from ui.train_form.state import COURSE, FORM, NETWORK, PLAN, read_form
from ui.url_state import current_run, run_through_entry


def show_what_it_amounts_to() -> None:
    """Show the plan of the training, or that there can be none yet."""
    with st.container(border=True, key="plan"):
        try:
            config = read_form()
        except InputError:
            st.markdown(_("Change the setting that is named beside the controls, then it can start."))
            return
        show_training_summary(config, resources.training_queue().busy)
    send_to_browser("plan", config)


def show_controls() -> None:
    """Show the form, and what is wrong with its settings."""
    try:
        read_form()
    except InputError as error:
        st.error(translate(error.message))
    show_form()


def show_the_network(expanded: bool) -> None:
    """Draw the network, if the settings make one."""
    try:
        show_network(read_form(), expanded)
    except InputError:
        return  # said beside the controls


run_through_entry()
st.markdown(_("Take a recipe as it is or change what you like, press start, and watch it learn."))
run = resources.find_run(current_run())
if current_run() and run is None:
    st.warning(
        _(
            "The run in this link is not on this server: it was deleted, or the server's disk was cleared. "
            "You can start a new one below."
        )
    )
with st.container(key="lab_with_run" if run else "lab"):
    settings, right = st.columns([4, 5], gap="large")
# Each a fragment, so that a setting leaves the rest of the page alone; the plan first, which answers it.
with right:
    page_fragment(show_what_it_amounts_to, key=PLAN)()
with settings:
    st.fragment(show_controls, key=FORM)()
    show_import()
with right:
    if run:
        show_run_panel(run, may_steer=visitor.owns(run), key=COURSE)
    st.fragment(show_the_network, key=NETWORK)(run is None)  # last, as it may have to load torch
