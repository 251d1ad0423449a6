"""Train: choose a network and its settings, and watch it learn."""

import streamlit as st

from mnist_core.messages import InputError
from ui import resources, visitor
from ui.canvas import last_read_image
from ui.fragments import send_to_browser
from ui.html.tables import markdown
from ui.i18n import gettext as _
from ui.navigation import link, run_through_entry
from ui.runs.changes import show_missing
from ui.runs.import_export import show_import
from ui.train.own_digit import show_note
from ui.train.pair_panel import find_pair, show_pair_panel
from ui.train.run_panel import show_run_panel
from ui.train.start_two import linked_question, show_start_two
from ui.train.training_summary import show_network, show_training_summary
from ui.train_form.controls import show_form
from ui.train_form.state import FORM, NETWORK, START_TWO, SUMMARY, read_form
from ui.url_state import current_run

RUN_PANEL = "run_panel"  # the key of the fragment that shows a run or two


def show_summary() -> None:
    """Show a summary of the settings and the start button, or why they can't be started."""
    with st.container(border=True, key="training_summary"):
        try:
            config = read_form().config()
        except InputError:
            st.markdown(_("Correct the setting named beside the controls, then training can start."))
            return
        show_training_summary(config, resources.training_queue().busy)
    send_to_browser(SUMMARY, config)


def show_start() -> None:
    """Show the summary with the start button, below the question of a link that compares two networks."""
    resources.wait_for_torch()
    if asked:
        st.fragment(show_start_two, key=START_TWO)()
    st.fragment(show_summary, key=SUMMARY)()


def show_form_and_links() -> None:
    """Show the form, and what leads to settings and weights from elsewhere."""
    st.fragment(show_settings, key=FORM)()
    link("pages/search.py", _("Search for better settings"), ":material/manage_search:", base="form")
    show_import()


def show_settings() -> None:
    """Show the form, and what is wrong with its settings."""
    form = read_form()
    try:
        form.config()
    except InputError as error:
        st.error(markdown(error.message))
    show_form(form)


def show_network_of_form(expanded: bool) -> None:
    """Draw the network, if the settings describe one."""
    try:
        show_network(read_form().config(), expanded)
    except InputError:
        return  # show_settings says why


run_through_entry()
st.markdown(
    _("Choose a recipe, change its settings if you like, start the training and watch the learning curves.")
)
run = resources.find_run(current_run())
pair = find_pair()
if current_run() and run is None:
    show_missing([current_run()], _("You can start a new one below."))
if run is None:
    show_note(last_read_image(), read_form().settings["dataset"])
asked = linked_question() and not run
with st.container(key="lab_with_run" if run else "lab_with_question" if asked else "lab"):
    left, right = st.columns([4, 5], gap="large")
# Each part is a fragment, so that a setting reruns only those it concerns; the summary comes first. On a
# server that has just started the form does, as the summary waits for PyTorch.
parts = [(right, show_start), (left, show_form_and_links)]
for column, show in parts if resources.torch_job().finished else reversed(parts):
    with column:
        show()
with right:
    if not asked:
        st.fragment(show_start_two, key=START_TWO)()
    if pair:
        show_pair_panel(pair, key=RUN_PANEL)
    elif run:
        show_run_panel(run, may_control=visitor.owns(run), key=RUN_PANEL)
    st.fragment(show_network_of_form, key=NETWORK)(run is None)  # last: it may have to load torch
