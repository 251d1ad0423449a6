"""Controls whose value is in the URL, and what it takes to have a control show a value."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from ui.arrival import rerun_only
from ui.state import chosen_in_url, number_in_url
from ui.url import put_in_url

SECONDS_TO_TAKE_IN = 0.5


def choice_in_url(
    control: Callable[..., Any],
    label: str,
    options: Mapping[str, str],
    key: str,
    default: str,
    anew: Sequence[str] = (),
    **settings: Any,
) -> str:
    """Show a select box or the like whose choice is in the URL under `key`; return the choice.

    `options` maps what stands in the URL to what people read. (Streamlit's own binding puts the labels into
    the URL, so a link would change with the language.) `anew` are the keys of the fragments that another
    choice concerns; without any it is the fragment that the control is in, or all of the page.
    """

    def keep() -> None:
        if st.session_state[key] in options:  # a page in another language sends its own words
            put_in_url({key: st.session_state[key]})
        if anew:
            rerun_only(*anew)

    chosen = chosen_in_url(options, key, default)
    show_value(key, chosen, tuple(options.items()))
    begins = _beginning(control, list(options), chosen)
    return control(
        label, list(options), format_func=options.get, key=key, on_change=keep, **begins, **settings
    )


def number_choice(
    label: str, url_key: str, highest: int, width: int, key: str | None = None, help_text: str | None = None
) -> int:
    """Show a field for a number from 0 to `highest`, kept in the URL under `url_key`; return it.

    `key` is the field's own, where another page has the same in its links.
    """
    key = key or url_key

    def keep() -> None:
        put_in_url({url_key: str(st.session_state[key])})

    number = min(number_in_url(url_key) or 0, highest)
    show_value(key, number)
    return st.number_input(
        label, 0, highest, number, step=1, key=key, on_change=keep, width=width, help=help_text
    )


def show_value(key: str, value: Any, words: object = None) -> None:
    """Have the control under `key` show a value; what it begins with should be the same.

    What is set here goes to the browser even where it shows the same already. It would undo a click that was
    made meanwhile, and the browser's next message would then say that nothing was clicked. So it is set only
    when it is another value, or in other `words` (a browser knows a choice by what people read there); then
    also for a moment longer, as of two runs in quick succession a browser may see only the second.
    """
    known = f"{key}_shown"
    shown_words, since = st.session_state.get(known, (None, 0.0))
    if st.session_state.get(key) != value or shown_words != words:
        since = time.monotonic()
        st.session_state[known] = (words, since)
    if time.monotonic() - since < SECONDS_TO_TAKE_IN:
        st.session_state[key] = value


def _beginning(control: Callable[..., Any], options: list[str], chosen: str) -> dict[str, Any]:
    """Return the argument that has a control begin with a choice."""
    if control is st.selectbox:
        return {"index": options.index(chosen)}
    return {"value" if control is st.select_slider else "default": chosen}
