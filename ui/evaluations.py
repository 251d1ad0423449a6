"""Evaluations of whole splits, shared by all visitors and computed in parts."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from mnist_core.data.mnist import Split
from mnist_core.evaluation.kept_evaluation import kept_evaluation
from mnist_core.runs import store as run_store
from ui.i18n import gettext as _

if TYPE_CHECKING:
    from mnist_core.evaluation.metrics import Evaluation
    from mnist_core.models.modules import DigitClassifier

IMAGES_PER_PART = 1000  # images: between two parts Streamlit can end this run of the page for a click
SECONDS_UNSEEN = 0.4  # an evaluation within this time shows no progress
STOPPED_KEY = "reading_stopped"  # the evaluations that this visitor stopped
PRETRAINED = str(run_store.PRETRAINED)
READINGS_KEPT = 16
IMAGES_KEPT = 240_000  # of all evaluations; 10,000 take 1 MB
Show = Callable[[float], object]


def read_split(
    key: tuple[str, ...], model: "Callable[[], DigitClassifier]", split: Split, show: Show | None = None
) -> "Evaluation":
    """Return a model's evaluation on a split, from the cache if it is there under `key`.

    Visitors who need the same at the same time share the work: each part is computed by one of them.
    `show` gets the fraction done, 0 to 1, after each part of a slow one. It may raise to end it, as
    Streamlit's elements do when the visitor has clicked on something else; the finished parts are kept.
    """
    kept = _kept()
    reading = kept.begin(key)
    if not isinstance(reading, _Reading):
        return reading
    if (shipped := reading.shipped(key[0], split)) is not None:
        return kept.keep(key, shipped)
    start, used = time.monotonic(), None
    for number, first in enumerate(range(0, len(split), IMAGES_PER_PART)):
        part = split[first : first + IMAGES_PER_PART]
        with reading.lock:
            if len(reading.parts) == number:
                used = model() if used is None else used
                reading.parts.append(_evaluate(used, part))
        if show and time.monotonic() - start > SECONDS_UNSEEN:
            show((first + len(part)) / len(split))
    return kept.keep(key, _joined(reading.parts))


def evaluation_progress(what: Hashable) -> Callable[[float, str], object]:
    """Return a function that shows a fraction, 0 to 1, with words, and a button that stops `what`."""
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
    """If this visitor has stopped `what`, say so and how to continue, and end this run of the page."""
    if st.session_state.get(STOPPED_KEY) == what:
        st.info(_("Stopped. Choose something else above, or continue."))
        st.button(
            _("Continue"), icon=":material/play_arrow:", on_click=st.session_state.pop, args=(STOPPED_KEY,)
        )
        st.stop()


class _Reading:
    """An unfinished evaluation, shared by all who wait for it."""

    def __init__(self) -> None:
        self.parts: list[Evaluation] = []
        self.lock = threading.Lock()  # its holder computes the next part

    def shipped(self, weights: str, split: Split) -> "Evaluation | None":
        """Return the evaluation that came with the pretrained model's weights, if it is of this split."""
        if PRETRAINED not in weights:
            return None
        with self.lock:  # one visitor looks, before the first part is computed
            return None if self.parts else kept_evaluation(Path(weights), split)


class _Kept:
    """A cache: the evaluations used last, and those of the pretrained model, which every visitor sees."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: OrderedDict[tuple[str, ...], Evaluation] = OrderedDict()
        self._readings: OrderedDict[tuple[str, ...], _Reading] = OrderedDict()

    def begin(self, key: tuple[str, ...]) -> "Evaluation | _Reading":
        """Return the evaluation under `key`, finished (then it counts as used) or unfinished."""
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
                return self._found[key]
            reading = self._readings.setdefault(key, _Reading())
            self._readings.move_to_end(key)
            if len(self._readings) > READINGS_KEPT:
                self._readings.popitem(last=False)
            return reading

    def keep(self, key: tuple[str, ...], found: "Evaluation") -> "Evaluation":
        """Keep an evaluation, unless another visitor's is kept already; return the one that is kept."""
        with self._lock:
            self._readings.pop(key, None)
            found = self._found.setdefault(key, found)
            others = [other for other in self._found if other != key and PRETRAINED not in other[0]]
            while sum(len(one.labels) for one in self._found.values()) > IMAGES_KEPT and others:
                del self._found[others.pop(0)]
            return found


@st.cache_resource(show_spinner=False)
def _kept() -> _Kept:
    return _Kept()


def _evaluate(model: "DigitClassifier", part: Split) -> "Evaluation":
    from mnist_core.evaluation.metrics import evaluate

    return evaluate(model, part)


def _joined(parts: "list[Evaluation]") -> "Evaluation":
    from mnist_core.evaluation.metrics import Evaluation

    columns = ("labels", "probabilities", "losses")
    return Evaluation(*(np.concatenate([getattr(part, name) for part in parts]) for name in columns))
