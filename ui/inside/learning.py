"""How strongly each layer was pulled at, and how far it moved, over the whole training."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from mnist_core.layers import describe_layers
from mnist_core.monitoring.probes import Probe
from ui.inside.charts import layer_points, layer_spec
from ui.inside.travel import Seen
from ui.progress import probes
from ui.train.inside import layer_names
from ui.translation import gettext as _


def show(seen: Seen) -> None:
    """Show the section."""
    looks = probes(seen.run)
    names = layer_names([layer for layer in describe_layers(seen.run.config) if layer.parameters])
    if len(looks) < 2 or len(looks[-1].gradient_norms) != len(names):
        st.info(
            _("Nothing was noted inside this run while it trained; runs that are trained here have this.")
        )
        return
    gradients = np.array([look.gradient_norms for look in looks])
    step = _step(seen, looks)
    st.subheader(_("Gradient size of each layer"))
    _show_lines(looks, gradients, names, _("gradient size"), step, "gradients")
    smallest, largest = names[int(gradients[-1].argmin())], names[int(gradients[-1].argmax())]
    words = _(
        "At the last look the loss pulled most at {largest}, least at {smallest}: {times:.2g} times less."
    )
    times = gradients[-1].max() / max(gradients[-1].min(), 1e-30)
    st.caption(words.format(largest=largest, smallest=smallest, times=times))
    _show_moves(looks, names, step)


def _show_moves(looks: Sequence[Probe], names: Sequence[str], step: int) -> None:
    moved = [look for look in looks if len(look.moves) == len(names)]
    if not moved:
        st.info(_("How far the layers moved was not noted in this run; newer runs have it."))
        return
    st.subheader(_("How far each layer moved"))
    moves = np.array([look.moves for look in moved])
    _show_lines(moved, moves, names, _("change between looks"), step, "moves")
    between = round(float(np.median(np.diff([look.step for look in looks]))))
    words = _(
        "How far a layer's weights came from one look to the next, {steps:,} steps later, as a share of "
        "their size: 0.01 is one percent. A layer that hardly moves hardly learns."
    )
    st.caption(words.format(steps=between))


def _show_lines(
    looks: Sequence[Probe], values: np.ndarray, names: Sequence[str], what: str, step: int, key: str
) -> None:
    st.vega_lite_chart(
        layer_points([look.step for look in looks], values, names),
        layer_spec(_("step"), what, _("Layer"), names, step),
        key=key,
        alt=_("{what} of each layer over the training").format(what=what),
    )


def _step(seen: Seen, looks: Sequence[Probe]) -> int:
    """Return about which step the moment of the slider was."""
    return round(looks[-1].step * seen.moment.epoch / seen.last.epoch) if seen.last.epoch else 0
