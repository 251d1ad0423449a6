"""'It was really a ...': keeps what was drawn, with its label, in the visitor's own sheet."""

import streamlit as st

from mnist_core.messages import N_, InputError, Message
from ui.draw import own_sheet
from ui.draw.writing import Reading
from ui.translation import gettext as _
from ui.translation import say

ANSWER_KEY = "really_answer"  # what came of the last one: a message and its icon
NUMBER_KEY = "really_number"


def offer_to_keep(reading: Reading) -> None:
    """Offer to say what was really written; not for an image of MNIST, whose label is known."""
    if answer := st.session_state.pop(ANSWER_KEY, None):
        message, icon = answer
        st.toast(say(message), icon=icon)
    if not reading.digits or reading.writing.ready:
        return
    key = f"really-{len(own_sheet.sheet())}"  # another one once a digit was kept: it closes
    with st.popover(_("It was really a …"), icon=":material/edit:", key=key):
        st.markdown(_("What you say is kept in your own test sheet: see **My handwriting** below."))
        if len(reading.digits) == 1:
            _show_digits(reading)
        else:
            _show_number(reading)


def _show_digits(reading: Reading) -> None:
    with st.container(horizontal=True, gap="xsmall"):
        for digit in range(10):
            st.button(str(digit), key=f"really_{digit}", on_click=_keep, args=(reading, str(digit)), width=44)


def _show_number(reading: Reading) -> None:
    count = len(reading.digits)
    with st.form("really_form", border=False):
        st.text_input(
            _("All {n} digits, from left to right").format(n=count), key=NUMBER_KEY, max_chars=count
        )
        st.form_submit_button(_("Keep"), on_click=_keep_number, args=(reading,))


def _keep_number(reading: Reading) -> None:
    text, count = st.session_state[NUMBER_KEY].strip(), len(reading.digits)
    if len(text) == count and text.isascii() and text.isdecimal():
        _keep(reading, text)
        st.session_state[NUMBER_KEY] = ""
    else:
        words = N_("It found {n} digits, so it needs {n} figures; nothing was kept.")
        st.session_state[ANSWER_KEY] = (Message(words, {"n": count}), ":material/error:")


def _keep(reading: Reading, text: str) -> None:
    parts = zip(reading.parts, reading.digits, text, strict=True)
    try:
        own_sheet.keep(
            [own_sheet.entry(part, digit.prediction.image, int(label)) for part, digit, label in parts]
        )
    except InputError as error:
        st.session_state[ANSWER_KEY] = (error.message, ":material/error:")
    else:
        kept = Message(N_("Kept as {digits}, in My handwriting below."), {"digits": text})
        st.session_state[ANSWER_KEY] = (kept, ":material/check:")
