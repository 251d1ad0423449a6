"""Compare: trained networks side by side, and whether their difference is more than chance."""

import streamlit as st

from ui.compare import accuracy, curves, disagreements, seed_groups
from ui.compare.selection import choose_runs, show_address, show_note, show_settings
from ui.i18n import gettext as _
from ui.navigation import run_through_entry
from ui.runs.choice import COMPARISON
from ui.train_form.state import show_missing_dataset_of_link
from ui.url_controls import show_section

SECTIONS = {
    "accuracy": accuracy.show,
    "settings": show_settings,
    "curves": curves.show,
    "images": disagreements.show,
    "repeats": seed_groups.show,
}


def show_page() -> None:
    """Show everything in a fragment, so that a choice reruns no more than this."""
    with st.container():  # always there: the field of the note, below, would close if it moved
        show_note()
    chosen = choose_runs()
    names = {
        "accuracy": _("Accuracy"),
        "settings": _("Settings"),
        "curves": _("Learning curves"),
        "images": _("Disagreements"),
        "repeats": _("Seed variance"),
    }
    show_section(names, SECTIONS, "part", chosen)
    show_address(chosen)


run_through_entry()
st.markdown(
    _(
        "Compare trained networks: accuracy, settings, learning curves, and whether a "
        "difference is statistically significant."
    )
)
show_missing_dataset_of_link()
st.fragment(show_page, key=COMPARISON)()
