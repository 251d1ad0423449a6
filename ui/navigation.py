"""The pages, the links between them, and their common entry."""

import functools
import runpy
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from urllib.parse import urlencode

import streamlit as st
from streamlit.commands import navigation

from mnist_core.messages import N_
from ui.i18n import gettext as _
from ui.i18n import language
from ui.url_state import CARRIED, CHAPTER_KEY, LANGUAGE_KEY, RUN_KEY, url_parameters

ENTRY = Path(__file__).resolve().parent.parent / "streamlit_app.py"
LEARN_PAGE = "pages/learn.py"
ENTERED_KEY = "entered"
UNKNOWN_KEY = "unknown_address"
EXPLORE, DRAW = "explore", "draw"
PLACES = {
    EXPLORE: ("grid_view", N_("Explore"), N_("Handwritten digits")),
    "learn": ("school", N_("Learn"), N_("Learn how a network works")),
    "train": ("model_training", N_("Train"), N_("Train a network")),
    "search": ("manage_search", N_("Search"), N_("Search for settings")),
    "evaluate": ("fact_check", N_("Evaluate"), N_("Evaluate")),
    "compare": ("compare_arrows", N_("Compare"), N_("Compare")),
    "inside": ("network_node", N_("Inside"), N_("Inside a network")),
    DRAW: ("draw", N_("Draw"), N_("Draw a digit")),
    "runs": ("list", N_("Runs"), N_("Runs")),
    "data": ("dataset", N_("Data"), N_("Your own data")),
}
"""Each page's file with its icon, its name and its heading."""


def pages() -> list[st.Page]:
    """Return the pages in their order. Streamlit marks the one that it runs, so these are copies."""
    return [copy(page) for page in _pages(language()).values()]


@functools.cache
def _pages(_language: str) -> dict[str, st.Page]:
    """Make the pages once, by their files: for each of them Streamlit looks at all folders above its file."""
    return {
        f"pages/{file}.py": st.Page(
            f"pages/{file}.py",
            title=_(title),
            icon=f":material/{icon}:",
            default=file == EXPLORE,
            url_path="start" if file == EXPLORE else file,  # "start" leaves /explore to `explore_address`
        )
        for file, (icon, title, _heading) in PLACES.items()
    }


def note_unknown_addresses() -> None:
    """Have Streamlit leave it to us to say that an address has no page: its window is in English only.

    The first visitor of a server sees that window still, as Streamlit knows no page before our script ran.
    """

    def note(_context: object) -> None:
        st.session_state[UNKNOWN_KEY] = True

    navigation.send_page_not_found = note


def show_unknown_address() -> None:
    """Say that the address just opened has no page, if it has none."""
    if st.session_state.pop(UNKNOWN_KEY, False):
        shown = _("There is no page at this address, so the first one is shown. Choose another in the list.")
        with st.container(key="unknown_address"):  # above a new visitor's canvas on a phone, too
            st.warning(shown)


def explore_address(first: st.Page) -> st.Page:
    """Return the page that sends who types /explore, by its name like the others, to the first page at /."""

    def switch() -> None:
        st.switch_page(first, query_params=url_parameters())

    return st.Page(switch, title=first.title, url_path=EXPLORE)


def page_list_html(listed: list[st.Page]) -> str:
    """Return the list of links to the pages as one element of HTML.

    The browser renders each of Streamlit's elements at each click, and ten links would be ten. browser.js
    shows the page of a click without loading the app again, adds what links carry, and marks the open page.
    """
    one = (
        "<a href='{path}'><span class='lab-icon' translate='no' aria-hidden='true'>{icon}</span>"
        "<span>{title}</span></a>"
    )
    icons = [icon for icon, _title, _heading in PLACES.values()]
    links = [
        one.format(path=page.url_path or "./", icon=icon, title=page.title)
        for page, icon in zip(listed, icons, strict=True)
    ]
    return "<nav class='lab-pages' aria-label='{name}'>{links}</nav>".format(
        name=_("Pages"), links="".join(links)
    )


def link(page: str, label: str, icon: str | None = None, run: str | None = None, **choices: str) -> None:
    """Show a link to one of our pages, by its file, that keeps language, settings and current run.

    It opens `run` if that is given. `choices` are further parameters for that page's URL.
    """
    query = url_parameters()
    carried = {key: query[key] for key in CARRIED if key in query} | choices
    query = carried | ({RUN_KEY: run} if run else {})
    st.page_link(_pages(language())[page], label=label, icon=icon, query_params=query)


def show_address(query: dict[str, str]) -> None:
    """Show the present page's address with these parameters, and a button that copies it, in our language."""
    parameters = url_parameters()
    language = {LANGUAGE_KEY: parameters[LANGUAGE_KEY]} if LANGUAGE_KEY in parameters else {}
    address = (st.context.url or "/").partition("?")[0]
    st.code(f"{address}?{urlencode({**query, **language}, safe=',:')}", language=None, wrap_lines=True)


def chapter_help(chapter: str) -> str:
    """Return the link "What is this?" to a chapter of Learn, as help of a control or heading, in Markdown.

    `chapter` is its key in ui/learn/chapters.py. The link opens a tab, so nothing on the page is lost.
    """
    query = url_parameters()
    carried = {key: query[key] for key in (LANGUAGE_KEY, RUN_KEY) if key in query}
    words = _("What is this?")
    return f"[{words}](learn?{urlencode({CHAPTER_KEY: chapter, **carried})})"


@contextmanager
def through_entry() -> Iterator[None]:
    """Mark what runs inside as called by the entry, for `run_through_entry`."""
    st.session_state[ENTERED_KEY] = True
    try:
        yield
    finally:
        del st.session_state[ENTERED_KEY]


def run_through_entry() -> None:
    """Run the entry instead, if Streamlit runs this page by itself.

    That happens once in a server's life, when its first visit is a link to a page: Streamlit has not run
    `st.navigation` yet and takes `pages/` for those of its older multipage apps.
    """
    if ENTERED_KEY not in st.session_state:
        runpy.run_path(str(ENTRY), run_name="__main__")
        st.stop()
