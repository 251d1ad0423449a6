"""Progress through the chapters: which is open, which were read, the list of all, previous and next."""

import streamlit as st

from ui.i18n import gettext as _
from ui.i18n import list_text
from ui.learn.chapters import CHAPTERS, Chapter
from ui.learn.chosen_digit import DIGIT_KEY, EXAMPLE_KEY
from ui.navigation import LEARN_PAGE, link, show_address
from ui.url_controls import say_replaced, set_widget_value
from ui.url_state import (
    CARRIED,
    CHAPTER_KEY,
    set_url_parameters,
    show_url,
    take_linked_value,
    url_parameters,
)

READ_KEY = "read"  # in the URL and the session: keys of the chapters that were read, as "image-neuron"
LIST_KEY = "learn_chapters"
SHOWN_KEY = "learn_shown"  # the chapter that this session saw last
KEPT = (READ_KEY, DIGIT_KEY, EXAMPLE_KEY)  # parameters that are kept from chapter to chapter
# Runs once for each change of the chapter: to the top, and a screen reader begins with the chapter's heading.
TO_TOP = """<span></span><script>{{
  // {chapter}
  document.querySelector('[data-testid="stMain"]')?.scrollTo(0, 0);
  const heading = document.querySelector('.st-key-lab_chapter h2');
  if (heading) {{ heading.tabIndex = -1; heading.focus({{preventScroll: true}}); }}
}}</script>"""


def read_chapters() -> list[str]:
    """Return the keys of the chapters that were read, according to the URL and this visit."""
    known = {*url_parameters().get(READ_KEY, "").split("-"), *st.session_state.get(READ_KEY, ())}
    return [key for key in CHAPTERS if key in known]


def open_chapter() -> Chapter:
    """Return the chapter in the URL, else the first that was not read; write it and the progress there."""
    read = read_chapters()
    unread = [key for key in CHAPTERS if key not in read]
    key = url_parameters().get(CHAPTER_KEY, "")
    if key not in CHAPTERS:
        key = next(iter(unread or CHAPTERS))
        if take_linked_value(CHAPTER_KEY):
            say_replaced(_("Chapter"), _(CHAPTERS[key].title))
    _remember(read)
    set_url_parameters({CHAPTER_KEY: key})
    if st.session_state.get(SHOWN_KEY, key) != key:
        show_url()
    return CHAPTERS[key]


def mark_read(key: str) -> None:
    """Note that a chapter was read: its explanation was opened."""
    _remember([*read_chapters(), key])


def _remember(read: list[str]) -> None:
    st.session_state[READ_KEY] = tuple(read)
    set_url_parameters({READ_KEY: "-".join(read_chapters()) or None})


def number_of(chapter: Chapter) -> int:
    """Return a chapter's number in reading order, from 1."""
    return [*CHAPTERS].index(chapter.key) + 1


def show_chapter_list(chapter: Chapter) -> None:
    """Show the reader's progress, and a closed list of all chapters with a tick at those that were read."""
    read = read_chapters()
    words = _("All chapters: {read} of {count} read")
    label = words.format(read=len(read), count=len(CHAPTERS))
    set_widget_value(LIST_KEY, st.session_state.get(LIST_KEY, False), label)
    expander = st.expander(label, key=LIST_KEY, icon=":material/menu_book:", on_change="rerun")
    if expander.open:
        with expander, st.container(key="lab_chapters", gap=None):
            for number, entry in enumerate(CHAPTERS.values(), 1):
                _show_entry(number, entry, entry == chapter, entry.key in read)


def _show_entry(number: int, entry: Chapter, is_open: bool, was_read: bool) -> None:
    notes = [word for word, holds in ((_("open"), is_open), (_("read"), was_read)) if holds]
    label = f"{number}. {_(entry.title)}"
    icon = ":material/check_circle:" if was_read else ":material/radio_button_unchecked:"
    link_to(entry, f"{label} ({list_text(notes)})" if notes else label, icon)


def link_to(chapter: Chapter, label: str, icon: str) -> None:
    """Show a link to a chapter that keeps the progress and the chosen digit."""
    query = url_parameters()
    kept = {key: query[key] for key in KEPT if key in query}
    link(LEARN_PAGE, label, icon, **kept, **{CHAPTER_KEY: chapter.key})


def show_neighbours(chapter: Chapter) -> None:
    """Show links to the previous and the next chapter."""
    chapters, place = [*CHAPTERS.values()], number_of(chapter) - 1
    with st.container(key="lab_neighbours", horizontal=True, horizontal_alignment="distribute"):
        if place > 0:
            link_to(chapters[place - 1], _(chapters[place - 1].title), ":material/arrow_back:")
        if place + 1 < len(chapters):
            link_to(chapters[place + 1], _(chapters[place + 1].title), ":material/arrow_forward:")


def show_chapter_link() -> None:
    """Show the address of the chapter with its controls' values, without the visitor's progress."""
    with st.popover(_("Link to this chapter"), icon=":material/link:", type="tertiary"):
        st.caption(_("It opens this chapter with its controls as they are now, before a guess."))
        own = (READ_KEY, *CARRIED)
        show_address({name: value for name, value in url_parameters().items() if name not in own})


def scroll_to_top(chapter: Chapter) -> None:
    """Scroll to the top if the visitor has come from another chapter."""
    if st.session_state.setdefault(SHOWN_KEY, chapter.key) != chapter.key:
        st.session_state[SHOWN_KEY] = chapter.key
        st.html(TO_TOP.format(chapter=chapter.key), unsafe_allow_javascript=True)
    else:
        st.empty()
