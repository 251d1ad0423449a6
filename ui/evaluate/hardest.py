"""The images that cost it most, whatever they were read as."""

import streamlit as st

from ui.evaluate.asked import Asked
from ui.evaluate.images import show_images
from ui.evaluate.shared import evaluation
from ui.translation import gettext as _

AT_ONCE = 24


def show(asked: Asked) -> None:
    """Show the section."""
    result = evaluation(asked)
    st.subheader(_("Its hardest images"))
    st.markdown(
        _(
            "Images it gave the least probability to the right digit, the worst first: **{wrong}** of these "
            "{all} it reads wrong. Below each: its true digit, what was read, and how sure it was."
        ).format(wrong=f"{len(result.errors):,}", all=f"{len(result.labels):,}")
    )
    show_images(asked, result, result.hardest, AT_ONCE)
