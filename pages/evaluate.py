"""Evaluate: how a network does on images it has never seen, and where and why it errs."""

import streamlit as st

from ui import resources
from ui.evaluate import confusion_matrix, image_list, per_class_table, reliability, robustness_table
from ui.evaluate.selection import (
    EvaluatedSplit,
    choose_dataset,
    choose_split,
    evaluation,
    show_missing_tried,
    show_summary,
)
from ui.evaluations import evaluation_progress, hold_if_stopped
from ui.i18n import gettext as _
from ui.navigation import link, run_through_entry
from ui.runs.choice import pick_run
from ui.train_form.state import show_missing_dataset_of_link
from ui.url_controls import show_section

SECTIONS = {
    "mixups": confusion_matrix.show,
    "digits": per_class_table.show,
    "hardest": image_list.show,
    "sure": reliability.show,
    "robust": robustness_table.show,
}


@st.fragment
def show_sections(evaluated: EvaluatedSplit) -> None:
    """Show the sections in a fragment, so that a click in one reruns no more than this."""
    names = {
        "mixups": _("Confusion matrix"),
        "digits": _("Per class"),
        "hardest": _("Worst errors"),
        "sure": _("Calibration"),
        "robust": _("Robustness"),
    }
    show_section(names, SECTIONS, "view", evaluated)


run_through_entry()
st.markdown(
    _("How well a network classifies images it was not trained on, which ones it gets wrong, and why.")
)
show_missing_dataset_of_link()
with st.container(horizontal=True, vertical_alignment="bottom", key="lab_asked"):
    run = pick_run()
    chosen = choose_split(run, resources.dataset(choose_dataset(run)))
show_missing_tried(run)
hold_if_stopped(chosen.key)
place = st.empty()
with place.container():
    bar = evaluation_progress(chosen.key)
    with st.spinner(_("Classifying the images")):
        found = evaluation(chosen, lambda fraction: bar(fraction, ""))
place.empty()
show_summary(chosen, found)
show_sections(chosen)
link("pages/draw.py", _("Test it on your handwriting"), ":material/draw:")
