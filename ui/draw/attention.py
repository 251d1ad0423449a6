"""What it looks at: which pixels speak for the digit that was read, or for another."""

import numpy as np
import streamlit as st

from mnist_core.runs.run import Run
from ui import resources
from ui.colours import on_ink
from ui.digits import Figure, grid_html
from ui.draw.sections import pick_digit
from ui.draw.writing import Reading
from ui.translation import gettext as _

TARGET_KEY = "speaks_for"


@st.fragment
def show(reading: Reading) -> None:
    """Show the section."""
    place = pick_digit(reading)
    if place is None:
        return
    prediction = reading.digits[place].prediction
    target = choose_target(prediction.label)
    with st.spinner(_("Asking the network …")):
        gradients, hiding = saliency(reading.run, prediction.image, target)
    alt = _("Your digit, coloured by what speaks for {digit}").format(digit=target)
    methods = {_("Integrated gradients"): gradients, _("Occlusion"): hiding}
    pictures, words = st.columns(2, gap="large")
    with pictures:
        figures = [
            Figure(on_ink(values, prediction.image), f"<b>{name}</b>", alt)
            for name, values in methods.items()
        ]
        st.html(grid_html(figures, columns=2))
    with words:
        st.markdown(
            _("**Blue** speaks for a {digit}, **orange** against it. Paper can do both.").format(digit=target)
        )
        st.markdown(
            _(
                "**Integrated gradients** share out among the pixels how much the score of {digit} differs "
                "from that of empty paper. **Occlusion** covers five by five pixels at a time and looks how "
                "far the score falls. Where both agree, you may trust them most."
            ).format(digit=target)
        )


def choose_target(read: int) -> int:
    """Show the digits that pixels can speak for, beginning with the one that was read; return one."""
    key = f"{TARGET_KEY}_{read}"  # another reading begins with itself
    st.session_state.setdefault(key, read)
    return st.segmented_control(_("What speaks for a …"), range(10), key=key, required=True)


def saliency(run: Run, image: np.ndarray, target: int) -> tuple[np.ndarray, np.ndarray]:
    """Return how much each pixel of `image` speaks for `target` by both methods: [28, 28] each."""
    return _saliency(str(run.checkpoints[-1]), image.tobytes(), target, run)


@st.cache_data(show_spinner=False, max_entries=64)
def _saliency(checkpoint: str, image: bytes, target: int, _run: Run) -> tuple[np.ndarray, np.ndarray]:
    from mnist_core.explain import integrated_gradients, occlusion

    model, pixels = resources.model(_run), np.frombuffer(image, np.uint8).reshape(28, 28)
    return integrated_gradients(model, pixels, target), occlusion(model, pixels, target)
