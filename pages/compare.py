"""Compare: trained networks side by side, and whether their difference is more than chance."""

import streamlit as st

from mnist_core.messages import InputError
from ui.compare import accuracy, curves, images, repeats, settings
from ui.compare.choosing import choose_runs, show_address
from ui.state import choice_in_url, come_through_entry
from ui.translation import gettext as _
from ui.translation import say

SECTIONS = {
    "accuracy": accuracy.show,
    "settings": settings.show,
    "curves": curves.show,
    "images": images.show,
    "repeats": repeats.show,
}


@st.fragment
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
    part = choice_in_url(
        st.pills, _("Section"), names, "part", "accuracy", required=True, label_visibility="collapsed"
    )
    try:
        SECTIONS[part](chosen)
    except InputError as error:
        st.error(say(error.message))
    show_address(chosen)


come_through_entry()
st.markdown(
    _("Networks side by side: what differs, how they learned, and whether a difference is more than luck.")
)
show_page()
