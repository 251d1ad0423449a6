"""Explore: the images, before anything is trained on them; and an introduction for who is new."""

import streamlit as st

from ui import resources, visitor
from ui.explore import doubtful_labels, image_map, outliers, sample_grid, single_image, split_statistics
from ui.explore.selection import VIEW_KEY
from ui.fragments import page_fragment
from ui.i18n import gettext as _
from ui.navigation import link, run_through_entry
from ui.url_controls import url_choice

WELCOMED_COOKIE = "digitlab_welcomed"
# The browser closes and remembers by itself: no round trip, and nothing to keep for the server.
CLOSE = """<button type="button" id="lab-close" aria-label="{label}" title="{label}">✕</button>
<script>{{
  const welcomed = () => document.documentElement.classList.add('lab-welcomed');
  if (document.cookie.includes('{cookie}=1')) welcomed();
  document.getElementById('lab-close').addEventListener('click', () => {{
    document.cookie = '{cookie}=1; path=/; max-age=31536000; SameSite=Lax';
    welcomed();
  }});
}}</script>"""


def show_intro() -> None:
    """Say what the lab is for, and where to go: in three steps for who is new."""
    if st.context.cookies.get(WELCOMED_COOKIE) == "1" or visitor.listed_runs():
        _show_usual()
    else:
        _show_steps()


def _show_usual() -> None:
    st.markdown(
        _(
            "In this lab you explore the digits of MNIST, train a neural network on them, "
            "evaluate its errors, and test it on your own handwriting."
        )
    )
    with st.container(horizontal=True):
        link("pages/train.py", _("Train a network"), ":material/model_training:")
        link("pages/draw.py", _("Draw a digit"), ":material/draw:")


def _show_steps() -> None:
    with st.container(border=True, key="welcome", horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(_("Train a neural network to classify handwritten digits. Three steps to begin:"))
        st.html(
            CLOSE.format(label=_("Close"), cookie=WELCOMED_COOKIE),
            unsafe_allow_javascript=True,
            width="content",
        )
        st.markdown(_("**1** Explore the data set below"), width="content")
        link("pages/train.py", _("**2** Train a network, in seconds"))
        link("pages/draw.py", _("**3** Draw a digit and see the prediction"))


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
        "grid": _("Samples"),
        "image": _("Single image"),
        "statistics": _("Statistics"),
        "typical": _("Outliers"),
        "map": _("PCA and t-SNE"),
        "doubtful": _("Label errors"),
    }
    view = url_choice(
        st.pills, _("Section"), names, VIEW_KEY, "grid", required=True, label_visibility="collapsed"
    )
    SECTIONS[view](resources.dataset())


run_through_entry()
show_intro()
show_sections()
