"""Weights of the first layer, and feature maps of one image."""

from typing import TYPE_CHECKING

import streamlit as st

from ui.explanations import MOST_TILES, _how_many, show_layer
from ui.html.digits import tiles_html
from ui.i18n import gettext as _
from ui.i18n import sentences_text
from ui.inside.selection import InspectedRun, activations_at, choose_image, weights_at

if TYPE_CHECKING:
    pass


def show(seen: InspectedRun) -> None:
    """Show the section."""
    st.subheader(_("What the first layer looks for"))
    _show_weights(seen)
    st.subheader(_("What each layer makes of an image"))
    asked = choose_image(seen)
    for layer in activations_at(seen, asked.image)[1:]:
        if layer.kind != "flatten":  # which only puts the same in a row
            show_layer(layer)


def _show_weights(seen: InspectedRun) -> None:
    weights, largest = weights_at(seen)
    window = weights.shape[1] < 28
    what = _("The weights of {count} units of the first layer, {side} x {side} each").format(
        count=min(len(weights), MOST_TILES), side=weights.shape[1]
    )
    st.html(tiles_html(weights[:MOST_TILES], largest, what))
    words = _("Each picture is one feature map's window that is laid on every place of the image.")
    if not window:
        words = _("Each picture is one unit's weights, one for every pixel of the image.")
    meaning = _(
        "Blue pixels speak for it when they are inked, orange ones against it; pale ones don't matter."
    )
    st.caption(sentences_text([words, meaning, *_how_many(len(weights), MOST_TILES)]))
