"""Fragments: sending the heading first, nesting safely, rerunning only what changed."""

import functools
import time
from collections.abc import Callable
from contextlib import suppress
from typing import ParamSpec

import streamlit as st
from streamlit.errors import StreamlitAPIException

Parameters = ParamSpec("Parameters")

# Streamlit sends what there is every 10 ms; a browser takes 20 to 40 to take in that the page is made anew.
SECONDS_TO_ARRIVE = 0.045
SECONDS_TO_LEAVE = 0.015


def send_to_browser(place: str, shown: object) -> None:
    """Let the browser draw what the page has so far, if `shown` is new in this place of it.

    A browser draws all that has come by then in one go, which takes it a tenth of a second for a page's
    controls: without a pause the answer to a click would wait for them.
    """
    key = f"arrived_{place}"
    if st.session_state.get(key) != shown:
        st.session_state[key] = shown
        time.sleep(SECONDS_TO_ARRIVE)


def page_fragment(show: Callable[Parameters, None], key: str | None = None) -> Callable[Parameters, None]:
    """Make a page's part a fragment that may hold other fragments; `rerun_fragments` knows it by its key.

    When a fragment runs again at once, Streamlit drops what of it has not been sent yet, but not what is of
    the fragments within: the browser finds no place for that, and shows an empty page. So this one ends when
    all has left. A fragment with a clock should hold no other: it runs again at once without any click.
    """

    @st.fragment(key=key)
    @functools.wraps(show)
    def show_all(*args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        show(*args, **kwargs)
        time.sleep(SECONDS_TO_LEAVE)

    return show_all


def rerun_fragments(*keys: str) -> None:
    """End a callback by having only the fragments with these keys drawn anew, the first one first.

    All of the page is drawn where one of them isn't there, as after the server has started anew.
    """
    with suppress(StreamlitAPIException):
        st.rerun(keys)


def clear_slots(count: int) -> None:
    """Put nothing into the next `count` places of the present container."""
    for _place in range(count):
        st.empty()
