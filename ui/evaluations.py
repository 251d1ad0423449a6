"""Evaluations of whole splits, shared by all visitors and computed in parts."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from mnist_core.data.mnist import Split
from ui.i18n import gettext as _

if TYPE_CHECKING:
    from mnist_core.evaluation.metrics import Evaluation
    from mnist_core.models.modules import DigitClassifier

IMAGES_PER_PART = 1000  # images: between two parts Streamlit sees whether a click asks for something else
SECONDS_UNSEEN = 0.4  # what is done by then shows no progress
STOPPED_KEY = "reading_stopped"  # what this visitor stopped
IMAGES_KEPT = 240_000  # of all evaluations; 10,000 take 1 MB
Show = Callable[[float], object]


def read_split(
    key: tuple[str, ...], model: "Callable[[], DigitClassifier]", split: Split, show: Show | None = None
) -> "Evaluation":
    """Return how a model does on a split; what is kept under `key` is not read again.

    `show` is told the fraction done, 0 to 1, after each part of what takes long. It may raise to end it, as
    Streamlit's elements do when the visitor has clicked on something else.
    """
    kept = _kept()
    if found := kept.get(key):
        return found
    parts, start = [], time.monotonic()
    for fraction, part in _read_in_parts(model(), split):
        parts.append(part)
        if show and time.monotonic() - start > SECONDS_UNSEEN:
            show(fraction)
    found = kept[key] = _joined(parts)
    while sum(len(one.labels) for one in list(kept.values())) > IMAGES_KEPT:
        kept.popitem(last=False)
    return found


def evaluation_progress(what: Hashable) -> Callable[[float, str], object]:
    """Return what shows, once called, how far it is, 0 to 1 and in words, and a button that stops `what`."""
    place, bars = st.empty(), []

    def stop() -> None:
        st.session_state[STOPPED_KEY] = what

    def show(fraction: float, text: str) -> None:
        if not bars:
            with place.container():
                bars.append(st.progress(fraction, text=text))
                st.button(_("Stop"), icon=":material/stop:", key="stop_reading", on_click=stop)
        bars[0].progress(fraction, text=text)

    return show


def hold_if_stopped(what: Hashable) -> None:
    """Where this visitor has stopped `what`, say so and how to go on, and show nothing more."""
    if st.session_state.get(STOPPED_KEY) == what:
        st.info(_("Stopped. Choose something else above, or continue."))
        st.button(
            _("Continue"), icon=":material/play_arrow:", on_click=st.session_state.pop, args=(STOPPED_KEY,)
        )
        st.stop()


@st.cache_resource(show_spinner=False)
def _kept() -> "OrderedDict[tuple[str, ...], Evaluation]":
    return OrderedDict()


def _read_in_parts(model: "DigitClassifier", split: Split) -> "Iterator[tuple[float, Evaluation]]":
    from mnist_core.evaluation.metrics import evaluate

    for start in range(0, len(split), IMAGES_PER_PART):
        part = split[start : start + IMAGES_PER_PART]
        yield (start + len(part)) / len(split), evaluate(model, part)


def _joined(parts: "list[Evaluation]") -> "Evaluation":
    from mnist_core.evaluation.metrics import Evaluation

    columns = ("labels", "probabilities", "losses")
    return Evaluation(*(np.concatenate([getattr(part, name) for part in parts]) for name in columns))
