"""The introduction for visitors without runs: what this is, and three steps."""

import streamlit as st

from ui import visitor
from ui.i18n import gettext as _
from ui.url_state import link

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
            "In this lab you look at the digits of MNIST, train a neural network on them and watch it learn, "
            "see where it errs, and let it read your own writing."
        )
    )
    with st.container(horizontal=True):
        link("pages/train.py", _("Train a network"), ":material/model_training:")
        link("pages/draw.py", _("Draw a digit"), ":material/draw:")


def _show_steps() -> None:
    with st.container(border=True, key="welcome", horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(_("Here a neural network learns to read handwritten digits. Three steps to begin:"))
        st.html(
            CLOSE.format(label=_("Close"), cookie=WELCOMED_COOKIE),
            unsafe_allow_javascript=True,
            width="content",
        )
        st.markdown(_("**1** Look at the digits below"), width="content")
        link("pages/train.py", _("**2** Train a network, in seconds"))
        link("pages/draw.py", _("**3** Draw a digit and have it read"))
