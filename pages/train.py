"""Train: choose a network and its settings, and watch it learn."""

import streamlit as st

from mnist_core.messages import InputError
from ui import resources, visitor
from ui.arrival import let_arrive
from ui.form import show_form
from ui.form_state import read_form
from ui.state import come_through_entry, current_run
from ui.takeaway import show_import
from ui.train.course import show_course
from ui.train.plan import show_network, show_plan
from ui.translation import gettext as _
from ui.translation import say

come_through_entry()
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
with right:
    plan = st.container(border=True, key="plan")
try:
    config = read_form()
except InputError as error:
    config = None
    settings.error(say(error.message))
    plan.markdown(_("Change the setting that is named beside the controls, then it can start."))
else:
    with plan:  # before the controls, so that what a change amounts to is there at once
        show_plan(config, resources.training_queue().busy)
    let_arrive("plan", config)
with settings:
    show_form()
    show_import()
with right:
    if run:
        show_course(run, may_steer=visitor.owns(run))
    if config:  # last, as it may have to load torch
        show_network(config, expanded=run is None)
