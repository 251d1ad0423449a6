"""Draw: write digits, or bring pictures of them, have a network read them, and look into how it does."""

import streamlit as st

from mnist_core.messages import InputError
from mnist_core.runs.run import Run
from ui.arrival import page_fragment
from ui.draw.answer import show_answer
from ui.draw.pictures import show_table
from ui.draw.really import offer_to_keep
from ui.draw.sections import show_sections
from ui.draw.slots import leave_empty
from ui.draw.ways import WAYS, choose_way, hint
from ui.draw.writing import Reading, Writing, read
from ui.runs import pick_run
from ui.state import come_through_entry
from ui.translation import gettext as _
from ui.translation import say

AS_ONE_KEY = "as_one"


@page_fragment
def show_page() -> None:
    """Show everything in a fragment, so that a stroke reruns no more than this."""
    writing_side, reading_side = st.columns([2, 3], gap="medium")
    with writing_side:
        way = choose_way()
        written = WAYS[way]()
    with reading_side:
        answer = st.container(key="answer")
        run = pick_run()
    try:
        if isinstance(written, Writing):
            with answer:
                reading = show_reading(run, written, hint(way))
            show_sections(reading)
        else:
            show_table(run, written)
    except InputError as error:  # a run that was removed meanwhile, say
        st.error(say(error.message))


def show_reading(run: Run, written: Writing, how_to_begin: str) -> Reading:
    """Show what a run reads, with the ways to say that it was something else; return it."""
    reading = read(run, written, st.session_state.get(AS_ONE_KEY, False))
    show_answer(reading, how_to_begin)
    if reading.digits:
        with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
            offer_to_keep(reading)
            offer_as_one(reading)
    else:
        leave_empty(1)
    return reading


def offer_as_one(reading: Reading) -> None:
    """Let what was split into several digits be read as one."""
    if len(reading.digits) > 1 or st.session_state.get(AS_ONE_KEY):
        st.toggle(_("It is one digit"), key=AS_ONE_KEY)


come_through_entry()
show_page()
