"""Explore: what the images are, before anything is trained on them."""

import streamlit as st

from ui import resources
from ui.arrival import page_fragment
from ui.controls import choice_in_url
from ui.explore import doubtful, grid, image_map, one_image, typical, whole_split
from ui.explore.choices import VIEW_KEY
from ui.state import come_through_entry
from ui.translation import gettext as _
from ui.welcome import show_intro

SECTIONS = {
    "grid": grid.show,
    "image": one_image.show,
    "statistics": whole_split.show,
    "typical": typical.show,
    "map": image_map.show,
    "doubtful": doubtful.show,
}


@page_fragment
def show_sections() -> None:
    """Show everything in a fragment, so that a click reruns no more than this."""
    names = {
        "grid": _("Nine at a time"),
        "image": _("One image"),
        "statistics": _("Statistics"),
        "typical": _("Typical and odd"),
        "map": _("Map"),
        "doubtful": _("Doubtful labels"),
    }
    view = choice_in_url(
        st.pills, _("Section"), names, VIEW_KEY, "grid", required=True, label_visibility="collapsed"
    )
    SECTIONS[view](resources.dataset())


come_through_entry()
show_intro()
show_sections()
