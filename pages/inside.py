"""Inside: what a network has learned, at any checkpoint of its training."""

import streamlit as st

from mnist_core.runs.run import Run
from ui import resources
from ui.i18n import gettext as _
from ui.inside import gradient_charts, image_map, layers, playback, predictions
from ui.inside.selection import choose_snapshot
from ui.navigation import run_through_entry
from ui.runs.choice import pick_run
from ui.train_form.state import show_missing_dataset_of_link
from ui.url_controls import show_section

SECTIONS = {
    "layers": layers.show,
    "answers": predictions.show,
    "map": image_map.show,
    "learning": gradient_charts.show,
}


@st.fragment
def show_run(run: Run) -> None:
    """Show a run in a fragment, so that the slider reruns no more than this."""
    with st.container(key="lab_checkpoint", horizontal=True, vertical_alignment="bottom"):
        inspected = choose_snapshot(run)
        if len(inspected.snapshots) > 1:
            playback.show_button(inspected)
    names = {
        "layers": _("Weights and feature maps"),
        "answers": _("Predictions"),
        "map": _("PCA and t-SNE"),
        "learning": _("Gradients and updates"),
    }
    show_section(names, SECTIONS, "part", inspected)
    playback.show_clock(inspected)


run_through_entry()
st.markdown(
    _(
        "Weights, feature maps and predictions of a network at every checkpoint of its "
        "training. Move the slider to change the checkpoint."
    )
)
playback.stop()
show_missing_dataset_of_link()
resources.wait_for_torch()
show_run(pick_run())
