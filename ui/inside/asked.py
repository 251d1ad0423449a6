"""Which image the sections are about: one of the test images, or what was drawn last."""

from dataclasses import dataclass

import numpy as np
import streamlit as st

from mnist_core.reading.drawing import strokes_to_image
from ui import resources
from ui.canvas import DRAWING_KEY, strokes_of
from ui.controls import choice_in_url, number_choice
from ui.digits import Figure, figure_html
from ui.inside.shared import READ, evaluation_at
from ui.inside.travel import Seen
from ui.state import link
from ui.translation import gettext as _
from ui.url import put_in_url

IMAGE_KEY = "index"


@dataclass(frozen=True, eq=False)
class Asked:
    """An image uint8 [28, 28], what it is called, and its label if that is known."""

    image: np.ndarray
    name: str
    label: int | None = None


def choose_image(seen: Seen) -> Asked:
    """Show which image is looked at, and let another be chosen."""
    sources = {"test": _("A test image"), "drawing": _("What I drew")}
    source = choice_in_url(
        st.segmented_control, _("Image"), sources, "of", "test", required=True, label_visibility="collapsed"
    )
    drawn = strokes_to_image(strokes_of(st.session_state.get(DRAWING_KEY))) if source == "drawing" else None
    if source == "drawing" and drawn is None:
        st.info(_("Nothing is drawn yet. Draw a digit, then come back; until then a test image is shown."))
        link("pages/draw.py", _("Draw a digit"), ":material/draw:")
    asked = _choose_test_image(seen) if drawn is None else Asked(drawn, _("Your drawing"))
    alt = (
        asked.name
        if asked.label is None
        else _("{name}, a {label}").format(name=asked.name, label=asked.label)
    )
    label = "" if asked.label is None else f"<b>{asked.label}</b> &nbsp;"
    st.html(figure_html(Figure(asked.image, label + asked.name, alt)), width=150)
    return asked


def _choose_test_image(seen: Seen) -> Asked:
    split = resources.dataset().test
    last = len(split) - 1

    with st.container(horizontal=True, vertical_alignment="bottom"):
        index = number_choice(_("Test image no."), IMAGE_KEY, last, 170, key="inside_index")
        st.button(
            _("Next misread one"),
            on_click=_next_error,
            args=(seen, index),
            help=_("Of the first {count:,}, as they are read at the moment of the slider.").format(
                count=READ
            ),
        )
    name = _("no. {number}").format(number=f"{index:,}")
    return Asked(split.images[index], name, int(split.labels[index]))


def _next_error(seen: Seen, index: int) -> None:
    """Go to the misread image with the next number, after the last to the first."""
    errors = np.sort(evaluation_at(seen).errors)
    if len(errors):
        later = errors[errors > index]
        put_in_url({IMAGE_KEY: str(int(later[0] if len(later) else errors[0]))})
