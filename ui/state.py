"""What is in the URL: language, run and choices, so that a refresh or a shared link shows the same page."""

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

LANGUAGE_KEY = "lang"
RUN_KEY = "run"
CARRIED = (LANGUAGE_KEY, RUN_KEY)  # from page to page; other choices belong to their page


def choice_in_url(
    control: Callable[..., Any],
    label: str,
    options: Mapping[str, str],
    key: str,
    default: str,
    **settings: Any,
) -> str:
    """Show a select box or the like whose choice is in the URL under `key`; return the choice.

    `options` maps what stands in the URL to what people read. (Streamlit's own binding puts the labels into
    the URL, so a link would change with the language.)
    """

    def keep() -> None:
        st.query_params[key] = st.session_state[key]

    in_url = st.query_params.get(key, default)
    st.session_state[key] = in_url if in_url in options else default
    return control(label, list(options), format_func=options.get, key=key, on_change=keep, **settings)


def current_run() -> str | None:
    """Return the id of the run in the URL."""
    return st.query_params.get(RUN_KEY) or None


def link(page: Any, label: str, icon: str | None = None, run: str | None = None) -> None:
    """Show a link to a page of ours that keeps language and current run, or opens `run`."""
    carried = {key: st.query_params[key] for key in CARRIED if key in st.query_params}
    st.page_link(page, label=label, icon=icon, query_params=carried | ({RUN_KEY: run} if run else {}))
