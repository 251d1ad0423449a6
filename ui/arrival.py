"""What a click asks for is seen before the rest of the page."""

import time

import streamlit as st

# Streamlit sends what there is every 10 ms; a browser takes 20 to 40 to take in that the page is made anew.
SECONDS_TO_ARRIVE = 0.045


def let_arrive(place: str, shown: object) -> None:
    """Let the browser draw what the page has so far, if `shown` is new in this place of it.

    A browser draws all that has come by then in one go, which takes it a tenth of a second for a page's
    controls: without a pause the answer to a click would wait for them.
    """
    key = f"arrived_{place}"
    if st.session_state.get(key) != shown:
        st.session_state[key] = shown
        time.sleep(SECONDS_TO_ARRIVE)
