"""Places on the page that are emptied by hand.

When another fragment runs right after one, as the list of runs does while a network trains, Streamlit (1.67)
turns the end of the first into an early one before the browser hears of it, and what that one no longer shows
stays. An empty element in its place removes it at once.
"""

import streamlit as st


def leave_empty(count: int) -> None:
    """Put nothing into the next `count` places of the present container."""
    for _place in range(count):
        st.empty()
