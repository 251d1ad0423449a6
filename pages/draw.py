"""Draw: write digits or bring pictures of them, have a network read them, and see how it does."""

import streamlit as st

from mnist_core.messages import InputError
from mnist_core.runs.run import Run
from ui import resources
from ui.canvas import remember_read_images
from ui.class_names import thing
from ui.draw.drawing_sheet import show_label_correction
from ui.draw.explanation_sections import show_sections
from ui.draw.input_methods import INPUT_METHODS, choose_input_method, instruction
from ui.draw.picture_table import show_table
from ui.drawing_input import DrawingInput, ReadDrawing, read
from ui.fragments import clear_slots
from ui.html.tables import markdown
from ui.i18n import gettext as _
from ui.navigation import DRAW, run_through_entry
from ui.page_headings import draw_heading, follow
from ui.prediction import show_answer
from ui.runs.choice import pick_run
from ui.train_form.state import show_missing_dataset_of_link

AS_ONE_KEY = "as_one"


@st.fragment
def show_page() -> None:
    """Show everything in a fragment, so that a stroke reruns no more than this."""
    warnings = st.container()  # above the canvas, where a phone shows it
    with warnings:
        show_missing_dataset_of_link()
    writing_side, reading_side = st.columns([2, 3], gap="medium")
    with writing_side:
        method = choose_input_method()
        written = INPUT_METHODS[method]()
    with reading_side:
        answer = st.container(key="answer")
        run = pick_run(warnings)
        follow(DRAW, draw_heading(run.config.dataset))
    try:
        if isinstance(written, DrawingInput):
            with answer:
                reading = show_reading(run, written, instruction(method, run.config.dataset))
            remember_read_images(method, [digit.prediction.image for digit in reading.digits])
            show_sections(reading)
        else:
            show_table(run, written)
    except InputError as error:  # for example of a run that was deleted meanwhile
        st.error(markdown(error.message))


def show_reading(run: Run, written: DrawingInput, instruction: str) -> ReadDrawing:
    """Show a run's prediction, with the controls that correct its label; return it."""
    if not written.is_blank:
        resources.wait_for_torch()
    reading = read(run, written, st.session_state.get(AS_ONE_KEY, False))
    show_answer(reading, instruction)
    if reading.digits:
        with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
            show_label_correction(reading)
            offer_as_one(reading)
    else:
        clear_slots(1)
    return reading


def offer_as_one(reading: ReadDrawing) -> None:
    """Show the switch that reads the whole input as one digit."""
    if len(reading.digits) > 1 or st.session_state.get(AS_ONE_KEY):
        words = _("Read as one {thing}").format(thing=thing(reading.run.config.dataset))
        st.toggle(words, key=AS_ONE_KEY)


run_through_entry()
show_page()
