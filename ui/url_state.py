"""What is in the URL, and the controls whose value is there: a refresh or a shared link shows the same page.

The browser sends its URL with every message. Right after the server has changed the URL, a second click or a
fragment's timer can still send the old one. `url_parameters` therefore ignores a URL that the server has just
replaced; otherwise that message would undo the change.
"""

import runpy
import time
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from mnist_core.config import TrainConfig
from mnist_core.runs.run import PRETRAINED_ID

KNOWN_KEY = "url"  # (page, its URL's query as the browser said it last or we wrote it, what that says)
REPLACED_KEY = "urls_replaced"  # (when we changed it, what it said before)
SECONDS_TO_HEAR = 5.0  # of a change, for a browser on a slow line


def url_parameters() -> Mapping[str, str]:
    """Return what is in the URL, with our changes that the browser has not heard of yet."""
    context = get_script_run_ctx()
    if context is None:
        return {}
    known_page, known_text, known = st.session_state.get(KNOWN_KEY, (None, None, {}))
    moved = context.page_script_hash != known_page or context.is_history_navigation
    if context.query_string == known_text and not moved:
        return known
    said = _renamed(st.query_params.to_dict())
    if not moved and any(said == replaced for _when, replaced in _replaced()):
        return known
    _remember(said, [])
    return said


def _renamed(query: dict[str, str]) -> dict[str, str]:
    """Return a query with the names of today for what links of version 0.1 say."""
    runs = query.get(COMPARED_KEY, "").split(",")
    renamed = {
        RUN_KEY: RENAMED_RUNS.get(query.get(RUN_KEY, "")),
        COMPARED_KEY: ",".join(RENAMED_RUNS.get(run, run) for run in runs),
    }
    return query | {name: value for name, value in renamed.items() if value and name in query}


def set_url_parameters(choices: Mapping[str, str | None]) -> None:
    """Change what is in the URL; None takes a parameter out."""
    before = url_parameters()
    after = {name: value for name, value in {**before, **choices}.items() if value is not None}
    if after != before:
        st.query_params.from_dict(after)
        _remember(after, [*_replaced(), (time.monotonic(), before)])


def _replaced() -> list[tuple[float, Mapping[str, str]]]:
    """Return what the URL said before each of our changes that a browser may not have heard of."""
    since = time.monotonic() - SECONDS_TO_HEAR
    return [(when, said) for when, said in st.session_state.get(REPLACED_KEY, []) if when > since]


def _remember(said: Mapping[str, str], replaced: list[tuple[float, Mapping[str, str]]]) -> None:
    context = get_script_run_ctx()
    st.session_state[KNOWN_KEY] = (context.page_script_hash, context.query_string, said)
    st.session_state[REPLACED_KEY] = replaced


OWN_NAMES = {"seed": "training_seed"}  # Explore has a `seed` too
PARAMETERS = {field: OWN_NAMES.get(field, field) for field in TrainConfig.__dataclass_fields__}
SENT_KEY = "sent"  # an image of MNIST that another page sent here

ENTRY = Path(__file__).resolve().parent.parent / "streamlit_app.py"
ENTERED_KEY = "entered"
LANGUAGE_KEY = "lang"
RUN_KEY = "run"
RENAMED_RUNS = {"shipped": PRETRAINED_ID}
COMPARED_KEY = "runs"  # ids of the runs that are compared, with commas between
MOST_COMPARED = 8
# What goes from page to page; other choices belong to their page.
CARRIED = (LANGUAGE_KEY, RUN_KEY, *PARAMETERS.values())


def option_in_url(options: Container[str], key: str, default: str) -> str:
    """Return the choice under `key` in the URL, or `default` where it isn't one of the options."""
    chosen = url_parameters().get(key, default)
    return chosen if chosen in options else default


def number_in_url(key: str) -> int | None:
    """Return the whole number under `key` in the URL, None for none, or for one of ten figures and more."""
    text = url_parameters().get(key, "")
    return int(text) if text.isdecimal() and len(text) < 10 else None


def current_run() -> str | None:
    """Return the id of the run in the URL."""
    return url_parameters().get(RUN_KEY) or None


def compared_runs() -> list[str] | None:
    """Return the ids of the runs that the URL wants compared, each once; None where it has no such list."""
    if COMPARED_KEY not in url_parameters():
        return None
    ids = url_parameters()[COMPARED_KEY].split(",")
    return [run for run in dict.fromkeys(ids) if run][:MOST_COMPARED]


def link(page: Any, label: str, icon: str | None = None, run: str | None = None, **choices: str) -> None:
    """Show a link to a page of ours that keeps language and current run, or opens `run`.

    `choices` are that page's own, by their names in the URL.
    """
    query = url_parameters()
    carried = {key: query[key] for key in CARRIED if key in query} | choices
    st.page_link(page, label=label, icon=icon, query_params=carried | ({RUN_KEY: run} if run else {}))


@contextmanager
def through_entry() -> Iterator[None]:
    """Mark what runs within as called by the entry, for `run_through_entry`."""
    st.session_state[ENTERED_KEY] = True
    try:
        yield
    finally:
        del st.session_state[ENTERED_KEY]


def run_through_entry() -> None:
    """Run the entry instead of a page that Streamlit runs by itself.

    It does so once in a server's life: when the first visit is a link to a page, as it has not met the
    entry's `st.navigation` yet and takes `pages/` for its older kind of app.
    """
    if ENTERED_KEY not in st.session_state:
        runpy.run_path(str(ENTRY), run_name="__main__")
        st.stop()
