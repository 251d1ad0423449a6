"""Explore: the images, before anything is trained on them; and an introduction for new visitors."""

import streamlit as st

from mnist_core.data.mnist import Dataset
from mnist_core.dataset_choices import MNIST
from ui import resources
from ui.class_names import show_dataset_description
from ui.explore import doubtful_labels, image_map, outliers, sample_grid, single_image, split_statistics
from ui.explore.selection import VIEW_KEY, choose_dataset
from ui.explore.welcome import is_newcomer, show_drawing, show_short_intro, show_welcome
from ui.fragments import clear_slots
from ui.i18n import gettext as _
from ui.navigation import EXPLORE, link, run_through_entry
from ui.page_headings import explore_heading, follow
from ui.train_form.state import read_form, show_missing_dataset
from ui.url_controls import url_choice
from ui.url_state import DATASET_KEY, url_parameters

PARTS_OF_SAMPLES = 3  # its elements on the page: they go before another section is computed


def show_first_samples(data: Dataset) -> None:
    """Show a new visitor the images with a canvas beside them."""
    show_welcome()
    sample_grid.show_beside(data, show_drawing)


SECTIONS = {
    "grid": sample_grid.show,
    "image": single_image.show,
    "statistics": split_statistics.show,
    "typical": outliers.show,
    "map": image_map.show,
    "doubtful": doubtful_labels.show,
}


@st.fragment
def show_sections(is_new: bool) -> None:
    """Show everything in a fragment, so that a click reruns no more than this; `is_new`: see is_newcomer."""
    names = {
        "grid": _("Samples"),
        "image": _("Single image"),
        "statistics": _("Statistics"),
        "typical": _("Outliers"),
        "map": _("PCA and t-SNE"),
        "doubtful": _("Label errors"),
    }
    with st.container(key="sections", horizontal=True, vertical_alignment="center"):
        view = url_choice(
            st.pills, _("Section"), names, VIEW_KEY, "grid", required=True, label_visibility="collapsed"
        )
        # A canvas stands beside the images for who is new and has not asked for another data set.
        is_first = view == "grid" and is_new and DATASET_KEY not in url_parameters()
        dataset = MNIST if is_first else choose_dataset()
    follow(EXPLORE, explore_heading(dataset))
    show_missing_dataset(_("MNIST is shown instead; choose another data set above."))
    show_dataset_description(dataset)
    if view != "grid":
        clear_slots(PARTS_OF_SAMPLES)
    show = show_first_samples if is_first else SECTIONS[view]
    show(resources.dataset(dataset))


run_through_entry()
is_new = is_newcomer()
if not is_new:
    show_short_intro(read_form().settings["dataset"])
sections = st.container()
link("pages/data.py", _("Bring your own data"), ":material/dataset:")
with sections:  # last: they end the page's run while a data set is not there
    show_sections(is_new)
