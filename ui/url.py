"""What is in the URL, as the server knows it.

A browser says what its URL is with all that it sends. When the server has just changed it, the browser may
not have heard yet: a second click, or a fragment's tick, comes with the URL of before. Taken at its word, it
would undo the change, and the page would forget the run that was just started.
"""

import time
from collections.abc import Mapping

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

KNOWN_KEY = "url"  # (page, its URL's query as the browser said it last or we wrote it, what that says)
REPLACED_KEY = "urls_replaced"  # (when we changed it, what it said before)
SECONDS_TO_HEAR = 5.0  # of a change, for a browser on a slow line


def in_url() -> Mapping[str, str]:
    """Return what is in the URL, with our changes that the browser has not heard of yet."""
    context = get_script_run_ctx()
    if context is None:
        return {}
    known_page, known_text, known = st.session_state.get(KNOWN_KEY, (None, None, {}))
    moved = context.page_script_hash != known_page or context.is_history_navigation
    if context.query_string == known_text and not moved:
        return known
    said = st.query_params.to_dict()
    if not moved and any(said == replaced for _when, replaced in _replaced()):
        return known
    _remember(said, [])
    return said


def put_in_url(choices: Mapping[str, str | None]) -> None:
    """Change what is in the URL; None takes a parameter out."""
    before = in_url()
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
