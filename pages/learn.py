"""Learn: short chapters, each an experiment on real digits with a question before it."""

import streamlit as st

from ui.i18n import gettext as _
from ui.learn.chapter_parts import show_chapter
from ui.learn.chapter_progress import open_chapter
from ui.navigation import run_through_entry

run_through_entry()
chapter = open_chapter()
st.set_page_config(page_title=f"{_(chapter.title)} · Digit Lab")
# A fragment, so that a click reruns no more than this.
st.fragment(show_chapter, key="learn")(chapter)
