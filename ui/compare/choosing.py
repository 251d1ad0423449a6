"""Which runs are compared: chosen by the visitor, and in the URL."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode, urljoin

import streamlit as st

from mnist_core.analysis.comparison import FEWEST, MOST
from mnist_core.runs.run import Run
from ui import resources, visitor
from ui.controls import show_value
from ui.runs import distinct_labels, run_name
from ui.state import COMPARED_KEY, compared_runs, current_run, link
from ui.translation import gettext as _
from ui.url import put_in_url


@dataclass(frozen=True)
class Chosen:
    """The runs to compare and what each is called, no two alike."""

    runs: tuple[Run, ...]
    names: tuple[str, ...]


def choose_runs() -> Chosen:
    """Show which runs are compared and let others be chosen; with too few, say what to do and stop."""
    runs = {run.id: run for run in _readable_runs()}
    wanted = compared_runs()
    if wanted and any(run not in runs for run in wanted):
        st.warning(_("Some of the runs in this link are not on this server, or have no saved weights."))
    if len(runs) < FEWEST:
        _show_empty(bool(runs))
        st.stop()
    labels = distinct_labels(runs.values())

    def keep() -> None:
        picked = [run for run in st.session_state[COMPARED_KEY] if run in runs]
        put_in_url({COMPARED_KEY: ",".join(picked)})

    known = _suggested(list(runs.values())) if wanted is None else [run for run in wanted if run in runs]
    show_value(COMPARED_KEY, known[:MOST], tuple(labels.items()))
    picked = st.multiselect(
        _("Runs to compare, two to eight"),
        list(runs),
        known[:MOST],
        format_func=lambda run: labels.get(run, run),
        key=COMPARED_KEY,
        max_selections=MOST,
        select_all=False,
        on_change=keep,
        placeholder=_("Choose runs"),
    )
    if len(picked) < FEWEST:
        st.info(_("Choose at least two runs, to see how they differ and whether it matters."))
        st.stop()
    chosen = [runs[run] for run in picked]
    return Chosen(tuple(chosen), tuple(short_names(chosen)))


def short_names(runs: Sequence[Run]) -> list[str]:
    """Return what each run is called in charts and sentences: with seed or id where names repeat."""
    names = Counter(map(run_name, runs))
    seeds = Counter((run_name(run), run.config.seed) for run in runs)

    def short_name(run: Run) -> str:
        name, seed = run_name(run), run.config.seed
        if names[name] == 1:
            return name
        if seeds[name, seed] == 1:
            return _("{run}, seed {seed}").format(run=name, seed=seed)
        return f"{name} · {run.id[:4]}"

    return [short_name(run) for run in runs]


def show_address(chosen: Chosen) -> None:
    """Show the link to this comparison."""
    with st.popover(_("Link to this comparison"), icon=":material/link:"):
        st.caption(_("Whoever has this link can look at these runs."))
        query = urlencode({COMPARED_KEY: ",".join(run.id for run in chosen.runs)}, safe=",")
        st.code(urljoin(st.context.url or "/", "compare") + "?" + query, language=None, wrap_lines=True)


def _readable_runs() -> list[Run]:
    shipped = resources.find_run("shipped")
    return [run for run in [*visitor.listed_runs(), *([shipped] if shipped else [])] if run.checkpoints]


def _suggested(runs: Sequence[Run]) -> list[str]:
    """Return two runs to begin with: the current one and the newest of the others."""
    first = [run.id for run in runs if run.id == current_run()]
    return [*first, *(run.id for run in runs if run.id not in first)][:FEWEST]


def _show_empty(only_shipped: bool) -> None:
    if only_shipped:
        st.info(_("There is one trained network so far. Train another, then they can be compared here."))
    else:
        st.info(
            _("There is no trained network yet. Train two with different settings, then compare them here.")
        )
    link("pages/train.py", _("Train a network"), ":material/model_training:")
