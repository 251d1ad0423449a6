"""A map of the test images as the last hidden layer sees them: by PCA at once, by t-SNE on demand."""

import numpy as np
import streamlit as st

from ui import resources
from ui.controls import choice_in_url
from ui.explore.image_map import choose_method, map_words
from ui.inside.charts import answer_map_spec, answer_points
from ui.inside.shared import evaluation_at, map_at, tsne_at
from ui.inside.travel import Seen
from ui.translation import gettext as _
from ui.watching import SECONDS_BETWEEN_LOOKS, is_watched, progress_and_stop, start_button

WATCHED_KEY = "hidden_tsne_watched"


def show(seen: Seen) -> None:
    """Show the section."""
    with st.container(horizontal=True, vertical_alignment="center"):
        method, colours = choose_method(), _choose_colours()
    if method == "pca":
        with st.spinner(_("Sending the test images through …")):
            found = map_at(seen)
        _show_map(seen, found.coordinates, colours)
        first, second = found.shares[:2]
        words = _(
            "What the last layer gets of each image, laid flat along the two directions in which the images "
            "differ most ({first:.0%} and {second:.0%} of it), and turned so that they move little between "
            "moments. Training pulls the digits apart until ten straight cuts tell them."
        )
        st.markdown(words.format(first=first, second=second))
    else:
        _show_tsne(seen, colours)


def _choose_colours() -> str:
    names = {"truth": _("Coloured by digit"), "errors": _("Misread ones stand out")}
    label = _("Colours")
    return choice_in_url(
        st.segmented_control, label, names, "colour", "truth", required=True, label_visibility="collapsed"
    )


def _show_map(seen: Seen, positions: np.ndarray, colours: str) -> None:
    split, count = resources.dataset().test, len(positions)
    labels, read = split.labels[:count], evaluation_at(seen).predictions[:count]
    st.vega_lite_chart(
        answer_points(positions, labels, read),
        answer_map_spec(map_words(), _("Read as"), colours == "errors"),
        key="hidden_map",
        alt=_(
            "A map of test images, each shown as its digit; what the last layer takes for alike lies together"
        ),
    )
    wrong = int((labels != read).sum())
    words = _("The first {count:,} test images, each drawn as its label; {wrong:,} of them are misread.")
    st.caption(words.format(count=count, wrong=wrong))


def _show_tsne(seen: Seen, colours: str) -> None:
    with st.spinner(_("Sending the test images through …")):
        work = tsne_at(seen)
    if work.finished:
        _show_map(seen, work.latest, colours)
    elif is_watched(work, WATCHED_KEY):
        _show_progress(seen)
    else:
        _offer(seen)
    st.markdown(
        _(
            "t-SNE moves the dots until each has the neighbours that its image has in the last layer. Trust "
            "who is near whom, not how far apart groups lie."
        )
    )


def _offer(seen: Seen) -> None:
    """Offer to make the map of this moment."""
    if tsne_at(seen).failed:
        st.warning(_("The map could not be made. Try again, or look at the PCA map."))
    else:
        st.info(_("This map has to be computed for each moment: about ten seconds, in the background."))
    start_button(_("Make the t-SNE map"), WATCHED_KEY, lambda: tsne_at(seen))


@st.fragment(run_every=SECONDS_BETWEEN_LOOKS)
def _show_progress(seen: Seen) -> None:
    work = tsne_at(seen)
    progress_and_stop(work, WATCHED_KEY, _("Moving the dots: {percent:.0%}"))
    if work.latest is not None:
        _show_map(seen, work.latest, "truth")
