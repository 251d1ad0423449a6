"""The comparison that several sections show, from evaluations that all visitors share."""

from typing import TYPE_CHECKING

import streamlit as st

from mnist_core.analysis.comparison import Comparison, Pair, check_comparable, compare_runs
from mnist_core.runs.run import Run
from ui import resources
from ui.compare.choosing import Chosen
from ui.compare.words import shortened
from ui.reading import Show
from ui.state import choice_in_url
from ui.translation import gettext as _

if TYPE_CHECKING:
    from mnist_core.evaluation import Evaluation

PAIR_KEY = "pair"
READ_KEY = "read_checkpoints"
STOPPED_KEY = "reading_stopped"


def compare(chosen: Chosen) -> Comparison:
    """Return the comparison, with progress while runs read the test images, and a way to stop.

    What was read is kept, so stopping or choosing other runs loses nothing. Raises InputError when these
    can't be compared.
    """
    check_comparable(chosen.runs, resources.dataset().source)
    return compare_runs(chosen.runs, _evaluations(chosen), chosen.names)


def _evaluations(chosen: Chosen) -> "list[Evaluation]":
    known = st.session_state.setdefault(READ_KEY, set())  # checkpoints that this session has waited for
    unread = [run for run in chosen.runs if str(run.checkpoints[-1]) not in known]
    if unread and st.session_state.get(STOPPED_KEY) == tuple(run.id for run in chosen.runs):
        _show_stopped()
    place, found = st.empty(), []
    for run, name in zip(chosen.runs, chosen.names, strict=True):
        show = None
        if str(run.checkpoints[-1]) not in known:
            with place.container():
                show = _show_wait(chosen, name, len(found))
        found.append(resources.evaluation(run, show))
        known.add(str(run.checkpoints[-1]))
    place.empty()
    return found


def _show_wait(chosen: Chosen, name: str, done: int) -> Show:
    """Show how many runs have read them and a way to stop; return what tells how far this one is."""
    count = len(chosen.runs)
    words = _("{run} reads the test images ({number} of {all}) …")
    text = words.format(run=shortened(name), number=done + 1, all=count)
    bar = st.progress(done / count, text=text)
    st.button(
        _("Stop"), icon=":material/stop:", key=f"stop_reading_{done}", on_click=_stop, args=(chosen.runs,)
    )
    return lambda fraction: bar.progress((done + fraction) / count, text=text)


def _stop(runs: tuple[Run, ...]) -> None:
    st.session_state[STOPPED_KEY] = tuple(run.id for run in runs)


def _show_stopped() -> None:
    """Say that reading was stopped, and how to go on."""
    st.info(_("Stopped. Choose other runs above, or go on."))
    st.button(_("Go on"), icon=":material/play_arrow:", on_click=st.session_state.pop, args=(STOPPED_KEY,))
    st.stop()


def choose_pair(chosen: Chosen, comparison: Comparison) -> Pair:
    """Let one of the pairs be chosen, where there is more than one."""
    if len(comparison.pairs) == 1:
        return comparison.pairs[0]
    pairs = {f"{pair.first + 1}-{pair.second + 1}": pair for pair in comparison.pairs}
    labels = {key: pair_name(chosen, pair) for key, pair in pairs.items()}
    return pairs[choice_in_url(st.selectbox, _("Pair"), labels, PAIR_KEY, next(iter(labels)), width=520)]


def pair_name(chosen: Chosen, pair: Pair) -> str:
    """Return what a pair is called."""
    return _("{first} and {second}").format(first=chosen.names[pair.first], second=chosen.names[pair.second])
