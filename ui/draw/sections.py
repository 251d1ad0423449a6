"""What lies below the answer: sections that are named, and computed only when they are opened."""

from collections.abc import Callable
from importlib import import_module

import streamlit as st

from ui.arrival import page_fragment
from ui.controls import show_value
from ui.draw.slots import leave_empty
from ui.draw.writing import Reading
from ui.translation import gettext as _
from ui.url import in_url, put_in_url

SECTION_KEY = "look"
MOST_PARTS = 20  # elements of a section, or more
DIGIT_KEY = "which_digit"
OF_ALL = {"others", "sheet"}  # of the sections: the others are about one digit


def names() -> dict[str, str]:
    """Return the sections, each a module of ui.draw, with what they are called."""
    return {
        "steps": _("Step by step"),
        "attention": _("What it looks at"),
        "layers": _("Inside the network"),
        "similar": _("Similar images"),
        "changes": _("Turn, move, thicken"),
        "others": _("Other networks"),
        "sheet": _("My handwriting"),
    }


@page_fragment
def show_sections(reading: Reading) -> None:
    """Show the sections' names, and the one that is open."""
    sections = names()
    chosen = _choose(sections)
    for section in sections:  # each in a place of its own
        if section == chosen:
            with st.container():
                _show(section, reading)
        else:
            leave_empty(1)


def _show(section: str, reading: Reading) -> None:
    """Show a section, about one of the digits unless it is about all."""
    show: Callable[..., None] = import_module(f"ui.draw.{section}").show
    if section in OF_ALL:
        show(reading)
    elif (place := pick_digit(reading)) is not None:
        show(reading, place)


def pick_digit(reading: Reading) -> int | None:
    """Show which digit of a row a section is about; return its place, None when nothing was written."""
    if len(reading.digits) < 2:
        if not reading.digits:
            st.info(_("Write a digit first: this section is about what you wrote."))
        leave_empty(1 if reading.digits else MOST_PARTS)  # what was said here goes before anything is awaited
        return 0 if reading.digits else None
    places = range(len(reading.digits))
    labels = [f"{place + 1}.: {reading.text[place]}" for place in places]
    if st.session_state.get(DIGIT_KEY) not in places:
        st.session_state[DIGIT_KEY] = 0
    return st.segmented_control(
        _("Which digit"), places, format_func=lambda place: labels[place], key=DIGIT_KEY, required=True
    )


def _choose(options: dict[str, str]) -> str | None:
    """Show the sections; the open one is in the URL. A click on it closes it."""

    def keep() -> None:
        chosen = st.session_state[SECTION_KEY]
        put_in_url({SECTION_KEY: chosen if chosen in options else None})

    wanted = in_url().get(SECTION_KEY)
    opened = wanted if wanted in options else None
    show_value(SECTION_KEY, opened, tuple(options.items()))
    return st.pills(
        _("Look closer"),
        list(options),
        default=opened,
        format_func=options.get,
        key=SECTION_KEY,
        on_change=keep,
    )
