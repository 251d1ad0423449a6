"""Inside the network: what each layer makes of the digit."""

import streamlit as st

from ui import resources
from ui.draw.writing import Reading
from ui.inside.layers import show_layer
from ui.state import link
from ui.translation import gettext as _


def show(reading: Reading, place: int) -> None:
    """Show the section."""
    from mnist_core.explain import activations

    st.markdown(
        _(
            "What each layer makes of your digit: each small picture is what one of its units or maps found, "
            "blue for above zero, orange for below."
        )
    )
    image = reading.digits[place].prediction.image
    for layer in activations(resources.model(reading.run), image)[1:]:
        if layer.kind not in ("flatten", "output"):
            show_layer(layer)
    link("pages/inside.py", _("See how it came to this while it learned"), ":material/history:")
