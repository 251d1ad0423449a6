"""The page's state in the URL: a refresh, a bookmark and a shared link show the same page.

The browser sends its URL with every message. For a short time after the server has changed the URL, messages
on their way still carry the old one. `url_parameters` therefore ignores a URL that the server has just
replaced; otherwise that message would undo the change.
"""

import threading
import time
from collections.abc import Container, Mapping

import streamlit as st
from streamlit.runtime.scriptrunner import ScriptRunContext, get_script_run_ctx

from mnist_core.config import TrainConfig
from mnist_core.runs.run import PRETRAINED_ID

LANGUAGE_KEY, RUN_KEY = "lang", "run"
COMPARED_KEY = "runs"  # ids of the compared runs, separated by commas
CHAPTER_KEY = "chapter"  # which chapter Learn shows
DATASET_KEY = "dataset"  # the setting: which data set Explore shows and Train learns
SENT_KEY = "sent"  # an image of the data that another page sent to Draw, such as test-42
MOST_COMPARED = 8
RENAMED_RUNS = {"shipped": PRETRAINED_ID}  # ids in links of version 0.1
RENAMED_SETTINGS = {"seed": "training_seed"}  # `seed` is Explore's
SETTING_PARAMETERS = {field: RENAMED_SETTINGS.get(field, field) for field in TrainConfig.__dataclass_fields__}
"""The name of each setting in the URL."""
CARRIED = (LANGUAGE_KEY, RUN_KEY, *SETTING_PARAMETERS.values())
"""The parameters that links to other pages keep; all others belong to one page."""

URL_KEY = "url"  # (page, query string of the message that it was read from or written in, parameters)
REPLACED_KEY = "replaced_urls"  # (time.monotonic() of each change by the server, parameters before it)
LINKED_KEY = "linked"  # the parameters with which the page was opened, less those that a control has shown
LATE_SECONDS = 5.0  # how long after a change a message with the old URL may arrive


def url_parameters() -> Mapping[str, str]:
    """Return the parameters of the URL, with the server's changes that the browser has not received yet."""
    context = get_script_run_ctx()
    if context is None:
        return {}
    message, where = context.context_info, (context.page_script_hash, context.query_string)
    if message is None or message is not _this_run.message or where != _this_run.where:
        _this_run.parameters = _read_parameters(context)
        _this_run.message, _this_run.where = message, where
    return _this_run.parameters


def received_parameters() -> dict[str, str]:
    """Return the parameters that the browser sent; those of a late message are old."""
    return st.query_params.to_dict()


class _ThisRun(threading.local):
    """What `url_parameters` has found for the browser's present message: a page asks a hundred times."""

    message: object = None
    where = ("", "")  # page and query
    parameters: Mapping[str, str] = {}


_this_run = _ThisRun()


def _read_parameters(context: ScriptRunContext) -> Mapping[str, str]:
    known_page, known_query, known = st.session_state.get(URL_KEY, (None, None, {}))
    navigated = context.page_script_hash != known_page or context.is_history_navigation
    if context.query_string == known_query and not navigated:
        return known
    received = _renamed(received_parameters())
    if not navigated and any(received == replaced for _when, replaced in _recently_replaced()):
        return known
    if received != known:
        st.session_state[LINKED_KEY] = dict(received)
    _remember(received, [])
    return received


def _renamed(query: dict[str, str]) -> dict[str, str]:
    """Return a query with the present ids of runs in place of those in version 0.1's links."""
    runs = query.get(COMPARED_KEY, "").split(",")
    renamed = {
        RUN_KEY: RENAMED_RUNS.get(query.get(RUN_KEY, "")),
        COMPARED_KEY: ",".join(RENAMED_RUNS.get(run, run) for run in runs),
    }
    return query | {name: value for name, value in renamed.items() if value and name in query}


def set_url_parameters(changes: Mapping[str, str | None]) -> None:
    """Change parameters of the URL; None removes one."""
    before = url_parameters()
    after = {name: value for name, value in {**before, **changes}.items() if value is not None}
    if after != before:
        st.query_params.from_dict(after)
        _remember(after, [*_recently_replaced(), (time.monotonic(), before)])


def show_url() -> None:
    """Show the URL in the browser after a link from a page to itself, which Streamlit's frontend doesn't."""
    st.query_params.from_dict(dict(url_parameters()))


def _recently_replaced() -> list[tuple[float, Mapping[str, str]]]:
    """Return the URLs that a late message may still carry, as in REPLACED_KEY."""
    since = time.monotonic() - LATE_SECONDS
    return [(when, replaced) for when, replaced in st.session_state.get(REPLACED_KEY, []) if when > since]


def _remember(parameters: Mapping[str, str], replaced: list[tuple[float, Mapping[str, str]]]) -> None:
    context = get_script_run_ctx()
    st.session_state[URL_KEY] = (context.page_script_hash, context.query_string, parameters)
    st.session_state[REPLACED_KEY] = replaced
    _this_run.message = None


def take_linked_value(key: str) -> str:
    """Return the value under `key` with which the page was opened; "" if it was changed or taken since."""
    linked: dict[str, str] = st.session_state.get(LINKED_KEY, {})
    value = linked.pop(key, "")
    return value if value == url_parameters().get(key) else ""


def option_in_url(options: Container[str], key: str, default: str) -> str:
    """Return the choice under `key` in the URL, or `default` if it is none of the options."""
    chosen = url_parameters().get(key, default)
    return chosen if chosen in options else default


def number_in_url(key: str) -> int | None:
    """Return the whole number of at most nine digits under `key` in the URL, or None."""
    text = url_parameters().get(key, "")
    return int(text) if text.isdecimal() and len(text) < 10 else None


def current_run() -> str | None:
    """Return the id of the run in the URL."""
    return url_parameters().get(RUN_KEY) or None


def compared_runs() -> list[str] | None:
    """Return the ids of the runs that the URL lists for comparison, each once; None if it has no list."""
    if COMPARED_KEY not in url_parameters():
        return None
    ids = url_parameters()[COMPARED_KEY].split(",")
    return [run for run in dict.fromkeys(ids) if run][:MOST_COMPARED]
