"""Explore: the images, before anything is trained on them."""

import streamlit as st

from ui import resources
from ui.explore import doubtful_labels, image_map, outliers, sample_grid, single_image, split_statistics
from ui.explore.selection import VIEW_KEY
from ui.fragments import page_fragment
from ui.i18n import gettext as _
from ui.url_controls import url_choice
from ui.url_state import run_through_entry
from ui.welcome import show_intro

SECTIONS = {
    "grid": sample_grid.show,
    "image": single_image.show,
    "statistics": split_statistics.show,
    "typical": outliers.show,
    "map": image_map.show,
    "doubtful": doubtful_labels.show,
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
    view = url_choice(
        st.pills, _("Section"), names, VIEW_KEY, "grid", required=True, label_visibility="collapsed"
    )
    SECTIONS[view](resources.dataset())


run_through_entry()
show_intro()
show_sections()
