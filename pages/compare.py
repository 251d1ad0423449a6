"""Compare: trained networks side by side, and whether their difference is more than chance."""

import streamlit as st

from ui.arrival import page_fragment
from ui.compare import accuracy, curves, images, repeats, settings
from ui.compare.choosing import choose_runs, show_address
from ui.sections import show_section
from ui.state import come_through_entry
from ui.translation import gettext as _

SECTIONS = {
    "accuracy": accuracy.show,
    "settings": settings.show,
    "curves": curves.show,
    "images": images.show,
    "repeats": repeats.show,
}


@page_fragment
def show_page() -> None:
    """Show everything in a fragment, so that a choice reruns no more than this."""
    chosen = choose_runs()
    names = {
        "accuracy": _("Accuracy"),
        "settings": _("Settings"),
        "curves": _("Curves"),
        "images": _("Images"),
        "repeats": _("Several seeds"),
    }
    show_section(names, SECTIONS, "part", chosen)
    show_address(chosen)


come_through_entry()
st.markdown(
    _("Networks side by side: what differs, how they learned, and whether a difference is more than luck.")
)
show_page()
