"""What the first layer looks for, and what every layer makes of one image."""

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from ui.digits import bars_html, sure_text
from ui.inside.asked import choose_image
from ui.inside.shared import activations_at, weights_at
from ui.inside.tiles import in_rows, tiles_html
from ui.inside.travel import Seen
from ui.network import shape_text
from ui.translation import gettext as _
from ui.translation import say, sentences_text

if TYPE_CHECKING:
    from mnist_core.explain import LayerActivation

MOST_TILES = 64
MOST_MAPS = 32


def show(seen: Seen) -> None:
    """Show the section."""
    st.subheader(_("What the first layer looks for"))
    _show_weights(seen)
    st.subheader(_("What each layer makes of an image"))
    asked = choose_image(seen)
    for layer in activations_at(seen, asked.image)[1:]:
        if layer.kind != "flatten":  # which only puts the same in a row
            show_layer(layer)


def _show_weights(seen: Seen) -> None:
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


def _how_many(count: int, most: int) -> list[str]:
    """Say that not all are shown."""
    return [_("The first {most} of {count:,}.").format(most=most, count=count)] if count > most else []


def show_layer(layer: "LayerActivation") -> None:
    """Show what one layer makes of an image."""
    values = layer.values
    if layer.kind == "output":
        _show_output(values)
        return
    title = f"**{say(layer.title)}** · {shape_text(values.shape)}"
    st.markdown(title)
    largest = float(np.abs(values).max())
    what = _("What this layer makes of the image: {title}").format(title=say(layer.title))
    if values.ndim == 3 and values.shape[1] > 1:
        st.html(tiles_html(values[:MOST_MAPS], largest, what, side=2.6))
    else:
        units = values.ravel()
        st.html(tiles_html([in_rows(units[:1024])], largest, what, side=18))
    active = float((values > 0).mean())
    words = _("{share:.0%} of its {count:,} values are above zero, the largest is {largest:.3g}.")
    hidden = _how_many(len(values), MOST_MAPS) if values.ndim == 3 else _how_many(values.size, 1024)
    st.caption(sentences_text([words.format(share=active, count=values.size, largest=largest), *hidden]))


def _show_output(values: np.ndarray) -> None:
    """Show the ten outputs as probabilities."""
    powers = np.exp(values - values.max())
    shares = powers / powers.sum()
    read = int(shares.argmax())
    st.markdown("**" + _("The ten outputs, as probabilities") + "**")
    texts = [sure_text(float(share)) for share in shares]
    st.html(bars_html([str(digit) for digit in range(10)], shares.tolist(), texts, strong=read))
