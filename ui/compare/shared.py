"""The comparison that several sections show, from evaluations that all visitors share."""

from typing import TYPE_CHECKING

import streamlit as st

from mnist_core.analysis.comparison import Comparison, Pair, check_comparable, compare_runs
from ui import resources
from ui.compare.choosing import Chosen
from ui.compare.words import shortened
from ui.controls import choice_in_url
from ui.reading import hold_if_stopped, progress_and_stop
from ui.translation import gettext as _

if TYPE_CHECKING:
    from mnist_core.evaluation import Evaluation

PAIR_KEY = "pair"
READ_KEY = "read_checkpoints"


def compare(chosen: Chosen) -> Comparison:
    """Return the comparison, with progress while runs read the test images, and a way to stop.

    What was read is kept, so stopping or choosing other runs loses nothing. Raises InputError when these
    can't be compared.
    """
    check_comparable(chosen.runs, resources.dataset().source)
    return compare_runs(chosen.runs, _evaluations(chosen), chosen.names)


def _evaluations(chosen: Chosen) -> "list[Evaluation]":
    known = st.session_state.setdefault(READ_KEY, set())  # checkpoints that this session has waited for
    ids, count = tuple(run.id for run in chosen.runs), len(chosen.runs)
    if any(str(run.checkpoints[-1]) not in known for run in chosen.runs):
        hold_if_stopped(ids)
    place = st.empty()
    with place.container():
        bar = progress_and_stop(ids)
    found: list[Evaluation] = []
    for run, name in zip(chosen.runs, chosen.names, strict=True):
        words = _("{run} reads the test images ({number} of {all}) …")
        text = words.format(run=shortened(name), number=len(found) + 1, all=count)

        def show(fraction: float, text: str = text) -> None:
            bar((len(found) + fraction) / count, text)

        if str(run.checkpoints[-1]) not in known:
            show(0.0)
        found.append(resources.evaluation(run, show))
        known.add(str(run.checkpoints[-1]))
    place.empty()
    return found


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
