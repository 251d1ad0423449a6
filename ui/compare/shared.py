"""The comparison that several sections show, from evaluations that all visitors share."""

import streamlit as st

from mnist_core.analysis.comparison import Comparison, Pair, check_comparable, compare_runs
from ui import resources
from ui.compare.choosing import Chosen
from ui.compare.words import shortened
from ui.state import choice_in_url
from ui.translation import gettext as _

PAIR_KEY = "pair"


def compare(chosen: Chosen) -> Comparison:
    """Return the comparison, saying which run is being tried; InputError when these can't be compared.

    An evaluation is kept, so choosing other runs meanwhile loses nothing.
    """
    check_comparable(chosen.runs, resources.dataset().source)
    evaluations = []
    for number, (run, name) in enumerate(zip(chosen.runs, chosen.names, strict=True), 1):
        words = _("{run} reads the test images ({number} of {all}) …")
        with st.spinner(words.format(run=shortened(name), number=number, all=len(chosen.runs))):
            evaluations.append(resources.evaluation(run))
    return compare_runs(chosen.runs, evaluations, chosen.names)


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
