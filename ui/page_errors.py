"""Errors of pages: a traceback with an id in the server's log, and one sentence with that id on the page."""

import logging

import streamlit as st
from streamlit import error_util

from mnist_core.messages import InputError
from mnist_core.runtime.event_log import log_error
from ui.i18n import gettext as _
from ui.i18n import translate

_log = logging.getLogger(__name__)


class _Sentence(Exception):
    """What a visitor is told in place of an error."""

    alternate_name = ""  # Streamlit shows an exception's type before its words, and this name in its place


def show_errors_as_sentences() -> None:
    """Have Streamlit log an error of a page, fragment or callback as an event, and show our sentence.

    Streamlit's own sentence has no id. Its handler `on_script_error` belongs to `st.App`, which is another
    entry than `streamlit run` starts.
    """
    error_util.show_uncaught_app_exception = _show
    error_util._log_uncaught_app_exception = _leave_to_us


def _show(error: BaseException) -> None:
    if isinstance(error, InputError):
        st.exception(_Sentence(translate(error.message)))
        return
    error_id = log_error(_log, "page_failed", error)
    sentence = _(
        "Something went wrong on this page. Reload it. If it happens again, tell whoever runs this server "
        "the error's number: {error}."
    )
    st.exception(_Sentence(sentence.format(error=error_id)))


def _leave_to_us(_error: BaseException) -> None:
    """Log nothing: `_show` does, with the id."""
