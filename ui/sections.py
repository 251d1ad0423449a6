"""The sections of a page, of which one is open; which one is in the URL."""

from collections.abc import Callable, Mapping
from typing import TypeVar

import streamlit as st

from mnist_core.messages import InputError
from ui.controls import choice_in_url
from ui.translation import gettext as _
from ui.translation import say

Subject = TypeVar("Subject")


def show_section(
    names: Mapping[str, str], sections: Mapping[str, Callable[[Subject], None]], key: str, subject: Subject
) -> None:
    """Let one of `sections` be chosen, by its name in the URL under `key`, and show it about `subject`.

    `names` are what people read, in order; the first is open at first. What a section raises is said below.
    """
    chosen = choice_in_url(
        st.pills, _("Section"), names, key, next(iter(names)), required=True, label_visibility="collapsed"
    )
    try:
        sections[chosen](subject)
    except InputError as error:  # a run that was removed meanwhile, say
        st.error(say(error.message))
