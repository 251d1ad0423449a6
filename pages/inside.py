"""Inside: what goes on in a network, at any moment of its training."""

import streamlit as st

from mnist_core.runs.run import Run
from ui.arrival import page_fragment
from ui.inside import answers, image_map, layers, learning
from ui.inside.travel import choose_moment
from ui.runs import pick_run
from ui.sections import show_section
from ui.state import come_through_entry
from ui.translation import gettext as _

SECTIONS = {"layers": layers.show, "answers": answers.show, "map": image_map.show, "learning": learning.show}


@page_fragment
def show_run(run: Run) -> None:
    """Show a run in a fragment, so that the slider reruns no more than this."""
    seen = choose_moment(run)
    names = {
        "layers": _("Weights and layers"),
        "answers": _("Answers"),
        "map": _("Map"),
        "learning": _("How it learned"),
    }
    show_section(names, SECTIONS, "part", seen)


come_through_entry()
st.markdown(
    _("What a network has learned, layer by layer. Move the slider to see it as it was while it trained.")
)
show_run(pick_run())
