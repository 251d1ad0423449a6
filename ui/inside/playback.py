"""Play: the slider moves from checkpoint to checkpoint by itself.

The browser requests the next checkpoint a pause after it has received the last one completely, so a slow
server or line only slows the steps down. A tab in the background requests none.
"""

from pathlib import Path

import streamlit as st

from ui.i18n import gettext as _
from ui.inside.selection import SNAPSHOT_KEY, InspectedRun
from ui.url_state import set_url_parameters

PLAYING_KEY = "playing"  # id of the run whose checkpoints are being stepped through
CLOCK_KEY = "play_clock"
PAUSE_MILLISECONDS = 900

# The name must be unique in the server, in which Streamlit registers it.
_clock = st.components.v2.component(
    "digitlab_clock", html="<span></span>", js=(Path(__file__).parent / "play_clock.js").read_text()
)


def stop() -> None:
    """Stop; called at each run of the whole page, as for another training, language or page."""
    st.session_state.pop(PLAYING_KEY, None)


def is_playing(inspected: InspectedRun) -> bool:
    """Return whether the checkpoints of this run are being stepped through."""
    return st.session_state.get(PLAYING_KEY) == inspected.run.id


def show_button(inspected: InspectedRun) -> None:
    """Show the button that starts and stops."""
    playing = is_playing(inspected)
    st.button(
        _("Stop") if playing else _("Play"),
        icon=":material/stop:" if playing else ":material/play_arrow:",
        key="play",
        on_click=_start_or_stop,
        args=(inspected,),
        help=_(
            "Steps through the checkpoints. If your system is set to reduce motion, each press moves one "
            "checkpoint on."
        ),
    )


def show_clock(inspected: InspectedRun) -> None:
    """Have the browser request the next checkpoint; call it after everything else on the page."""
    data = {
        "playing": is_playing(inspected),
        "shown": _name(inspected.place),
        "milliseconds": PAUSE_MILLISECONDS,
    }
    _clock(data=data, key=CLOCK_KEY, on_shown_change=lambda: _answer(inspected))


def _start_or_stop(inspected: InspectedRun) -> None:
    if is_playing(inspected):
        stop()
        return
    st.session_state[PLAYING_KEY] = inspected.run.id
    _go(inspected, 0 if inspected.place == len(inspected.snapshots) - 1 else inspected.place + 1)


def _answer(inspected: InspectedRun) -> None:
    """Go to the next checkpoint if the browser has shown this one; with `once`, stay and stop."""
    shown = st.session_state[CLOCK_KEY].get("shown") or {}
    if not is_playing(inspected) or shown.get("name") != _name(inspected.place):
        return
    if shown.get("once"):
        stop()
    else:
        _go(inspected, inspected.place + 1)


def _go(inspected: InspectedRun, place: int) -> None:
    """Set the slider; stop at the last checkpoint."""
    last = len(inspected.snapshots) - 1
    set_url_parameters({SNAPSHOT_KEY: f"{inspected.snapshots[min(place, last)].epoch:g}"})
    if place >= last:
        stop()


def _name(place: int) -> str:
    return str(place)
