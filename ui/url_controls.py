"""Controls whose value is in the URL."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import streamlit as st

from mnist_core.messages import InputError
from ui.fragments import rerun_fragments
from ui.i18n import LANGUAGES, browser_language, translate
from ui.i18n import gettext as _
from ui.url_state import LANGUAGE_KEY, number_in_url, option_in_url, set_url_parameters

SECONDS_TO_TAKE_IN = 0.5


def url_choice(
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
            set_url_parameters({key: st.session_state[key]})
        if anew:
            rerun_fragments(*anew)

    chosen = option_in_url(options, key, default)
    set_widget_value(key, chosen, tuple(options.items()))
    begins = _beginning(control, list(options), chosen)
    return control(
        label, list(options), format_func=options.get, key=key, on_change=keep, **begins, **settings
    )


def url_number(
    label: str, url_key: str, highest: int, width: int, key: str | None = None, help_text: str | None = None
) -> int:
    """Show a field for a number from 0 to `highest`, kept in the URL under `url_key`; return it.

    `key` is the field's own, where another page has the same in its links.
    """
    key = key or url_key

    def keep() -> None:
        set_url_parameters({url_key: str(st.session_state[key])})

    number = min(number_in_url(url_key) or 0, highest)
    set_widget_value(key, number)
    return st.number_input(
        label, 0, highest, number, step=1, key=key, on_change=keep, width=width, help=help_text
    )


def set_widget_value(key: str, value: Any, words: object = None) -> None:
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


Subject = TypeVar("Subject")


def show_section(
    names: Mapping[str, str], sections: Mapping[str, Callable[[Subject], None]], key: str, subject: Subject
) -> None:
    """Let one of `sections` be chosen, by its name in the URL under `key`, and show it about `subject`.

    `names` are what people read, in order; the first is open at first. What a section raises is said below.
    """
    chosen = url_choice(
        st.pills, _("Section"), names, key, next(iter(names)), required=True, label_visibility="collapsed"
    )
    try:
        sections[chosen](subject)
    except InputError as error:  # a run that was removed meanwhile, say
        st.error(translate(error.message))


def choose_language() -> None:
    """Show the language switch; its choice is in the URL, and starts as the browser's language."""
    url_choice(
        st.segmented_control,
        "Language / 语言",
        LANGUAGES,
        LANGUAGE_KEY,
        browser_language(st.context.locale),
        required=True,
        label_visibility="collapsed",
    )
