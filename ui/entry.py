"""What every page has: navigation, header, sidebar, and changes to Streamlit itself."""

import atexit
import functools
import importlib
import json
import pkgutil
from contextlib import suppress
from pathlib import Path
from typing import Literal

import PIL.Image
import streamlit as st

from mnist_core import __version__
from mnist_core.messages import InputError
from mnist_core.runtime.event_log import write_log
from mnist_core.runtime.limits import check_settings
from mnist_core.runtime.process import import_scipy
from ui import resources, visitor
from ui.browser_component import (
    Html,
    open_without_pandas,
    prepare_theme,
    script_html,
    style_html,
)
from ui.file_transfers import bound_uploads, forget_page_data, keep_downloads
from ui.fragments import (
    copy_each_container_once,
    keep_what_fragments_sent,
    send_to_browser,
    start_once_for_a_click,
)
from ui.html.tables import markdown
from ui.i18n import gettext as _
from ui.i18n import language
from ui.navigation import (
    EXPLORE,
    explore_address,
    note_unknown_addresses,
    page_list_html,
    pages,
    through_entry,
)
from ui.operator_reports import count_tab, heartbeat, show_errors_as_sentences
from ui.page_headings import show_top
from ui.runs.lists import show_sidebar
from ui.url_controls import choose_language
from ui.url_state import CARRIED

HERE = Path(__file__).parent
# The browser picks fonts and pronunciation by the language that the page declares.
# Streamlit's own words are in English only: style.css puts ours over them.
HEADER = (
    "<style>.stApp {{ --lab-upload: '{upload}'; --lab-limit: '{limit}'; --lab-photo: '{photo}' }}</style>"
    "<span class='lab-brand'>Digit Lab</span>{links}"
    "<script>document.documentElement.lang = '{language}'; window.digitLabWords = {browser_words};"
    "window.digitLabCarried = {carried}</script>"
)
VERSION = Html(f'<p class="lab-version">Digit Lab {__version__}</p>')
SIDEBAR_WIDTH = 230  # pixels
# What Streamlit and Babel import when they first need it, on the first page.
LATE_IMPORTS = ("babel.dates", "babel.numbers", "streamlit.emojis", "streamlit.material_icon_names")


def sidebar_at_first() -> Literal["collapsed"] | int:
    """Return how the sidebar begins: closed on a phone, also on one held sideways."""
    is_phone = "Mobi" in st.context.headers.get("User-Agent", "")
    return "collapsed" if is_phone else SIDEBAR_WIDTH


def prepare_server() -> None:
    """Do before the server answers what its first visitors would wait for on the first page."""
    prepare_streamlit()
    of_page = [module.name for module in pkgutil.iter_modules([str(HERE / EXPLORE)], f"ui.{EXPLORE}.")]
    for module in (*of_page, *LATE_IMPORTS):
        importlib.import_module(module)
    PIL.Image.preinit()
    with suppress(InputError):  # a setting is wrong, which the first page says
        heartbeat()
        resources.load_network_first()


def end_work() -> None:
    """End trainings and jobs as at the end of a process, which a signal ends before it comes to that."""
    atexit._run_exitfuncs()


def prepare_streamlit() -> None:
    """Log, and change what Streamlit does for all visitors; repeated at each run of a page, it is quick."""
    write_log()
    show_errors_as_sentences()
    prepare_theme()
    open_without_pandas()
    keep_what_fragments_sent()
    start_once_for_a_click()
    copy_each_container_once()
    note_unknown_addresses()


def show_app() -> None:
    """Show the header, the sidebar and the page."""
    prepare_streamlit()
    first, *others = pages()
    # Our own links instead of Streamlit's menu, which drops the run from the URL and hides itself on a phone.
    page = st.navigation([first, *others, explore_address(first)], position="hidden")
    title, sidebar = f"{page.title} · Digit Lab", sidebar_at_first()
    st.set_page_config(title, str(HERE / "icon.svg"), "wide", sidebar)
    st.html(style_html())
    try:
        check_settings()
    except InputError as error:  # shown on the first page to the server's operator
        st.error(markdown(error.message))
        st.stop()
    bound_uploads()
    keep_downloads()
    header = st.container(key="header", horizontal=True, vertical_alignment="center")
    show_top(page.url_path or EXPLORE)
    send_to_browser("heading", page.title)
    with header:
        links = _header_html(language(), st.get_option("server.maxUploadSize"))
        st.html(Html(links + script_html() + visitor.cookie_script()), unsafe_allow_javascript=True)
        choose_language()
    # style.css puts it last; written here, it is there too when the page ends its run early.
    st.html(VERSION)
    try:
        show_page(page, is_first=page is first)
    except InputError as error:
        st.error(markdown(error.message))


@functools.cache
def _header_html(language: str, most_megabytes: int) -> str:
    """Return the name of the app, the links to the pages, and what browser.js needs."""
    limit = _("At most {size} MB per file").format(size=most_megabytes)
    browser_words = {
        "lost": _("The connection to the server is lost. Nothing here is updated until it is back."),
        "connected": _("Connected again."),
    }
    return HEADER.format(
        links=page_list_html(pages()),
        language=language,
        browser_words=json.dumps(browser_words),
        carried=json.dumps(CARRIED),
        upload=_("Choose a file"),
        limit=limit,
        photo=_("Take a photo"),
    )


def show_page(page: st.Page, is_first: bool) -> None:
    """Show the sidebar and the page; `is_first` is the one that the app begins with."""
    count_tab()
    heartbeat()
    resources.load_network_soon()
    visitor.remember_opened()
    if page.url_path != "data":
        forget_page_data()
    show_sidebar(comparing=page.url_path == "compare")
    if not is_first:  # what of it needs SciPy or PyTorch imports it: a second sooner for all who open it
        import_scipy()
    with through_entry():
        page.run()
