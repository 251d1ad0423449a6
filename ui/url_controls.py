"""Controls whose value is in the URL."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import streamlit as st

from mnist_core.messages import InputError
from ui.fragments import rerun_fragments
from ui.html.tables import escape_markdown, markdown
from ui.i18n import LANGUAGES, browser_language, count_text
from ui.i18n import gettext as _
from ui.url_state import (
    LANGUAGE_KEY,
    number_in_url,
    option_in_url,
    set_url_parameters,
    take_linked_value,
)

RESEND_SECONDS = 0.5


def url_choice(
    control: Callable[..., Any],
    label: str,
    options: Mapping[str, str],
    key: str,
    default: str,
    reruns: Sequence[str] = (),
    says_replaced: bool = True,
    **settings: Any,
) -> str:
    """Show a select box or the like whose choice is in the URL under `key`; return the choice.

    `options` maps each value in the URL to its label. (Streamlit's own binding puts labels into the URL, so a
    link would change with the language.) A new choice reruns the fragments whose keys are in `reruns`, by
    default the control's own fragment, or the page. A link's value that is none of the options is told of
    once, unless the page does that itself (`says_replaced` is False).
    """

    def write_choice() -> None:
        value = st.session_state[key]
        if value in options:  # another language has other labels
            set_url_parameters({key: value})
        if reruns:
            rerun_fragments(*reruns)

    chosen = option_in_url(options, key, default)
    if says_replaced and take_linked_value(key) not in ("", *options):
        say_replaced(label, options[chosen])
    set_widget_value(key, chosen, tuple(options.items()))
    return control(
        label,
        list(options),
        format_func=options.get,
        key=key,
        on_change=write_choice,
        **_default_argument(control, list(options), chosen),
        **settings,
    )


def url_segments(label: str, options: Mapping[str, str], key: str, default: str, **settings: Any) -> str:
    """Show a segmented control in which one option is always chosen; `settings` are those of `url_choice`."""
    return url_choice(st.segmented_control, label, options, key, default, required=True, **settings)


def url_number(
    label: str,
    url_key: str,
    highest: int,
    width: int,
    key: str | None = None,
    help_text: str | None = None,
    *,
    lowest: int = 0,
    usual: int = 0,
    step: int = 1,
    says_replaced: bool = True,
) -> int:
    """Show a field for a number from `lowest` to `highest`, kept in the URL under `url_key`; return it.

    `key` is the field's own, for two pages whose links use the same `url_key`; `usual` is the number if the
    URL has none; `says_replaced` is that of `url_choice`.
    """
    key = key or url_key

    def write_number() -> None:
        set_url_parameters({url_key: str(st.session_state[key])})

    given = number_in_url(url_key)
    number = usual if given is None else max(lowest, min(given, highest))
    if says_replaced and take_linked_value(url_key) and given != number:
        say_replaced(label, count_text(number))
    set_widget_value(key, number)
    return st.number_input(
        label,
        lowest,
        highest,
        number,
        step=step,
        key=key,
        on_change=write_number,
        width=width,
        help=help_text,
    )


def say_replaced(label: str, shown: str) -> None:
    """Say that a control of this label shows `shown`, as it can't show the value in the page's address."""
    words = _("{control}: “{shown}” is shown; the link's value is not available.")
    text = words.format(control=label, shown=escape_markdown(shown))
    st.toast(text, icon=":material/link_off:", duration="long")


def set_widget_value(key: str, value: Any, words: object = None) -> None:
    """Make the control under `key` show a value, which must also be the control's default.

    Streamlit sends a value that is set here to the browser even if the control shows it already. There it
    would undo a click made meanwhile. So a value is set only if the control shows another one, or shows it in
    other `words` (the browser identifies a choice by its label). The value of a control that existed before
    is set again for RESEND_SECONDS, unless the browser has named another meanwhile: of two runs in quick
    succession the browser may see only the second.
    """
    sent_key = f"{key}_sent"
    sent, words_sent, resend_until = st.session_state.get(sent_key, (None, None, 0.0))
    is_new = key not in st.session_state
    if is_new or st.session_state[key] != value or words_sent != words:
        resend_until = time.monotonic() + (0 if is_new else RESEND_SECONDS)
        st.session_state[sent_key] = (value, words, resend_until)
        st.session_state[key] = value
    elif sent == value and time.monotonic() < resend_until:
        st.session_state[key] = value


def _default_argument(control: Callable[..., Any], options: list[str], chosen: str) -> dict[str, Any]:
    """Return the argument that makes a choice the control's default."""
    if control is st.selectbox:
        return {"index": options.index(chosen)}
    return {"value" if control is st.select_slider else "default": chosen}


Subject = TypeVar("Subject")


def show_section(
    names: Mapping[str, str], sections: Mapping[str, Callable[[Subject], None]], key: str, subject: Subject
) -> None:
    """Show the section of a page that is chosen in the URL under `key`, and the control that chooses it.

    `names` maps each section to its label; the first section is the default. `subject` is passed to the
    section; an InputError that it raises is shown below the control.
    """
    chosen = url_choice(
        st.pills, _("Section"), names, key, next(iter(names)), required=True, label_visibility="collapsed"
    )
    try:
        sections[chosen](subject)
    except InputError as error:  # for example of a run that was deleted meanwhile
        st.error(markdown(error.message))


def choose_language() -> None:
    """Show the language switch; its choice is in the URL, the browser's language is the default."""
    url_segments(
        "Language / 语言",
        LANGUAGES,
        LANGUAGE_KEY,
        browser_language(st.context.locale),
        label_visibility="collapsed",
    )
