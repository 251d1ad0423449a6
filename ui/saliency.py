"""Which pixels of an image speak for a digit, by two methods, on the Draw and Evaluate pages."""

import numpy as np
import streamlit as st

from mnist_core.runs.run import Run
from ui import resources
from ui.colours import on_ink
from ui.digits import Figure, grid_html
from ui.translation import gettext as _


def show_saliency(run: Run, image: np.ndarray, target: int, alt: str) -> None:
    """Show which pixels of `image`, uint8 [28, 28], speak for digit `target`; `alt` names the pictures."""
    with st.spinner(_("Asking the network …")):
        gradients, hiding = saliency(run, image, target)
    methods = {_("Integrated gradients"): gradients, _("Occlusion"): hiding}
    figures = [Figure(on_ink(values, image), f"<b>{name}</b>", alt) for name, values in methods.items()]
    with st.container(key="lab_saliency"):
        st.html(grid_html(figures, columns=2))
    st.markdown(
        _(
            "<span class='lab-for'>Blue</span> speaks for a {digit}, <span class='lab-against'>orange</span> "
            "against it; paper can do both. **Integrated gradients** shares out among the pixels by how much "
            "the score of {digit} differs from that of empty paper; **occlusion** covers five by five pixels "
            "at a time and looks how far the score falls. Where both agree, you may trust them most."
        ).format(digit=target),
        unsafe_allow_html=True,
    )


def saliency(run: Run, image: np.ndarray, target: int) -> tuple[np.ndarray, np.ndarray]:
    """Return how much each pixel speaks for `target`, by integrated gradients and by occlusion: [28, 28]."""
    return _saliency(str(run.checkpoints[-1]), image.tobytes(), target, run)


@st.cache_data(show_spinner=False, max_entries=64)
def _saliency(checkpoint: str, image: bytes, target: int, _run: Run) -> tuple[np.ndarray, np.ndarray]:
    from mnist_core.explain import integrated_gradients, occlusion

    model, pixels = resources.model(_run), np.frombuffer(image, np.uint8).reshape(28, 28)
    return integrated_gradients(model, pixels, target), occlusion(model, pixels, target)
