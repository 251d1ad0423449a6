"""A visitor's part in work in the background: starting it, watching how far it is, stopping it."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from ui.background import SharedWork, visitor
from ui.translation import gettext as _

SECONDS_BETWEEN_LOOKS = 0.7


def is_watched(work: SharedWork[Any], watched: str) -> bool:
    """Whether it runs and this visitor hasn't pressed Stop, which the session keeps under `watched`."""
    return work.running and st.session_state.get(watched, True)


def start_button(label: str, watched: str, work: Callable[[], SharedWork[Any]], **options: Any) -> None:
    """Show a button that starts the work that is there when it is pressed."""

    def start() -> None:
        st.session_state[watched] = True
        work().start(visitor())

    st.button(label, type="primary", icon=":material/play_arrow:", on_click=start, **options)


def progress_and_stop(work: SharedWork[Any], watched: str, text: str, **options: Any) -> None:
    """Show how far it is and a button to stop it; where there is no more to watch, run the page again."""
    if not is_watched(work, watched):
        st.rerun()
    work.watch(visitor())

    def stop() -> None:
        st.session_state[watched] = False
        work.stop(visitor())

    st.progress(work.fraction, text=text.format(percent=work.fraction))
    st.button(_("Stop"), icon=":material/stop:", on_click=stop, **options)
