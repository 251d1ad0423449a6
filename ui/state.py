"""What is in the URL: language, run and choices, so that a refresh or a shared link shows the same page."""

import runpy
from collections.abc import Container, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import streamlit as st

from ui.form_url import PARAMETERS
from ui.url import in_url

ENTRY = Path(__file__).resolve().parent.parent / "streamlit_app.py"
ENTERED_KEY = "entered"
LANGUAGE_KEY = "lang"
RUN_KEY = "run"
COMPARED_KEY = "runs"  # ids of the runs that are compared, with commas between
MOST_COMPARED = 8
# What goes from page to page; other choices belong to their page.
CARRIED = (LANGUAGE_KEY, RUN_KEY, *PARAMETERS.values())


def chosen_in_url(options: Container[str], key: str, default: str) -> str:
    """Return the choice under `key` in the URL, or `default` where it isn't one of the options."""
    chosen = in_url().get(key, default)
    return chosen if chosen in options else default


def number_in_url(key: str) -> int | None:
    """Return the whole number under `key` in the URL, None for none, or for one of ten figures and more."""
    text = in_url().get(key, "")
    return int(text) if text.isdecimal() and len(text) < 10 else None


def current_run() -> str | None:
    """Return the id of the run in the URL."""
    return in_url().get(RUN_KEY) or None


def compared_runs() -> list[str] | None:
    """Return the ids of the runs that the URL wants compared, each once; None where it has no such list."""
    if COMPARED_KEY not in in_url():
        return None
    ids = in_url()[COMPARED_KEY].split(",")
    return [run for run in dict.fromkeys(ids) if run][:MOST_COMPARED]


def link(page: Any, label: str, icon: str | None = None, run: str | None = None, **choices: str) -> None:
    """Show a link to a page of ours that keeps language and current run, or opens `run`.

    `choices` are that page's own, by their names in the URL.
    """
    query = in_url()
    carried = {key: query[key] for key in CARRIED if key in query} | choices
    st.page_link(page, label=label, icon=icon, query_params=carried | ({RUN_KEY: run} if run else {}))


@contextmanager
def through_entry() -> Iterator[None]:
    """Mark what runs within as called by the entry, for `come_through_entry`."""
    st.session_state[ENTERED_KEY] = True
    try:
        yield
    finally:
        del st.session_state[ENTERED_KEY]


def come_through_entry() -> None:
    """Run the entry instead of a page that Streamlit runs by itself.

    It does so once in a server's life: when the first visit is a link to a page, as it has not met the
    entry's `st.navigation` yet and takes `pages/` for its older kind of app.
    """
    if ENTERED_KEY not in st.session_state:
        runpy.run_path(str(ENTRY), run_name="__main__")
        st.stop()
