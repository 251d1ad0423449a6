"""What it looks at: which pixels speak for the digit that was read, or for another."""

import streamlit as st

from ui.draw.writing import Reading
from ui.saliency import show_saliency
from ui.translation import gettext as _

TARGET_KEY = "speaks_for"


@st.fragment
def show(reading: Reading, place: int) -> None:
    """Show the section."""
    prediction = reading.digits[place].prediction
    target = choose_target(prediction.label)
    alt = _("Your digit, coloured by what speaks for {digit}").format(digit=target)
    show_saliency(reading.run, prediction.image, target, alt)


def choose_target(read: int) -> int:
    """Show the digits that pixels can speak for, beginning with the one that was read; return one."""
    key = f"{TARGET_KEY}_{read}"  # another reading begins with itself
    st.session_state.setdefault(key, read)
    return st.segmented_control(_("What speaks for a …"), range(10), key=key, required=True)
