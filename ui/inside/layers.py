"""Layer by layer: weights of the first layer, and feature maps of an image."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from ui import resources
from ui.explanations import MOST_TILES, hidden_count_text, show_layers
from ui.html.digits import tiles_html
from ui.i18n import gettext as _
from ui.i18n import ngettext, sentences_text
from ui.inside.selection import InspectedRun, choose_image
from ui.navigation import chapter_help

if TYPE_CHECKING:
    from mnist_core.evaluation.attribution import LayerActivation


def show(inspected: InspectedRun) -> None:
    """Show the section."""
    st.subheader(_("Weights of the first layer: what it looks for"), help=chapter_help("neuron"))
    _show_weights(inspected)
    st.subheader(_("Feature maps: what each layer makes of an image"), help=chapter_help("convolution"))
    viewed = choose_image(inspected)
    show_layers(activations_at(inspected, viewed.image), inspected.run.config.dataset)


def _show_weights(inspected: InspectedRun) -> None:
    weights, largest = weights_at(inspected)
    window = weights.shape[1] < 28
    count, side = min(len(weights), MOST_TILES), weights.shape[1]
    what = ngettext(
        "The weights of {count} unit of the first layer, {side} x {side}",
        "The weights of {count} units of the first layer, {side} x {side} each",
        count,
    ).format(count=count, side=side)
    st.html(tiles_html(weights[:MOST_TILES], largest, what))
    words = _(
        "Each picture is one convolution kernel, which slides over the image and gives one feature map."
    )
    if not window:
        words = _("Each picture is the weights of one unit, one weight for every pixel of the image.")
    meaning = _(
        "Blue weights are positive, orange weights negative, empty ones near zero: ink on blue raises the "
        "value of a unit, ink on orange lowers it. The colours are stretched so that small weights can be "
        "seen too."
    )
    st.caption(sentences_text([words, meaning, *hidden_count_text(len(weights), MOST_TILES)]))


def weights_at(inspected: InspectedRun) -> tuple[np.ndarray, float]:
    """Return the first layer's weights [units, H, W] at the snapshot, and the last snapshot's largest."""
    from mnist_core.evaluation.attribution import first_layer_weights

    snapshots = (inspected.snapshot, inspected.last)
    now, last = (first_layer_weights(resources.model(inspected.run, snapshot)) for snapshot in snapshots)
    return now, float(np.quantile(np.abs(last), 0.995))


def activations_at(inspected: InspectedRun, image: np.ndarray) -> "list[LayerActivation]":
    """Return each layer's activations of an image at the snapshot."""
    from mnist_core.evaluation.attribution import activations

    return activations(resources.model(inspected.run, inspected.snapshot), image)
