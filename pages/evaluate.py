"""Evaluate: how a trained network does on images it has never seen, and why it errs where it does."""

import streamlit as st

from ui import resources
from ui.arrival import page_fragment
from ui.evaluate import digit_by_digit, hardest, mix_ups, robustness, sureness
from ui.evaluate.asked import Asked, choose_split
from ui.evaluate.overview import show_summary
from ui.evaluate.shared import evaluation
from ui.reading import hold_if_stopped, progress_and_stop
from ui.runs import pick_run
from ui.sections import show_section
from ui.state import come_through_entry, link
from ui.translation import gettext as _

SECTIONS = {
    "mixups": mix_ups.show,
    "digits": digit_by_digit.show,
    "hardest": hardest.show,
    "sure": sureness.show,
    "robust": robustness.show,
}


@page_fragment
def show_sections(asked: Asked) -> None:
    """Show the sections in a fragment, so that a click in one reruns no more than this."""
    names = {
        "mixups": _("Mix-ups"),
        "digits": _("Digit by digit"),
        "hardest": _("Hardest images"),
        "sure": _("How sure"),
        "robust": _("Robustness"),
    }
    show_section(names, SECTIONS, "view", asked)


come_through_entry()
st.markdown(_("How well a network reads digits it has never seen, where it goes wrong, and why."))
with st.container(horizontal=True, vertical_alignment="bottom", key="lab_asked"):
    run = pick_run()
    chosen = choose_split(run, resources.dataset())
hold_if_stopped(chosen.key)
place = st.empty()
with place.container():
    bar = progress_and_stop(chosen.key)
    with st.spinner(_("Reading the images …")):
        found = evaluation(chosen, lambda fraction: bar(fraction, ""))
place.empty()
show_summary(chosen, found)
show_sections(chosen)
link("pages/draw.py", _("Let it read your own writing"), ":material/draw:")
