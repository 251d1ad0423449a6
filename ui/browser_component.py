"""What the browser gets: theme, style sheet and script of all pages, and components with their own.

A component's style sheet and script lie beside the module that shows it.
"""

import functools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components.v2.bidi_component import serialization
from streamlit.proto.NewSession_pb2 import CustomThemeConfig
from streamlit.runtime import app_session

HERE = Path(__file__).parent
STYLE_SHEETS = (HERE / "style.css", HERE / "html" / "elements.css")
SHARED_SCRIPT = Path(__file__).with_suffix(".js").read_text()
_fill_in_theme = app_session._populate_theme_msg
_is_table = serialization.is_dataframe_like


def open_without_pandas() -> None:
    """Have Streamlit not ask whether a component's dictionary or list is a table.

    To ask, it imports pandas, for which all who open the first page of a server just started would wait.
    """
    serialization.is_dataframe_like = lambda value: not isinstance(value, (dict, list)) and _is_table(value)


def prepare_theme() -> None:
    """Have Streamlit fill in the theme's message from one that is made once in the server's life.

    For each run of a page or fragment Streamlit otherwise looks through all its options six times. A changed
    theme therefore shows after the server has been started again.
    """
    app_session._populate_theme_msg = lambda message, section="theme": message.MergeFrom(_theme(section))


@functools.cache
def _theme(section: str) -> CustomThemeConfig:
    theme = CustomThemeConfig()
    _fill_in_theme(theme, section)
    return theme


class Html(str):
    """HTML that `st.html` takes as it is; of other text it looks for the indent of each line."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return str(self)


def style_html() -> Html:
    """Return the style sheets of all pages as HTML."""
    return _style_html(max(sheet.stat().st_mtime_ns for sheet in STYLE_SHEETS))


def one_line(style: str) -> str:
    """Return a style sheet without its comments in one line: a fifth less to send."""
    return " ".join(re.sub(r"/\*.*?\*/", "", style, flags=re.DOTALL).split())


def script_html() -> str:
    """Return the script of all pages as HTML."""
    return _script_html((HERE / "browser.js").stat().st_mtime_ns)


@functools.lru_cache(1)
def _style_html(_changed: int) -> Html:
    return Html(f"<style>{one_line(''.join(sheet.read_text() for sheet in STYLE_SHEETS))}</style>")


@functools.lru_cache(1)
def _script_html(_changed: int) -> str:
    return f"<script>{(HERE / 'browser.js').read_text()}</script>"


def browser_component(name: str, module: str, html: str) -> Callable[..., Any]:
    """Return a Streamlit component of version 2; `module` is the `__file__` of the module that shows it.

    `name` must be unique in the server, in which Streamlit registers it.
    """
    style, script = (Path(module).with_suffix(suffix).read_text() for suffix in (".css", ".js"))
    return st.components.v2.component(name, html=html, css=style, js=SHARED_SCRIPT + script)
